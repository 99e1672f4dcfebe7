import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { GatewayStatus } from '../../src/gateway/index.js';
import {
  deliveredTo,
  send,
  standInSteps,
  startGateway,
  withoutDcmtk,
  writeStudy,
} from '../support/gateway.js';

const audit = (file: string) =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).event);

const isIdle = ({ arriving, jobs, deliveries }: GatewayStatus) =>
  arriving === 0 && !jobs.waiting && !jobs.running && !deliveries.waiting;

describe('a gateway with a watched folder', () => {
  const folders = [{ path: 'inbox' }];

  it('takes files in when they are whole, leaves others, and makes a version for what comes late', async () => {
    const gateway = await startGateway({ folders, receiver: undefined });
    const inbox = writeStudy(gateway.at('inbox', 'export'), { study: '1.2.3' });
    writeFileSync(join(inbox, 'README.txt'), 'not an image');
    await gateway.until('first', ({ deliveries }) => deliveries.delivered === 1);
    expect(readdirSync(inbox)).toEqual(['README.txt']);
    // The same images again are the same exam; one more makes another version.
    writeStudy(inbox, { study: '1.2.3' });
    await gateway.until('taken', () => readdirSync(inbox).length === 1);
    await gateway.until('idle', isIdle);
    expect(deliveredTo(gateway.at('out'))).toHaveLength(1);
    writeStudy(inbox, { study: '1.2.3', slices: 4 });
    const status = await gateway.until('second', ({ deliveries }) => deliveries.delivered === 2);
    expect(status.last.map(({ version, images }) => [version, images])).toEqual([
      [2, 4],
      [1, 3],
    ]);
    expect(deliveredTo(gateway.at('out'))[1].note).toContain('Version 2: images of this exam came');
    expect(audit(gateway.at('state', 'audit.jsonl'))).toEqual([
      'gateway started',
      ...Array(2)
        .fill(['exam complete', 'analysis begun', 'analysis done', 'result delivered'])
        .flat(),
    ]);
    expect(readdirSync(gateway.at('state', 'arriving'))).toEqual([]);
  });

  it('tries again what may pass, gives up what cannot, and retries and cancels when asked', async () => {
    let behaviour = 'may-pass';
    const gateway = await startGateway(
      { folders, receiver: undefined, jobs: { attempts: 2 } },
      standInSteps(() => behaviour),
    );
    writeStudy(gateway.at('inbox'), { study: '1.2.3' });
    const failed = await gateway.until('failed', ({ jobs }) => jobs.failed === 1);
    expect(failed.last[0]).toMatchObject({
      attempts: 2,
      reason: 'It failed: expected one thing; found another.',
    });
    behaviour = 'final';
    writeStudy(gateway.at('inbox'), { study: '1.2.4' });
    const refused = await gateway.until('refused', ({ jobs }) => jobs.refused === 1);
    expect(refused.last[0].attempts).toBe(1);
    behaviour = 'crash';
    writeStudy(gateway.at('inbox'), { study: '1.2.5' });
    const crashed = await gateway.until('crashed', ({ jobs }) => jobs.failed === 2);
    expect(crashed.last[0]).toMatchObject({
      attempts: 2,
      reason: 'The process ended with a signal.',
    });
    behaviour = 'slow';
    writeStudy(gateway.at('inbox'), { study: '1.2.6' });
    const slow = await gateway.until('running', ({ jobs }) => jobs.running === 1);
    await gateway.ask('cancel', slow.last[0].job);
    await gateway.until('cancelled', ({ jobs }) => jobs.cancelled === 1);
    behaviour = 'done';
    expect(await gateway.ask('retry', failed.last[0].job)).toEqual({ changed: true });
    expect(await gateway.ask('retry', 'unknown')).toEqual({ changed: false });
    await gateway.until('done', ({ deliveries }) => deliveries.delivered === 1);
  });

  it('tries at once, when asked, what failed and waits for its time', async () => {
    let behaviour = 'may-pass';
    const gateway = await startGateway(
      { folders, receiver: undefined, jobs: { attempts: 100 } },
      standInSteps(() => behaviour),
    );
    writeStudy(gateway.at('inbox'), { study: '1.2.3' });
    const { last } = await gateway.until(
      'failed',
      ({ last }) => last[0]?.state === 'waiting' && last[0].attempts === 5,
    );
    behaviour = 'done';
    expect(await gateway.ask('retry', last[0].job)).toEqual({ changed: true });
    await gateway.until('done', ({ jobs }) => jobs.done === 1, 5000);
  });

  it.each([
    ['slow', { minutes: 0.03 }, 'It took more than 0.03 minutes.'],
    ['hungry', { memoryGiB: 0.5 }, 'It took more than 0.5 GiB of memory.'],
  ])('stops a job that is %s', async (behaviour, limit, reason) => {
    if (behaviour === 'hungry' && !existsSync('/proc/self/status')) return;
    const gateway = await startGateway(
      { folders, receiver: undefined, jobs: { attempts: 1, ...limit } },
      standInSteps(() => behaviour),
    );
    writeStudy(gateway.at('inbox'), { study: '1.2.3' });
    const { last } = await gateway.until('stopped', ({ jobs }) => jobs.failed === 1);
    expect(last[0].reason).toBe(reason);
  });

  it('takes up after a stop what was under way, and lets no other gateway have its state', async () => {
    let behaviour = 'slow';
    const gateway = await startGateway(
      { folders, receiver: undefined },
      standInSteps(() => behaviour),
    );
    writeStudy(gateway.at('inbox'), { study: '1.2.3' });
    await gateway.until('running', ({ jobs }) => jobs.running === 1);
    await expect(gateway.start()).rejects.toMatchObject({ code: 'output-exists' });
    await gateway.stop();
    behaviour = 'done';
    await gateway.start();
    const status = await gateway.until('done', ({ deliveries }) => deliveries.delivered === 1);
    expect(status.last[0]).toMatchObject({ version: 1, attempts: 1 });
  });

  it('does not start with a queue that cannot be read', async () => {
    const gateway = await startGateway({ folders, receiver: undefined });
    await gateway.stop();
    writeFileSync(gateway.at('state', 'queue.sqlite'), 'not a queue at all'.repeat(100));
    await expect(gateway.start()).rejects.toMatchObject({ code: 'file-corrupt' });
    rmSync(gateway.at('state', 'queue.sqlite'));
    await gateway.start();
  });

  it('keeps a result until the destination has it', async () => {
    const gateway = await startGateway({
      folders,
      receiver: undefined,
      destinations: [{ name: 'out', kind: 'folder', path: 'file/out' }],
    });
    writeFileSync(gateway.at('file'), 'in the way');
    writeStudy(gateway.at('inbox'), { study: '1.2.3' });
    const tried = await gateway.until(
      'tried',
      ({ last }) => (last[0]?.deliveries[0]?.attempts ?? 0) > 1,
    );
    expect(tried.last[0].deliveries[0].reason).toContain('a path that leads through a file');
    rmSync(gateway.at('file'));
    await gateway.until('delivered', ({ deliveries }) => deliveries.delivered === 1);
    expect(deliveredTo(gateway.at('file', 'out'))).toHaveLength(1);
  });

  it('takes nothing in with too little space, and says so', async () => {
    const gateway = await startGateway({
      folders,
      receiver: undefined,
      limits: { freeGiB: 90_000 },
    });
    const inbox = writeStudy(gateway.at('inbox'), { study: '1.2.3' });
    await wait(2500);
    expect(readdirSync(inbox)).toHaveLength(3);
    const health = await fetch(`http://127.0.0.1:${gateway.page}/health`);
    expect([health.status, await health.text()]).toEqual([
      503,
      'nothing more is taken in: less than 90000 GiB of disk space\n',
    ]);
  });

  it('shows what it does to this machine, without names', async () => {
    const gateway = await startGateway({ folders, receiver: undefined });
    writeStudy(gateway.at('inbox', 'Doe^Jane'), { study: '1.2.3', patient: 'SECRET-7' });
    await gateway.until('delivered', ({ deliveries }) => deliveries.delivered === 1);
    const get = (path: string, init: RequestInit = {}) =>
      fetch(`http://127.0.0.1:${gateway.page}${path}`, init);
    const page = await (await get('/')).text();
    expect(page).toContain('<dt>Delivered</dt><dd>1</dd>');
    const metrics = await (await get('/metrics')).text();
    expect(metrics).toContain('\ndawson_gateway_received_instances_total 3\n');
    expect(metrics).toContain('\ndawson_gateway_jobs{state="done"} 1\n');
    expect((await get('/health')).status).toBe(200);
    expect((await get('/', { method: 'POST' })).status).toBe(405);
    expect((await get('/other')).status).toBe(404);
    const otherName = await new Promise<string>((resolve) => {
      const socket = connect(gateway.page, '127.0.0.1', () =>
        socket.write('GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n'),
      );
      socket.on('data', (bytes) => resolve(String(bytes).slice(0, 12)));
    });
    expect(otherName).toBe('HTTP/1.1 403');
    const said = [
      page,
      metrics,
      gateway.log.join(''),
      readFileSync(gateway.at('state', 'audit.jsonl'), 'utf8'),
      JSON.stringify(await gateway.status()),
    ];
    expect(said.filter((text) => /Doe|Jane|SECRET|1\.2\.3/.test(text))).toEqual([]);
  });
});

describe.skipIf(withoutDcmtk)(
  `a gateway and dcmtk${withoutDcmtk ? ` (skipped: ${withoutDcmtk})` : ''}`,
  () => {
    it('analyses a study that storescu sends, from two peers once', async () => {
      const gateway = await startGateway();
      const study = writeStudy(gateway.at('study'), { study: '1.2.3' });
      await Promise.all([send(gateway.port, study), send(gateway.port, study, 'FAST')]);
      await gateway.until('delivered', ({ deliveries }) => deliveries.delivered === 1);
      const status = await gateway.until('idle', isIdle);
      expect(status.last).toMatchObject([{ state: 'done', version: 1, images: 3 }]);
      expect(deliveredTo(gateway.at('out'))).toMatchObject([{ studyVersion: 1, images: 3 }]);
      const received = audit(gateway.at('state', 'audit.jsonl')).filter(
        (event) => event === 'images received',
      );
      expect(received).toHaveLength(2);
    });

    it('refuses other titles, objects that are no images, and what is too large', async () => {
      const gateway = await startGateway({ limits: { freeGiB: 0, instanceMiB: 0.0003 } });
      const study = writeStudy(gateway.at('study'), { study: '1.2.3' });
      await expect(send(gateway.port, study, 'STRANGER')).rejects.toMatchObject({
        stderr: expect.stringContaining('Calling AE Title Not Recognized'),
      });
      await expect(send(gateway.port, study, 'STORESCU', 'OTHER')).rejects.toMatchObject({
        stderr: expect.stringContaining('Called AE Title Not Recognized'),
      });
      await send(gateway.port, study).catch(() => {});
      expect(gateway.log.join('')).toContain('larger than the limit');
      expect(readdirSync(gateway.at('state', 'arriving'))).toEqual([]);
      expect(readdirSync(gateway.at('state', 'studies'))).toEqual([]);
    });
  },
);
