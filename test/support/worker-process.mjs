// A worker of a gateway in a process of its own, which tests kill and benchmarks count:
//   node worker-process.mjs CONFIG SECONDS
// The result of an exam is a stand-in, before which it waits for so many seconds.
import { readConfig, runWorker } from '../../dist/gateway/index.js';
import { standInProcess } from './stand-in-process.mjs';

const controller = new AbortController();
process.on('SIGTERM', () => controller.abort());
const [config, seconds] = process.argv.slice(2);
await runWorker(await readConfig(config), controller.signal, standInProcess(Number(seconds)));
