import { createHash } from 'node:crypto';
import { realpath, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DawsonError } from '../errors.js';

/** Between two looks whether a folder is free. */
const pollMs = 200;

/**
 * Does work that no second run may do in the same folder at the same time. The lock is a socket, which the
 * system closes with the process however that ends; it holds on one machine, not for others that share the
 * disk, and not where no socket can be made.
 * @param folder may be still to be made
 * @param kind such as 'a batch', for messages
 * @param options whether to wait until no other run is at work there
 * @throws DawsonError `output-exists` where another run is at work there; what the work throws; the signal's reason.
 */
export async function withLockedFolder<T>(
  folder: string,
  kind: string,
  work: () => Promise<T>,
  { waits = false, signal }: { readonly waits?: boolean; readonly signal?: AbortSignal } = {},
): Promise<T> {
  const server = createServer((socket) => socket.destroy());
  const path = await socketOf(folder);
  while (!(await listenAlone(server, path)) && (await answers(path))) {
    if (waits) {
      await sleep(pollMs, undefined, { signal });
      continue;
    }
    throw new DawsonError('output-exists', {
      file: folder,
      expected: `a folder in which no other run is at work on ${kind}`,
      found: 'another run that is at work',
      advice: 'Wait until it has ended, or end it.',
    });
  }
  server.unref();
  try {
    return await work();
  } finally {
    server.close();
  }
}

/** The same folder has the same name, by whatever path it is reached. */
async function socketOf(folder: string): Promise<string> {
  const whole = await realpathOf(resolve(folder));
  const name = `dawson-${createHash('sha256').update(whole).digest('hex').slice(0, 32)}`;
  if (process.platform === 'win32') return `\\\\.\\pipe\\${name}`;
  return join(tmpdir(), `${name}-${process.getuid?.()}.sock`);
}

async function realpathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(await realpathOf(parent), basename(path));
  }
}

/** Who removes what a killed process left does it within this time. */
const claimMs = 10_000;

/**
 * Listens on a socket of which a killed process may have left the file. Of several processes that find it at the
 * same time one removes it: else the last would remove the socket on which the first listens.
 * @returns whether it does; not where another process answers there, or where no socket can be made
 */
export async function listenAlone(server: Server, path: string): Promise<boolean> {
  const claim = `${path}.new`;
  for (let triesLeft = (2 * claimMs) / pollMs; triesLeft > 0; triesLeft--) {
    const failure = await failureToListen(server, path);
    if (failure === undefined) return true;
    if (failure !== 'EADDRINUSE' || process.platform === 'win32') return false;
    if (await answers(path)) return false;
    if (await claimed(claim)) {
      try {
        // Another may have done it between the question and the claim.
        if (!(await answers(path))) await rm(path, { force: true });
        if ((await failureToListen(server, path)) === undefined) return true;
      } finally {
        await rm(claim, { force: true });
      }
    }
    await sleep(pollMs);
  }
  return false;
}

/** Makes a file that only one process makes; that of one which was killed meanwhile counts no longer. */
async function claimed(file: string): Promise<boolean> {
  try {
    await writeFile(file, '', { flag: 'wx' });
    return true;
  } catch {
    const stats = await stat(file).catch(() => undefined);
    if (stats && Date.now() - stats.mtimeMs > claimMs) await rm(file, { force: true });
    return false;
  }
}

/** The code of the error, if it cannot. */
function failureToListen(server: Server, path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const failed = ({ code }: NodeJS.ErrnoException) => resolve(code ?? 'an error');
    server.once('error', failed);
    server.listen(path, () => {
      server.off('error', failed);
      resolve(undefined);
    });
  });
}

/** Whether a process listens on a socket. */
export function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
