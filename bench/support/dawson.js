import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../bin/dawson.js', import.meta.url));

/**
 * Runs a command of Dawson as a user would.
 * @throws Error with its `exitStatus` when it did not end well
 */
export function dawson(...args) {
  const { status } = spawnSync(process.execPath, [program, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) {
    const error = new Error(`dawson ${args[0]} ended with ${status}`);
    throw Object.assign(error, { exitStatus: status });
  }
}
