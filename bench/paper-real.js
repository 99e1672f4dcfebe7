// The paper's experiments (docs/experiments.md) on the few real exams with experts' masks that are public:
//
//   npm run bench -- paper-real --out FOLDER [--data FOLDER] [--steps 20] [--check]
//
// Seven people of one clinic, two of another and one of a third are three scanners; each exam prepared as
// `dawson segment` does. Trainings start from the network of synthetic exams alone (models/lesions-folds), since the
// one that comes with Dawson has learned from the seven. Two are held out, so that every system can be compared on
// them; nothing is chosen by what comes out. What is done is not done again; --check says only what it takes.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { preparedCases } from '../dist/experiments/own-networks/real/prepared-case.js';
import { readSafetensors } from '../dist/formats/safetensors.js';
import { ownModels, writeOwnModel } from '../dist/model/own-model.js';
import { requireWeights } from '../dist/network/index.js';
import { openAnatomyNetwork } from '../dist/preprocess/anatomy-network.js';
import { WorkerPool } from '../dist/workers.js';
import { dawsonShown } from './support/dawson.js';
import { hasCase, startTrainingSet, writeCase } from './support/training-set.js';

const beside = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const { values: flags } = parseArgs({
  options: {
    out: { type: 'string' },
    data: { type: 'string', default: beside('../shared/data') },
    steps: { type: 'string', default: '20' },
    check: { type: 'boolean', default: false },
  },
});
if (flags.out === undefined) {
  console.error('usage: npm run bench -- paper-real --out FOLDER [options]');
  process.exit(2);
}
const set = 'Dataset001_Real';
const heldOut = ['open-ms-cs-07', 'mslesseg-P18-T1'];
const scannerOf = (name) => name.split('-').slice(0, -1).join('-').replace('-P18', '');
mkdirSync(flags.out, { recursive: true });
await makeSet(join(flags.out, set));
await startingModel(join(flags.out, 'synthetic'));
const file = join(flags.out, 'paper-real.json');
writeFileSync(file, `${JSON.stringify(experiment(Number(flags.steps)), null, 2)}\n`);
const out = join(flags.out, 'paper');
dawsonShown('experiment', 'check', file, '--out', out);
if (!flags.check) dawsonShown('experiment', 'run', file, '--out', out);

async function makeSet(folder) {
  const pool = new WorkerPool(2);
  const run = { pool, stage: (_, work) => work(() => {}) };
  const anatomy = await openAnatomyNetwork({ device: 'cpu', threads: 2 });
  const sites = ['routine', 'lesions'].map((site) => join(flags.data, site));
  try {
    const cases = await preparedCases(sites, [], join(flags.out, 'prepared'), anatomy, run);
    const rows = cases.map(({ name }) => ({
      ...{ case: name, patient: name, scanner: scannerOf(name) },
      split: heldOut.includes(name) ? 'test' : 'train',
    }));
    startTrainingSet(folder, rows, ['t2']);
    for (const { name, exam, experts } of cases) {
      if (!hasCase(folder, name)) await writeCase(folder, name, exam, experts);
    }
  } finally {
    await pool.close();
  }
}

/** What trainings start from, as a model. */
async function startingModel(folder) {
  const weights = beside('models/lesions-folds/lesions-synthetic.safetensors');
  const { tensors } = await readSafetensors(weights);
  const { plan } = ownModels.lesions;
  const card = { name: 'lesions', version: 'synthetic', training: { data: 'synthetic exams' } };
  await writeOwnModel(folder, card, requireWeights(tensors, plan, weights), ownModels.lesions);
}

function experiment(steps) {
  return {
    schema: 'dawson-experiment',
    schemaVersion: 1,
    name: 'Real exams of three scanners',
    dataset: set,
    cohort: join(set, 'cohort.csv'),
    holdOut: { column: 'split', value: 'test' },
    training: {
      ...{ architecture: 'compact', init: 'synthetic', optimiser: 'adamw', learningRate: 3e-4 },
      ...{ epochs: 1, stepsPerEpoch: steps, seed: 1 },
    },
    definition: 'anima',
    questions: [
      { kind: 'cross-validation', folds: 4 },
      { kind: 'leave-one-out', column: 'scanner' },
      { kind: 'subset', fractions: [0.25, 0.5], repeats: 2 },
      { kind: 'subset', column: 'scanner', value: 'tabriz' },
      { kind: 'channels', without: 'T1' },
      { kind: 'compare', name: 'Dawson', segmenter: 'lesions' },
      { kind: 'compare', name: 'LST-LGA', segmenter: 'lst-lga' },
    ],
  };
}
