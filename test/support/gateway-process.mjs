// A gateway in a process of its own, which tests kill:
//   node gateway-process.mjs CONFIG
// The result of an exam is a stand-in for that of `dawson segment`.
import { readConfig, runGateway } from '../../dist/gateway/index.js';
import { standInProcess } from './stand-in-process.mjs';

const controller = new AbortController();
process.on('SIGTERM', () => controller.abort());
await runGateway(await readConfig(process.argv[2]), controller.signal, standInProcess());
