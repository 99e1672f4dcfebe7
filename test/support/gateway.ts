import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import {
  askGateway,
  type GatewayStatus,
  isShared,
  readConfig,
  runGateway,
  runWorker,
  statePaths,
} from '../../src/gateway/index.js';
import type { JobSteps } from '../../src/gateway/job.js';
import type { MachineTimes } from '../../src/gateway/machines/times.js';
import { type SeriesSpec, seriesFiles } from './dicom-series.js';
import { temporaryFolder } from './temporary-folder.js';

const standIn = fileURLToPath(new URL('stand-in-job.mjs', import.meta.url));
export const run = promisify(execFile);

/** Whether a program is on this machine. */
export function has(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Why tests against dcmtk are skipped; undefined where it is there. */
export const withoutDcmtk = ['storescu', 'storescp', 'echoscu'].every(has)
  ? undefined
  : 'dcmtk is not installed';

/** A port that nothing listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** Steps of a job that are done in a moment; `behaviour` may differ from one job to the next. */
export const standInSteps =
  (behaviour: () => string = () => 'done'): JobSteps =>
  ({ input, studyUid, result, objects }) => [
    [standIn, input, studyUid, result, objects, behaviour()],
  ];

export interface StartedGateway {
  readonly at: (...path: string[]) => string;
  readonly port: number;
  readonly page: number;
  readonly log: string[];
  readonly status: () => Promise<GatewayStatus>;
  readonly until: (
    what: string,
    isSo: (status: GatewayStatus) => boolean,
    mostMs?: number,
  ) => Promise<GatewayStatus>;
  readonly ask: (verb: 'retry' | 'cancel', job: string) => Promise<{ changed: boolean }>;
  readonly stop: () => Promise<void>;
  readonly start: () => Promise<void>;
}

/** For tests, which have no minute to wait for a worker that is lost. */
export const quickTimes: MachineTimes = { lookMs: 50, beatMs: 300, lostMs: 4000 };

export interface StartedWorker {
  readonly log: string[];
  readonly stop: () => Promise<void>;
}

/** A worker in this process; ended with the test. */
export async function startWorker(
  configFile: string,
  steps: JobSteps = standInSteps(),
): Promise<StartedWorker> {
  const config = await readConfig(configFile);
  if (!isShared(config)) throw new Error('no queue of several machines');
  const controller = new AbortController();
  const log: string[] = [];
  const ended = runWorker(config, controller.signal, {
    ...{ steps, times: quickTimes },
    write: (line) => log.push(line),
  });
  const stop = () => {
    controller.abort();
    return ended;
  };
  onTestFinished(stop);
  return { log, stop };
}

/** A gateway in this process, with a folder as its destination; ended with the test. */
export async function startGateway(
  given: Record<string, unknown> = {},
  steps: JobSteps = standInSteps(),
): Promise<StartedGateway> {
  const at = temporaryFolder();
  const [port, page] = [await freePort(), await freePort()];
  mkdirSync(at('inbox'));
  const config = {
    schema: 'dawson-gateway',
    schemaVersion: 1,
    state: 'state',
    receiver: {
      title: 'DAWSON',
      port,
      peers: [{ title: 'STORESCU' }, { title: 'FAST', priority: 'request' }],
    },
    quietSeconds: 0.5,
    destinations: [{ name: 'out', kind: 'folder', path: 'out' }],
    limits: { freeGiB: 0 },
    page: { port: page },
    ...given,
  };
  writeFileSync(at('gateway.json'), JSON.stringify(config));
  const log: string[] = [];
  const socket = statePaths(at('state')).control;
  const status = () => askGateway<GatewayStatus>(socket, '/status');
  let stop = async () => {};
  const start = async () => {
    const controller = new AbortController();
    const read = await readConfig(at('gateway.json'));
    const ended = await new Promise<{ run: Promise<void> }>((resolve, reject) => {
      const run = runGateway(read, controller.signal, {
        ...{ steps, firstWaitMs: 100, times: quickTimes },
        write: (line) => {
          log.push(line);
          if (JSON.parse(line).event === 'gateway started') resolve({ run });
        },
      });
      run.catch(reject);
    });
    stop = async () => {
      controller.abort();
      await ended.run;
    };
  };
  onTestFinished(() => stop());
  await start();
  const until = async (what: string, isSo: (status: GatewayStatus) => boolean, mostMs = 60_000) => {
    for (const endMs = performance.now() + mostMs; performance.now() < endMs; await wait(30)) {
      const now = await status();
      if (isSo(now)) return now;
    }
    throw new Error(`not ${what}: ${JSON.stringify(await status())}\n${log.join('')}`);
  };
  const ask = (verb: 'retry' | 'cancel', job: string) =>
    askGateway<{ changed: boolean }>(socket, `/${verb}/${job}`);
  return { at, port, page, log, status, until, ask, start, stop: () => stop() };
}

/** Writes the files of small studies, each in a folder of its own. */
export function writeStudy(folder: string, spec: Partial<SeriesSpec> & { study: string }): string {
  mkdirSync(folder, { recursive: true });
  seriesFiles({ number: 1, slices: 3, ...spec }).forEach((bytes, at) => {
    writeFileSync(join(folder, `${at}.dcm`), bytes);
  });
  return folder;
}

/** Sends the files of a folder as dcmtk does. */
export const send = (port: number, folder: string, title = 'STORESCU', called = 'DAWSON') =>
  run('storescu', ['-aet', title, '-aec', called, '127.0.0.1', `${port}`, '+sd', '-R', folder]);

/** Names of folders that were delivered, with what is said of each. */
export function deliveredTo(folder: string) {
  return readdirSync(folder)
    .sort()
    .map((name) => JSON.parse(readFileSync(join(folder, name, 'delivery.json'), 'utf8')));
}

/** A program of dcmtk that listens until the test ends. */
export function listening(program: string, args: readonly string[]): ChildProcess {
  const child = spawn(program, args, { stdio: 'ignore' });
  onTestFinished(() => void child.kill());
  return child;
}
