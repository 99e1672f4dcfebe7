import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../bin/dawson.js', import.meta.url));

/**
 * Runs a command of Dawson as a user would.
 * @throws Error with its `exitStatus` when it did not end well
 */
export const dawson = (...args) => run(args, 'ignore');

/** The same, and shows what it prints. */
export const dawsonShown = (...args) => run(args, 'inherit');

function run(args, stdout) {
  const { status } = spawnSync(process.execPath, [program, ...args], {
    stdio: ['ignore', stdout, 'inherit'],
  });
  if (status !== 0) {
    const error = new Error(`dawson ${args[0]} ended with ${status}`);
    throw Object.assign(error, { exitStatus: status });
  }
}
