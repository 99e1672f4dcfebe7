import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  askGateway,
  exampleConfig,
  type GatewayStatus,
  readConfig,
  statePaths,
} from '../../src/gateway/index.js';
import { dawson } from '../support/dawson.js';
import { freePort, writeStudy } from '../support/gateway.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const program = fileURLToPath(new URL('../../bin/dawson.js', import.meta.url));

const minimal = {
  schema: 'dawson-gateway',
  schemaVersion: 1,
  state: 'state',
  folders: [{ path: 'inbox' }],
  destinations: [{ name: 'out', kind: 'folder', path: 'out' }],
  limits: { freeGiB: 0 },
};

/** A configuration with these differences, in a folder of its own. */
function written(differences: object = {}) {
  const at = temporaryFolder();
  for (const name of ['inbox', 'out']) mkdirSync(at(name));
  writeFileSync(at('gateway.json'), JSON.stringify({ ...minimal, ...differences }));
  return at;
}

describe('dawson gateway init', () => {
  it('writes a configuration that is understood, and replaces none', async () => {
    const at = temporaryFolder();
    const { exitCode } = await dawson(['gateway', 'init', at('gateway.json')]);
    expect([exitCode, readFileSync(at('gateway.json'), 'utf8')]).toEqual([0, exampleConfig]);
    expect(await readConfig(at('gateway.json'))).toMatchObject({
      state: at('gateway-state'),
      receiver: { title: 'DAWSON', host: '127.0.0.1', peers: [{ priority: 'routine' }] },
      destinations: [{ kind: 'dicom' }, { kind: 'folder', path: at('results') }],
    });
    const again = await dawson(['gateway', 'init', at('gateway.json')]);
    expect(again.exitCode).toBe(5);
  });
});

describe('the configuration of a gateway', () => {
  it.each([
    ['an unknown key', { colour: 'red' }, 'must NOT have additional properties'],
    ['no way in', { folders: [] }, 'neither receiver nor folders nor polls'],
    [
      'a title that is too long',
      { receiver: { title: 'A'.repeat(17), port: 1, peers: [{ title: 'A' }] } },
      '/receiver/title',
    ],
    ['nobody who may send', { receiver: { title: 'A', port: 1, peers: [] } }, '/receiver/peers'],
    [
      'two destinations of one name',
      { destinations: [minimal.destinations[0], minimal.destinations[0]] },
      'two destinations named out',
    ],
    [
      'a watched folder in the state',
      { folders: [{ path: 'state/x' }] },
      'a watched folder within',
    ],
    [
      'an archive that sends to nobody',
      {
        earlierExams: {
          archive: { kind: 'dicom', host: 'a', port: 1, title: 'PACS', from: 'DAWSON' },
        },
      },
      'no receiver with the title DAWSON, which PACS calls',
    ],
    ['results into a watched folder', { folders: [{ path: '.' }] }, 'a watched folder within'],
  ])('is refused with %s', async (_what, differences, said) => {
    const at = written(differences);
    await expect(readConfig(at('gateway.json'))).rejects.toMatchObject({
      code: 'bad-configuration',
      details: { found: expect.stringContaining(said) },
    });
  });
});

describe('dawson gateway', () => {
  it('with --check says what is in order and what is not', async () => {
    const [closed, page] = [await freePort(), await freePort()];
    const peer = { kind: 'dicom', host: '127.0.0.1', port: closed, title: 'A', from: 'B' };
    const at = written({
      page: { port: page },
      earlierExams: { archive: { kind: 'dicomweb', url: `http://127.0.0.1:${closed}/web` } },
      polls: [{ name: 'feed', kind: 'orthanc', url: `http://127.0.0.1:${closed}` }],
      destinations: [...minimal.destinations, { name: 'pacs', ...peer }],
    });
    const { exitCode, stdout, stderr } = await dawson([
      'gateway',
      '--config',
      at('gateway.json'),
      '--check',
    ]);
    expect(exitCode).toBe(3);
    expect(stdout.split('\n').map((line) => line.slice(0, 24))).toEqual([
      '✓ state folder',
      '✓ disk space',
      expect.stringMatching(/^✓ watched folder/),
      '✗ service feed: ECONNREF',
      '✗ archive of earlier exa',
      '✓ destination out',
      '✗ destination pacs: conn',
      expect.stringMatching(/^✓ page, port/),
      '',
    ]);
    expect(stderr).toContain('destination pacs: connect ECONNREFUSED');
  });

  it('is asked and told from the command line', async () => {
    const at = written({ quietSeconds: 0.1 });
    const config = ['--config', at('gateway.json')];
    const none = await dawson(['gateway', 'status', ...config]);
    expect([none.exitCode, none.stderr]).toEqual([7, expect.stringContaining('does not run')]);
    const gateway = spawn(process.execPath, [program, 'gateway', ...config]);
    const ended = new Promise((resolve) => gateway.once('close', resolve));
    onTestFinished(() => void gateway.kill('SIGKILL'));
    let log = '';
    gateway.stdout.on('data', (text) => {
      log += text;
    });
    // A study without a FLAIR: `dawson segment` refuses it.
    writeStudy(at('inbox'), { study: '1.2.3' });
    const refused = async (times: number) => {
      for (let look = 0; look < 1200; look++) {
        if (log.split('"event":"exam refused"').length > times) return;
        await wait(50);
      }
      throw new Error(log);
    };
    await refused(1);
    const status = await dawson(['gateway', 'status', ...config, '--json']);
    const { last } = JSON.parse(status.stdout) as GatewayStatus;
    expect(last).toMatchObject([{ state: 'refused', images: 3, attempts: 1 }]);
    expect(last[0].reason).toContain(
      'expected a series that is a FLAIR of a whole head; found none',
    );
    const retry = await dawson(['gateway', 'retry', last[0].job, ...config]);
    expect(retry.exitCode).toBe(0);
    await refused(2);
    const cancel = await dawson(['gateway', 'cancel', last[0].job, ...config]);
    expect(cancel.exitCode).toBe(0);
    const lines = await dawson(['gateway', 'status', ...config]);
    expect(lines.stdout).toContain('Exams: 0 arriving, 1 cancelled.\nDeliveries: none.\n');
    const unknown = await dawson(['gateway', 'retry', 'x', ...config]);
    expect(unknown.exitCode).toBe(2);
    gateway.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  it('goes on without a log when the reader of its standard output is gone', async () => {
    const at = written({ quietSeconds: 0.1 });
    const gateway = spawn(process.execPath, [program, 'gateway', '--config', at('gateway.json')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => gateway.once('close', resolve));
    onTestFinished(() => void gateway.kill('SIGKILL'));
    await new Promise((resolve) => gateway.stdout.once('data', resolve));
    gateway.stdout.destroy();
    writeStudy(at('inbox'), { study: '1.2.3' });
    const { control } = statePaths(at('state'));
    let refused = 0;
    for (let look = 0; look < 600 && refused === 0; look++) {
      await wait(100);
      refused = (await askGateway<GatewayStatus>(control, '/status')).jobs.refused ?? 0;
    }
    expect(refused).toBe(1);
    gateway.kill('SIGTERM');
    expect(await ended).toBe(0);
  });
});
