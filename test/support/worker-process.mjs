// A worker of a gateway in a process of its own, which tests kill and benchmarks count:
//   node worker-process.mjs CONFIG SECONDS|real
// The result of an exam is a stand-in, before which it waits for so many seconds, or real.
import { readConfig, runWorker } from '../../dist/gateway/index.js';
import { realProcess, standInProcess } from './stand-in-process.mjs';

const controller = new AbortController();
process.on('SIGTERM', () => controller.abort());
const [config, seconds] = process.argv.slice(2);
const parts = seconds === 'real' ? realProcess() : standInProcess(Number(seconds));
await runWorker(await readConfig(config), controller.signal, parts);
