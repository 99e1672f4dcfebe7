// Trains Dawson's own networks on synthetic exams:
//
//   npm run train:defaults -- lesions [--resume] [--threads N] [--data FOLDER]
//
// The checkpoint, after every epoch, and the log lie in checkpoints/; a run that was stopped goes on
// with --resume exactly as if it had not been.
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Engine } from '../dist/network/index.js';
import { defaultNetworks, trainDefault } from '../dist/train/default-networks.js';
import { WorkerPool } from '../dist/workers.js';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    resume: { type: 'boolean', default: false },
    threads: { type: 'string', default: '1' },
    data: { type: 'string', default: at('../shared/data/synthesis') },
  },
});
const [name] = positionals;
if (!Object.hasOwn(defaultNetworks, name ?? '')) {
  throw new Error(`Which network? One of ${Object.keys(defaultNetworks).join(', ')}.`);
}
mkdirSync(at('checkpoints'), { recursive: true });
const stopping = new AbortController();
process.once('SIGINT', () => stopping.abort());
const engine = new Engine({ device: 'cpu', threads: Number(values.threads) }, stopping.signal);
const pool = new WorkerPool(1);
try {
  await trainDefault(engine, name, {
    dataFolder: values.data,
    cacheFolder: at('cache/heads'),
    checkpointFile: at(`checkpoints/${name}.safetensors`),
    logFile: at(`checkpoints/${name}.jsonl`),
    resume: values.resume,
    pool,
    signal: stopping.signal,
    onEpoch: ({ epoch, trainingLoss, validationLoss, pseudoDice, seconds, waitingSeconds }) =>
      console.log(
        `epoch ${epoch + 1} of ${defaultNetworks[name].run.epochs}: loss ${trainingLoss.toFixed(4)}, ` +
          `validation ${validationLoss?.toFixed(4)}, Dice ${pseudoDice?.map((dice) => dice?.toFixed(3))}, ` +
          `${seconds.toFixed(0)} s (waited ${waitingSeconds.toFixed(0)} s)`,
      ),
  });
} finally {
  await engine.close();
  await pool.close();
}
