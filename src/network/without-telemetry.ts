import { isMainThread } from 'node:worker_threads';
import { DawsonError } from '../errors.js';

const variable = 'ORT_DISABLE_TELEMETRY';

/**
 * ONNX Runtime from 1.29 on sends data about its use (names of models, times, errors), and keeps an
 * identifier of the machine, unless its environment says otherwise before it is loaded
 * (docs/decisions/0166).
 * @throws DawsonError `missing-on-machine` in a thread other than the main one, which cannot change the
 *   environment of the process, where nobody else has.
 */
export function withoutTelemetry(): void {
  if (isMainThread) process.env[variable] = '1';
  if (process.env[variable] === '1') return;
  throw new DawsonError('missing-on-machine', {
    expected: `${variable}=1 in the environment of a program that calls Dawson in a thread of its own`,
    found: 'none: ONNX Runtime would send data about its use',
    advice: 'Start the program with it, or set it in its main thread.',
  });
}
