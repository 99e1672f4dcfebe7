// The paper's experiments (docs/experiments.md) on a small scale, on people and scanners that never were:
//
//   npm run bench -- paper --out FOLDER [--people 42] [--data FOLDER] [--steps 4] [--check]
//
// Makes exams of so many people on seven scanners (`dawson synthesize --scanner`), prepares them as `dawson
// segment` does, of one person of each scanner to be held out; and a training set of six people on an eighth
// scanner as public data. Then runs an experiment that asks every question of docs/experiments.md, each training
// so many steps from the network that comes with Dawson. What is done is not done again; --check says only what
// it takes.
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DawsonError } from '../dist/errors.js';
import { readVolume } from '../dist/formats/index.js';
import { openAnatomyNetwork } from '../dist/preprocess/anatomy-network.js';
import { readExam, sequenceNames } from '../dist/preprocess/exam.js';
import { prepare } from '../dist/preprocess/prepare.js';
import { synthesizeExamInWorker } from '../dist/synthesize/synthesize-exam.js';
import { writeSyntheticExam } from '../dist/synthesize/write-exam.js';
import { resample } from '../dist/volume/resample.js';
import { WorkerPool } from '../dist/workers.js';
import { dawsonShown } from './support/dawson.js';
import { hasCase, startTrainingSet, writeCase } from './support/training-set.js';

const beside = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const { values: flags } = parseArgs({
  options: {
    out: { type: 'string' },
    people: { type: 'string', default: '42' },
    data: { type: 'string', default: beside('../shared/data/synthesis') },
    steps: { type: 'string', default: '4' },
    check: { type: 'boolean', default: false },
  },
});
if (flags.out === undefined) {
  console.error('usage: npm run bench -- paper --out FOLDER [options]');
  process.exit(2);
}
const scanners = 7;
const people = Number(flags.people);
const sets = [
  { name: 'Dataset001_Clinic', first: 1000, people, scannerOf: (person) => person % scanners },
  { name: 'Dataset002_Public', first: 5000, people: 6, scannerOf: () => scanners },
];
const pool = new WorkerPool(2);
const run = { pool, stage: (_, work) => work(() => {}) };
const startMs = performance.now();
const minutes = () => `${((performance.now() - startMs) / 60000).toFixed(1)} min`;

try {
  const anatomy = await openAnatomyNetwork({ device: 'cpu', threads: 1 });
  for (const set of sets) await makeSet(set, anatomy);
} finally {
  await pool.close();
}
console.log(`exams: ${minutes()}`);
const file = join(flags.out, 'paper.json');
writeFileSync(file, `${JSON.stringify(experiment(Number(flags.steps)), null, 2)}\n`);
const out = join(flags.out, 'paper');
dawsonShown('experiment', 'check', file, '--out', out);
if (!flags.check) dawsonShown('experiment', 'run', file, '--out', out);
console.log(`all: ${minutes()}`);

/** A training set in nnU-Net's convention with its cohort table; exams that are there stay. */
async function makeSet({ name, first, people, scannerOf }, anatomy) {
  const folder = join(flags.out, name);
  const rows = [];
  const left = [];
  for (let person = 0; person < people; person++) {
    const scanner = scannerOf(person);
    const own = `P${String(person + 1).padStart(3, '0')}`;
    // The last of each scanner is held out.
    const split = name === sets[0].name && person >= people - scanners ? 'test' : 'train';
    rows.push({ case: own, patient: own, scanner: `scanner-${scanner + 1}`, split });
    if (!hasCase(folder, own)) left.push({ seed: first + person, scanner: 1 + scanner, own });
  }
  startTrainingSet(folder, rows);
  // Two at once.
  const next = async () => {
    for (let one = left.shift(); one; one = left.shift()) await makeCase(folder, one, anatomy);
  };
  await Promise.all([next(), next()]);
}

/**
 * A case; what `dawson segment` would refuse, such as a head larger than there are, is drawn anew by the seed that
 * is a million later.
 */
async function makeCase(folder, { seed, scanner, own }, anatomy, tries = 3) {
  try {
    await makeExam(folder, { seed, scanner, own }, anatomy);
  } catch (error) {
    if (tries === 1 || !(error instanceof DawsonError)) throw error;
    console.log(`${own}, drawn anew: ${error.message}`);
    await makeCase(folder, { seed: seed + 1e6, scanner, own }, anatomy, tries - 1);
    return;
  }
  console.log(`${own} of scanner ${scanner}: ${minutes()}`);
}

async function makeExam(folder, { seed, scanner, own }, anatomy) {
  const sources = { dataFolder: flags.data, cacheFolder: join(flags.out, 'heads') };
  const made = await synthesizeExamInWorker({ pool }, seed, sources, scanner);
  const raw = join(flags.out, 'raw', `${basename(folder)}-${own}`);
  await writeSyntheticExam(raw, seed, made, { scanner });
  const { exam } = await readExam(
    Object.fromEntries(sequenceNames.map((name) => [name, join(raw, `${name}.nii.gz`)])),
  );
  const options = { alignment: 'affine-to-flair', brainExtracted: false, registered: false };
  const prepared = (await prepare(exam, options, run, anatomy)).exam;
  const { volume } = await readVolume(join(raw, 'truth.nii.gz'));
  const truth = resample(volume, prepared.flair, { interpolation: 'nearest' });
  await writeCase(folder, own, prepared, truth);
}

/** Every question of docs/experiments.md. */
function experiment(steps) {
  const clinic = { dataset: sets[0].name, cohort: join(sets[0].name, 'cohort.csv') };
  return {
    schema: 'dawson-experiment',
    schemaVersion: 1,
    name: 'Synthetic exams of seven scanners',
    ...clinic,
    holdOut: { column: 'split', value: 'test' },
    training: {
      ...{ architecture: 'compact', init: 'lesions', optimiser: 'adamw', learningRate: 3e-4 },
      ...{ epochs: 1, stepsPerEpoch: steps, seed: 1 },
    },
    // A third of the windows: what the questions are judged on is the experiment, not the networks.
    prediction: { stepSize: 1 },
    definition: 'anima',
    questions: [
      { kind: 'cross-validation', folds: 5, stratify: 'scanner' },
      { kind: 'leave-one-out', column: 'scanner' },
      { kind: 'subset', fractions: [0.1, 0.2, 0.4, 0.8], repeats: 5, stratify: 'scanner' },
      { kind: 'subset', column: 'scanner', value: 'scanner-1' },
      { kind: 'channels', without: 'T1' },
      { kind: 'external', name: 'Public data', dataset: sets[1].name },
      { kind: 'compare', name: 'Dawson', segmenter: 'lesions' },
      { kind: 'compare', name: 'LST-LGA', segmenter: 'lst-lga' },
      { kind: 'compare', name: 'Trained with Dice alone', training: { loss: 'dice' } },
    ],
  };
}
