// Does a network that learned from synthetic exams gain from a few real ones?
//
//   npm run bench -- fine-tuning [--data FOLDER] [--out FOLDER] [--epochs N] [--threads N]
//
// FOLDER of the data holds lesions/ and synthesis/. Each case with experts' masks is left out in turn, the
// network that comes with Dawson trained on (`dawson train --init lesions`) with the others, and the
// one left out segmented (`dawson segment --model`). Beside it the network as it is, and a control that
// was trained as long and as fast on synthetic exams alone. An epoch has 50 steps of 2 patches. All are
// used alike, by the rule of the network that comes with Dawson.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { definitions } from '../dist/evaluate/definitions.js';
import { evaluateFiles } from '../dist/evaluate/evaluate-files.js';
import {
  defaultNetworks,
  trainDefault,
} from '../dist/experiments/own-networks/default-networks.js';
import { writeSafetensors } from '../dist/formats/safetensors.js';
import { openModelFolder, writeModelFolder } from '../dist/model/model-folder.js';
import { firstFoldOf } from '../dist/model/model-predictors.js';
import { openShippedModel } from '../dist/model/open-model.js';
import { Engine } from '../dist/network/index.js';
import { weightsOfState } from '../dist/train/checkpoint.js';
import { WorkerPool } from '../dist/workers.js';
import { makeRealDataset, realCases, realChannels } from './support/real-dataset.js';

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

mkdirSync(flags.out, { recursive: true });
const own = await openShippedModel('lesions');
const plan = own.network;
const shipped = await firstFoldOf(own);
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

/** The model after training on every real case but one. */
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
  dawson([
    ...['train', dataset, '--fold', 'all', '--out', training],
    ...['--init', 'lesions', '--optimiser', 'adamw', '--learning-rate', String(learningRate)],
    ...['--epochs', String(epochs), '--steps', String(stepsPerEpoch)],
    ...['--threads', flags.threads],
    ...(existsSync(join(training, 'fold_all', 'checkpoint.safetensors')) ? ['--resume'] : []),
  ]);
  return join(training, 'model_all');
}

/** A model of other weights, and in all else as another one. */
async function modelLike(model, weights) {
  const folder = join(flags.out, 'control-model');
  const { card, plans, dataset } = await openModelFolder(model);
  const write = (file) => writeSafetensors(file, { tensors: weights, metadata: {} });
  await writeModelFolder(
    folder,
    { ...card, name: 'control' },
    plans,
    dataset,
    new Map([[0, write]]),
  );
  return folder;
}

function dawson(args) {
  const { status } = spawnSync(process.execPath, [at('../bin/dawson.js'), ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error(`dawson ${args[0]} ended with ${status}`);
}

/** @param model folder of one; none for the network that comes with Dawson */
async function judge(name, model) {
  const image = (file) => join(flags.data, 'lesions', name, `${file}.nii.gz`);
  const out = join(flags.out, 'segmented', name, model === undefined ? 'shipped' : basename(model));
  dawson([
    ...['segment', '--brain-extracted', '--registered', '--no-report', '--out', out],
    ...realChannels.flatMap((sequence) =>
      existsSync(image(sequence)) ? [`--${sequence}`, image(sequence)] : [],
    ),
    ...(model === undefined ? [] : ['--model', model]),
  ]);
  const { dsc, volumes, lesionwise } = await evaluateFiles(
    { reference: image('lesions'), prediction: join(out, 'lesions.nii.gz') },
    { definition: definitions.anima, resample: false },
  );
  return (
    `DSC ${dsc.toFixed(3)}, F1 ${(lesionwise.f1 ?? Number.NaN).toFixed(3)}, ` +
    `${volumes.predictionMl.toFixed(1)} of ${volumes.referenceMl.toFixed(1)} ml`
  );
}

try {
  const weights = await control();
  for (const name of realCases) {
    const tuned = await tunedWithout(name);
    const controlled = await modelLike(tuned, weights);
    console.log(`${name}, as it is:              ${await judge(name)}`);
    console.log(`${name}, more synthetic exams:  ${await judge(name, controlled)}`);
    console.log(`${name}, other real exams:      ${await judge(name, tuned)}`);
  }
} finally {
  await engine.close();
  await pool.close();
}
