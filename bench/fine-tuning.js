// Does a network that learned from synthetic exams gain from a few real ones?
//
//   npm run bench -- fine-tuning [--data FOLDER] [--out FOLDER] [--epochs N] [--threads N]
//
// FOLDER of the data holds lesions/ and synthesis/. Each case with experts' masks is left out in turn, the
// network that comes with Dawson trained on (`dawson train --init lesions`) with the others, and the
// one left out segmented. Beside it the network as it is, and a control that was trained as long and
// as fast on synthetic exams alone. An epoch has 50 steps of 2 patches. All masks are probabilities
// from 0.5 on, in components above 3 mm3: the rule that was chosen for the network belongs to its own
// probabilities.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { definitions } from '../dist/evaluate/definitions.js';
import { evaluatePair } from '../dist/evaluate/evaluate-pair.js';
import { pairMasks } from '../dist/evaluate/mask-pair.js';
import {
  defaultNetworks,
  trainDefault,
} from '../dist/experiments/own-networks/default-networks.js';
import { lesionMask } from '../dist/model/lesion-rule.js';
import { ownNetworkFolder, readOwnNetwork } from '../dist/model/own-network.js';
import { Engine, loadPredictor, readWeights } from '../dist/network/index.js';
import { predictLesions, windowShape } from '../dist/segment/lesions/lesion-network.js';
import { weightsOfState } from '../dist/train/checkpoint.js';
import { WorkerPool } from '../dist/workers.js';
import { makeRealDataset, readRealCase, realCases } from './support/real-dataset.js';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const { values: flags } = parseArgs({
  options: {
    data: { type: 'string', default: at('../../shared/data') },
    out: { type: 'string', default: join(tmpdir(), 'dawson-fine-tuning') },
    epochs: { type: 'string', default: '10' },
    threads: { type: 'string', default: '1' },
  },
});
const epochs = Number(flags.epochs);
const stepsPerEpoch = 50;
const learningRate = 2e-4;
const rule = { threshold: 0.5, minimumVolumeMm3: 3, keepLargest: false };

mkdirSync(flags.out, { recursive: true });
const { plan, weights: shipped } = await readOwnNetwork(ownNetworkFolder('lesions'));
const engine = new Engine({ device: 'cpu', threads: Number(flags.threads) });
const pool = new WorkerPool(1);

/** Weights after as many steps on synthetic exams alone. */
async function control() {
  const { further } = defaultNetworks.lesions;
  const run = { ...further.run, epochs, stepsPerEpoch, learningRate };
  const checkpointFile = join(flags.out, 'control.safetensors');
  const state = await trainDefault(
    engine,
    'lesions',
    { step: further.step, run, seed: 901 },
    {
      dataFolder: join(flags.data, 'synthesis'),
      cacheFolder: at('../cache/heads'),
      checkpointFile,
      logFile: join(flags.out, 'control.jsonl'),
      resume: existsSync(checkpointFile),
      initialWeights: shipped,
      pool,
    },
  );
  return weightsOfState(plan, state);
}

/** Weights after training on every real case but one. */
async function tunedWithout(name) {
  const dataset = join(flags.out, `without-${name}`, 'dataset');
  const training = join(flags.out, `without-${name}`, 'training');
  if (!existsSync(dataset)) {
    makeRealDataset(
      flags.data,
      dataset,
      realCases.filter((other) => other !== name),
    );
  }
  const { status } = spawnSync(
    process.execPath,
    [
      ...[at('../bin/dawson.js'), 'train', dataset, '--fold', 'all', '--out', training],
      ...['--init', 'lesions', '--optimiser', 'adamw', '--learning-rate', String(learningRate)],
      ...['--epochs', String(epochs), '--steps', String(stepsPerEpoch)],
      ...['--threads', flags.threads],
      ...(existsSync(join(training, 'fold_all', 'checkpoint.safetensors')) ? ['--resume'] : []),
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  if (status !== 0) throw new Error(`dawson train ended with ${status}`);
  return readWeights(join(training, 'fold_all', 'weights.safetensors'), plan);
}

async function judge(weights, name) {
  const predictor = await loadPredictor(engine, plan, weights, windowShape);
  const { exam, experts } = await readRealCase(flags.data, name);
  const probability = await predictLesions(exam, predictor.predict, { pool });
  await predictor.release();
  const mask = lesionMask(probability, rule);
  const { dsc, volumes, lesionwise } = evaluatePair(pairMasks(experts, mask), definitions.anima);
  return (
    `DSC ${dsc.toFixed(3)}, F1 ${(lesionwise.f1 ?? Number.NaN).toFixed(3)}, ` +
    `${volumes.predictionMl.toFixed(1)} of ${volumes.referenceMl.toFixed(1)} ml`
  );
}

try {
  const controlled = await control();
  for (const name of realCases) {
    console.log(`${name}, as it is:              ${await judge(shipped, name)}`);
    console.log(`${name}, more synthetic exams:  ${await judge(controlled, name)}`);
    console.log(`${name}, other real exams:      ${await judge(await tunedWithout(name), name)}`);
  }
} finally {
  await engine.close();
  await pool.close();
}
