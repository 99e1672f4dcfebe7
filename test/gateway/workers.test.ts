import { spawn } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checkGateway, readConfig } from '../../src/gateway/index.js';
import { Attendance, type WorkerRow } from '../../src/gateway/machines/attendance.js';
import { dawson } from '../support/dawson.js';
import {
  deliveredTo,
  freePort,
  type StartedGateway,
  standInSteps,
  startGateway,
  startWorker,
  writeStudy,
} from '../support/gateway.js';
import { postgresOfFile, withoutPostgres } from '../support/postgres.js';
import type { PostgresServer } from '../support/postgres-server.mjs';
import { temporaryFolder } from '../support/temporary-folder.js';

const workerProcess = fileURLToPath(new URL('../support/worker-process.mjs', import.meta.url));

/** A step of a job that lasts until there is a file. */
const untilThere =
  "const look = () => require('fs').existsSync(process.argv[1]) || setTimeout(look, 50); look()";

const shared = (postgres: PostgresServer) => ({
  ...{ folders: [{ path: 'inbox' }], receiver: undefined, quietSeconds: 0.5 },
  ...{ queue: postgres.url, queuePasswordFile: postgres.passwordFile },
});

/** Puts a study of one image into the watched folder: half a study would be a version of its own. */
const put = (gateway: StartedGateway, study: string) =>
  writeStudy(gateway.at('inbox', study), { study, slices: 1 });

const health = async ({ page }: StartedGateway) => {
  const response = await fetch(`http://127.0.0.1:${page}/health`);
  return [response.status, await response.text()];
};

describe.skipIf(withoutPostgres)(
  `a gateway with workers${withoutPostgres ? ` (skipped: ${withoutPostgres})` : ''}`,
  () => {
    const server = postgresOfFile();

    it('hands each exam to one of two workers, and goes on with what a lost one had', async () => {
      const postgres = server();
      const gateway = await startGateway(shared(postgres));
      expect(await health(gateway)).toEqual([
        503,
        expect.stringMatching(/^nothing is analysed: no worker of version .* is there\n$/),
      ]);
      const go = temporaryFolder()('go');
      const quick = standInSteps();
      const first = await startWorker(gateway.at('gateway.json'), (input, config) => [
        ['-e', untilThere, go],
        ...quick(input, config),
      ]);
      put(gateway, '1.2.1');
      await gateway.until('taken', ({ jobs, workers }) => {
        return jobs.running === 1 && workers?.[0]?.running === 1;
      });
      // The gateway is ended and comes back: the worker has not noticed.
      await gateway.stop();
      await gateway.start();
      const second = await startWorker(gateway.at('gateway.json'));
      put(gateway, '1.2.2');
      await gateway.until('second', ({ deliveries }) => deliveries.delivered === 1);
      writeFileSync(go, '');
      const { last } = await gateway.until('both', ({ deliveries }) => deliveries.delivered === 2);
      expect(last.map(({ state, attempts }) => [state, attempts])).toEqual([
        ['done', 1],
        ['done', 1],
      ]);
      expect(await health(gateway)).toEqual([200, 'ok\n']);
      await Promise.all([first.stop(), second.stop()]);
      // One that is killed says nothing any more.
      const killed = spawn(process.execPath, [workerProcess, gateway.at('gateway.json'), '600']);
      onTestFinished(() => void killed.kill('SIGKILL'));
      put(gateway, '1.2.3');
      await gateway.until('third', ({ jobs, workers }) => {
        return jobs.running === 1 && workers?.[0]?.running === 1;
      });
      killed.kill('SIGKILL');
      await startWorker(gateway.at('gateway.json'));
      const done = await gateway.until('all', ({ deliveries }) => deliveries.delivered === 3);
      expect(done.last[0]).toMatchObject({ state: 'done', attempts: 2 });
      expect(deliveredTo(gateway.at('out'))).toHaveLength(3);
      const rows = await postgres.query('select data from dawson.job');
      expect(rows.length).toBeGreaterThanOrEqual(3);
      for (const { data } of rows) {
        expect(data).toEqual({ job: expect.stringMatching(/^[0-9a-f]{32}$/) });
      }
      expect(gateway.log.join('') + first.log.join('')).not.toContain(postgres.password);
    });

    it('takes exams in while the database is away, says so, and goes on when it is back', async () => {
      const postgres = server();
      const gateway = await startGateway(shared(postgres));
      await startWorker(gateway.at('gateway.json'));
      await gateway.until('worker', ({ workers }) => workers?.length === 1);
      postgres.kill();
      put(gateway, '1.2.1');
      const away = await gateway.until(
        'away',
        ({ jobs, stalled }) =>
          (jobs.waiting ?? 0) + (jobs.running ?? 0) === 1 && stalled !== undefined,
      );
      expect(away.stalled).toMatch(/^the database of the queue is away: /);
      expect((await health(gateway))[0]).toBe(503);
      await postgres.start();
      await gateway.until('delivered', ({ deliveries }) => deliveries.delivered === 1);
      expect(await health(gateway)).toEqual([200, 'ok\n']);
      // Nor does it start without: it begins when there is one.
      await gateway.stop();
      postgres.kill();
      await gateway.start();
      put(gateway, '1.2.2');
      await gateway.until('taken in', ({ jobs }) => jobs.waiting === 1);
      await postgres.start();
      await gateway.until('both', ({ deliveries }) => deliveries.delivered === 2);
      expect(deliveredTo(gateway.at('out'))).toHaveLength(2);
    });

    it('has the same laws as with its own queue: retries, refusals, cancelling', async () => {
      const postgres = server();
      const behaviours = new Map([
        ['1.2.3', 'may-pass'],
        ['1.2.4', 'final'],
        ['1.2.5', 'slow'],
      ]);
      const gateway = await startGateway({ ...shared(postgres), jobs: { attempts: 2, atOnce: 3 } });
      const worker = await startWorker(gateway.at('gateway.json'), (input, config) =>
        standInSteps(() => behaviours.get(input.studyUid) ?? 'done')(input, config),
      );
      for (const study of behaviours.keys()) put(gateway, study);
      const { last: ended } = await gateway.until('ended', ({ jobs, workers }) => {
        return jobs.failed === 1 && jobs.refused === 1 && workers?.[0]?.running === 1;
      });
      const of = (state: string) => ended.find((exam) => exam.state === state)!;
      const reason = 'It failed: expected one thing; found another.';
      expect(of('failed')).toMatchObject({ attempts: 2, reason });
      expect(of('refused')).toMatchObject({ attempts: 1, reason });
      await gateway.ask('cancel', of('running').job);
      await gateway.until('cancelled', ({ jobs, workers }) => {
        return jobs.cancelled === 1 && workers?.[0]?.running === 0;
      });
      behaviours.clear();
      expect(await gateway.ask('retry', of('failed').job)).toEqual({ changed: true });
      expect(await gateway.ask('retry', of('running').job)).toEqual({ changed: true });
      await gateway.until('done', ({ deliveries }) => deliveries.delivered === 2);
      // The folder of jobs goes away: nothing is taken, and no exam pays for it.
      renameSync(gateway.at('state', 'jobs', 'queue'), gateway.at('away'));
      await gateway.until('no place', ({ stalled }) => stalled !== undefined);
      put(gateway, '1.2.6');
      await gateway.until('waits', ({ jobs }) => jobs.waiting === 1);
      expect(worker.log.join('')).toContain('no folder of jobs of a gateway');
      renameSync(gateway.at('away'), gateway.at('state', 'jobs', 'queue'));
      const { last } = await gateway.until('last', ({ deliveries }) => deliveries.delivered === 3);
      expect(last[0]).toMatchObject({ state: 'done', version: 1, attempts: 1 });
    });

    it('lets no second gateway have its state, on whatever machine', async () => {
      const postgres = server();
      const gateway = await startGateway(shared(postgres));
      // From another machine the socket answers nobody.
      rmSync(gateway.at('state', 'control.sock'));
      await expect(gateway.start()).rejects.toMatchObject({ code: 'output-exists' });
    });

    it('is checked from the command line, in words and without the password', async () => {
      const postgres = server();
      const gateway = await startGateway(shared(postgres));
      const config = ['--config', gateway.at('gateway.json')];
      const worker = await dawson(['gateway', 'work', ...config, '--check']);
      expect([worker.exitCode, worker.stdout.split('\n').map((line) => line.slice(0, 24))]).toEqual(
        [
          0,
          ['✓ database of the queue', '✓ folder of the jobs /tm', ''].map((text) =>
            text.startsWith('✓ folder') ? expect.stringMatching(/^✓ folder of the jobs/) : text,
          ),
        ],
      );
      const wrong = async (differences: object) => {
        const file = gateway.at('wrong.json');
        const given = JSON.parse(readFileSync(gateway.at('gateway.json'), 'utf8'));
        writeFileSync(file, JSON.stringify({ ...given, ...differences }));
        const checks = await checkGateway(await readConfig(file), AbortSignal.timeout(60_000));
        return checks.find(({ what }) => what === 'database of the queue')?.wrong;
      };
      const other = temporaryFolder()('password');
      writeFileSync(other, 'not it');
      const { url } = postgres;
      expect(await wrong({ queuePasswordFile: other })).toBe('wrong user or password');
      expect(await wrong({ queuePasswordFile: undefined })).toContain('it asks for a password');
      expect(await wrong({ queue: url.replace(/postgres$/, 'none') })).toContain('no database of');
      const closed = url.replace(/:\d+/, `:${await freePort()}`);
      expect(await wrong({ queue: closed })).toBe('nothing listens there');
      const secret = url.replace('dawson@', 'dawson:secret-7@');
      await expect(wrong({ queue: secret })).rejects.toMatchObject({
        code: 'bad-configuration',
        details: { found: expect.not.stringContaining('secret-7') },
      });
    });
  },
);

describe('workers', () => {
  const row = (id: string, beats: number): WorkerRow => ({
    ...{ id, machine: 'm', version: '1', slots: 1, tickets: [] },
    beats: `${beats}`,
  });
  const names = (attendance: Attendance, nowMs: number) =>
    attendance.present(nowMs).map(({ id }) => id);

  it('are there as long as their beats go on, and while the table could not be read', () => {
    const attendance = new Attendance(1000);
    attendance.look([row('a', 1), row('b', 1)], 0);
    attendance.look([row('a', 2), row('b', 1)], 900);
    expect(names(attendance, 999)).toEqual(['a', 'b']);
    expect(names(attendance, 1000)).toEqual(['a']);
    attendance.startAnew(5000);
    expect(names(attendance, 5500)).toEqual(['a', 'b']);
    attendance.look([row('b', 2)], 5600);
    expect(names(attendance, 5700)).toEqual(['b']);
  });
});
