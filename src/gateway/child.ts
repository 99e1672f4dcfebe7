import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';

/** What ended a child process, and the end of what it said on standard error. */
export interface ChildOutcome {
  readonly exitCode: number | null;
  readonly stoppedBecause?: 'time' | 'memory' | 'asked';
  readonly said: string;
}

export interface ChildLimits {
  readonly minutes: number;
  readonly memoryGiB: number;
  readonly signal: AbortSignal;
}

const mostSaid = 64 * 1024;
const graceMs = 5000;

/**
 * Runs a program of Node.js in a process of its own, which takes nothing along when it crashes: it is
 * stopped when it takes too long or too much memory (of the process itself; where /proc is), when it
 * is asked to, and when this process ends (`cli/end-with-parent.ts`).
 */
export function runChild(
  args: readonly string[],
  { minutes, memoryGiB, signal }: ChildLimits,
): Promise<ChildOutcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let said = '';
    let stoppedBecause: ChildOutcome['stoppedBecause'];
    const stop = (reason: NonNullable<ChildOutcome['stoppedBecause']>) => {
      if (stoppedBecause !== undefined) return;
      stoppedBecause = reason;
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGKILL'), graceMs).unref();
    };
    const asked = () => stop('asked');
    const time = setTimeout(() => stop('time'), minutes * 60_000);
    const watch = setInterval(async () => {
      if ((await residentGiB(child)) > memoryGiB) stop('memory');
    }, 500);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-mostSaid);
    });
    const end = () => {
      clearTimeout(time);
      clearInterval(watch);
      signal.removeEventListener('abort', asked);
    };
    child.on('error', (error) => {
      end();
      reject(error);
    });
    child.on('close', (exitCode) => {
      end();
      resolve({ exitCode, stoppedBecause, said });
    });
    if (signal.aborted) asked();
    else signal.addEventListener('abort', asked, { once: true });
  });
}

/** Memory that a process holds; 0 where the system does not tell. */
async function residentGiB({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const [, kib = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? [];
  return Number(kib) / 2 ** 20;
}
