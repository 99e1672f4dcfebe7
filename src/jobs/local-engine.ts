import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Engine } from './engine.js';
import type { JobFailure } from './job.js';

const program = fileURLToPath(new URL('../../bin/dawson.js', import.meta.url));

/** As much of what a command says as is kept. */
const keptCharacters = 1 << 16;

/**
 * Runs each command as a child process on this machine. A child that takes too much memory or
 * crashes takes nothing with it, and ends with its parent, in whatever way that ends (see
 * `cli/end-with-parent.ts`).
 */
export const localEngine: Engine = {
  async run(command, signal) {
    signal?.throwIfAborted();
    const child = spawn(process.execPath, [program, ...command, '--json'], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const stop = () => child.kill('SIGTERM');
    signal?.addEventListener('abort', stop, { once: true });
    try {
      const failure = await endOf(child);
      signal?.throwIfAborted();
      return failure;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  },
};

async function endOf(child: ChildProcess): Promise<JobFailure | undefined> {
  let said = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-keptCharacters);
  });
  try {
    const [exitCode, signal] = await once(child, 'close');
    if (exitCode === 0) return undefined;
    return failureIn(said) ?? { code: 'internal', reason: endInWords(exitCode, signal) };
  } catch (error) {
    return { code: 'missing-on-machine', reason: `The command cannot be started: ${error}.` };
  }
}

/**
 * What a command said last with --json. Not the path of the file: folders may be named for patients,
 * and reasons go into tables.
 */
function failureIn(said: string): JobFailure | undefined {
  const line = said.trimEnd().split('\n').at(-1) ?? '';
  try {
    const { code, title, expected, found } = JSON.parse(line).error;
    return { code: String(code), reason: `${title}: expected ${expected}; found ${found}.` };
  } catch {
    return undefined;
  }
}

const endInWords = (exitCode: number | null, signal: NodeJS.Signals | null) =>
  signal === null
    ? `It ended with exit code ${exitCode} without saying why.`
    : `It was ended by ${signal}; too little memory is the usual cause.`;
