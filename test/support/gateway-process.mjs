// A gateway in a process of its own, which tests kill:
//   node gateway-process.mjs CONFIG
// The result of an exam is a stand-in for that of `dawson segment`.
import { fileURLToPath } from 'node:url';
import { readConfig, runGateway } from '../../dist/gateway/index.js';

const standIn = fileURLToPath(new URL('stand-in-job.mjs', import.meta.url));
const controller = new AbortController();
process.on('SIGTERM', () => controller.abort());
await runGateway(await readConfig(process.argv[2]), controller.signal, {
  steps: ({ input, studyUid, result, objects }) => [[standIn, input, studyUid, result, objects]],
  firstWaitMs: 200,
});
