import { access, constants, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { readSiteRules } from '../dicom/index.js';
import { DawsonError } from '../errors.js';
import { dimseArchive } from './archive/dimse-archive.js';
import type { ArchiveConfig, Destination, GatewayConfig, TlsFiles } from './config.js';
import { isGatewayRunning } from './control.js';
import { checkDicomweb } from './dicomweb.js';
import { type DatabaseConfig, databaseReason, openDatabase } from './machines/database.js';
import { queueOf } from './machines/order.js';
import { checkPoll } from './polls/pollers.js';
import { Queue } from './queue.js';
import { readSmallFile } from './read-small-file.js';
import { listening } from './receiver.js';
import { checkCommitment } from './send/commitment.js';
import { echo } from './send/dicom.js';
import { freeGiB, openStateFolder, statePaths } from './state-folder.js';

/** One thing that a gateway needs, and what is wrong with it; nothing where it is in order. */
export interface Check {
  readonly what: string;
  readonly wrong?: string;
}

/** Tries everything that a configuration names: folders, ports, files, connections. */
export async function checkGateway(config: GatewayConfig, signal: AbortSignal): Promise<Check[]> {
  const { receiver, folders, polls, jobs, destinations, page, state, limits } = config;
  const runs = await isGatewayRunning(statePaths(state).control);
  const checks: [string, () => Promise<unknown>][] = [
    ['state folder', () => checkState(config, runs)],
    ['disk space', () => checkSpace(state, limits.freeGiB)],
  ];
  if (isShared(config)) checks.push([database, () => checkDatabase(config)]);
  if (receiver) {
    const { host, port, tls } = receiver;
    if (tls) checks.push(['receiver, certificates', () => readTls(tls)]);
    // One that runs has its ports.
    if (!runs) checks.push([`receiver, port ${port} of ${host}`, () => tryPort(port, host)]);
  }
  for (const { path } of folders) checks.push([`watched folder ${path}`, () => checkWatched(path)]);
  for (const poll of polls) checks.push([`service ${poll.name}`, () => checkPoll(poll, signal)]);
  if (jobs.rules !== undefined) {
    const { rules } = jobs;
    checks.push(['rules of the site', () => readSiteRules(rules)]);
  }
  const archive = config.earlierExams?.archive;
  if (archive) checks.push(['archive of earlier exams', () => checkArchive(archive, signal)]);
  for (const destination of destinations) {
    const { name } = destination;
    checks.push([`destination ${name}`, () => checkDestination(destination, signal)]);
    if (destination.kind === 'dicom' && destination.commitmentMinutes !== undefined) {
      const ask = () => checkCommitment(destination, signal);
      checks.push([`destination ${name}, storage commitment`, ask]);
    }
  }
  if (page && !runs)
    checks.push([`page, port ${page.port}`, () => tryPort(page.port, '127.0.0.1')]);
  return allOf(checks);
}

const database = 'database of the queue';

/** Whether jobs are run by workers, through a database. */
export const isShared = (config: GatewayConfig): config is GatewayConfig & DatabaseConfig =>
  config.queue !== undefined;

/** Tries what a worker needs: the database, the gateway's folder of jobs, and the right to write there. */
export function checkWorker(config: GatewayConfig & DatabaseConfig): Promise<Check[]> {
  const paths = statePaths(config.state);
  return allOf([
    [database, () => checkDatabase(config)],
    [
      `folder of the jobs ${paths.jobs}`,
      async () => {
        await access(paths.jobs, constants.R_OK | constants.W_OK | constants.X_OK);
        if ((await queueOf(paths)) === undefined) {
          throw new Error(
            'no gateway with this queue has begun here; or another folder is mounted',
          );
        }
      },
    ],
  ]);
}

async function checkDatabase(config: DatabaseConfig): Promise<void> {
  try {
    await (await openDatabase(config)).close();
  } catch (error) {
    throw error instanceof DawsonError ? error : new Error(databaseReason(error));
  }
}

function allOf(checks: readonly [string, () => Promise<unknown>][]): Promise<Check[]> {
  return Promise.all(
    checks.map(async ([what, check]) => {
      try {
        await check();
        return { what };
      } catch (error) {
        return { what, wrong: reasonOf(error) };
      }
    }),
  );
}

function reasonOf(error: unknown): string {
  if (error instanceof DawsonError) {
    return `expected ${error.details.expected}; found ${error.details.found}`;
  }
  const { code, message } = error as NodeJS.ErrnoException;
  return inWords[code ?? ''] ?? code ?? message;
}

const inWords: Readonly<Record<string, string>> = {
  ENOENT: 'nothing of this name',
  ENOTDIR: 'nothing of this name',
  EACCES: 'no permission',
  EROFS: 'a file system that cannot be written',
};

async function checkState({ state }: GatewayConfig, runs: boolean): Promise<void> {
  const paths = await openStateFolder(state);
  if (!runs) new Queue(paths.queue).close();
}

async function checkSpace(state: string, least: number): Promise<void> {
  // Checks run side by side: the folder may not be there yet.
  await openStateFolder(state);
  const free = await freeGiB(state);
  if (free < least) throw new Error(`${free.toFixed(1)} GiB, less than ${least}`);
}

async function checkWatched(path: string): Promise<void> {
  if (!(await stat(path)).isDirectory()) throw new Error('no folder');
  await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
}

async function readTls({ certificate, key, authorities }: TlsFiles): Promise<void> {
  for (const file of [certificate, key, authorities])
    if (file !== undefined) await readSmallFile(file);
}

async function tryPort(port: number, host: string): Promise<void> {
  const server = createServer();
  await listening(server, port, host);
  await new Promise((resolve) => server.close(resolve));
}

const checkArchive = (archive: ArchiveConfig, signal: AbortSignal) =>
  archive.kind === 'dicom' ? dimseArchive(archive).check(signal) : checkDicomweb(archive, signal);

async function checkDestination(destination: Destination, signal: AbortSignal): Promise<void> {
  switch (destination.kind) {
    case 'dicom':
      return echo(destination, signal);
    case 'dicomweb':
      return checkDicomweb(destination, signal);
    case 'folder':
      return access(destination.path, constants.W_OK);
  }
}
