// What gateways and workers in processes of their own have in the place of `dawson segment` and of
// the usual times.
import { fileURLToPath } from 'node:url';

const standIn = fileURLToPath(new URL('stand-in-job.mjs', import.meta.url));

const quick = { firstWaitMs: 200, times: { lookMs: 200, beatMs: 1000, lostMs: 12_000 } };

/** `dawson segment` itself, with these times. */
export const realProcess = () => quick;

/** @param seconds for which a process of its own waits before a result is made */
export const standInProcess = (seconds = 0) => ({
  ...quick,
  steps: ({ input, studyUid, result, objects }) => [
    ...(seconds > 0 ? [['-e', `setTimeout(() => {}, ${1000 * seconds})`]] : []),
    [standIn, input, studyUid, result, objects],
  ],
});
