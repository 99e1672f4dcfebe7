// Trains a small nnU-Net on three real exams and segments them with it; then, with each left out in
// turn, the one that was left out:
//
//   npm run bench -- train-real [--data FOLDER] [--out FOLDER] [--epochs N] [--threads N]
//                               [--left-out-epochs N] [--init lesions] [--rate R]
//                               [--augmentation none]
//
// FOLDER of the data holds lesions/CASE/{flair,t1,t2,lesions}.nii.gz (brain-extracted, on one grid); T2
// is optional. The plan is that of `dawson plan --architecture compact`, for training without a GPU. An
// epoch has 50 steps of 2 patches. With --init lesions training starts from the network that comes with
// Dawson.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeRealDataset, realCases } from './support/real-dataset.js';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const { values: flags } = parseArgs({
  options: {
    data: { type: 'string', default: at('../../shared/data') },
    out: { type: 'string', default: join(tmpdir(), 'dawson-train-real') },
    epochs: { type: 'string', default: '40' },
    'left-out-epochs': { type: 'string', default: '10' },
    threads: { type: 'string', default: '2' },
    init: { type: 'string' },
    augmentation: { type: 'string', default: 'nnunet' },
    rate: { type: 'string', default: '0.002' },
  },
});
const cases = realCases;
const imageOf = (name, sequence) => join(flags.data, 'lesions', name, `${sequence}.nii.gz`);

function dawson(...args) {
  const { status } = spawnSync(process.execPath, [at('../bin/dawson.js'), ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error(`dawson ${args[0]} ended with ${status}`);
}

/** Trains on some cases. @returns the model folder */
function train(name, names, epochs) {
  const dataset = join(flags.out, name, 'dataset');
  const training = join(flags.out, name, 'training');
  if (!existsSync(dataset)) {
    makeRealDataset(flags.data, dataset, names);
    dawson('plan', dataset, '--architecture', 'compact', '--out', training);
  }
  const goesOn = existsSync(join(training, 'fold_all', 'checkpoint.safetensors'));
  const start = goesOn ? ['--resume'] : flags.init ? ['--init', flags.init] : [];
  dawson(
    ...['train', dataset, '--fold', 'all', '--out', training, '--epochs', epochs, '--steps', '50'],
    ...['--optimiser', 'adamw', '--learning-rate', flags.rate],
    ...['--augmentation', flags.augmentation],
    ...['--threads', flags.threads, ...start],
  );
  return join(training, 'model_all');
}

/** How well a model's lesions in a case agree with the experts'. */
function judge(model, name, folder) {
  const result = join(flags.out, folder, 'results', name);
  const images = ['t1', 't2'].flatMap((sequence) =>
    existsSync(imageOf(name, sequence)) ? [`--${sequence}`, imageOf(name, sequence)] : [],
  );
  dawson(
    ...['segment', '--flair', imageOf(name, 'flair'), ...images, '--model', model, '--out', result],
    ...['--brain-extracted', '--registered', '--no-report', '--threads', flags.threads],
  );
  const { stdout } = spawnSync(
    process.execPath,
    [
      ...[at('../bin/dawson.js'), 'evaluate', '--json'],
      ...['--prediction', join(result, 'lesions.nii.gz'), '--reference', imageOf(name, 'lesions')],
    ],
    { encoding: 'utf8' },
  );
  const { dsc, volumes, lesionwise } = JSON.parse(stdout);
  return (
    `DSC ${dsc.toFixed(3)}, lesion F1 ${(lesionwise.f1 ?? Number.NaN).toFixed(3)}, ` +
    `${volumes.predictionMl.toFixed(1)} of ${volumes.referenceMl.toFixed(1)} ml`
  );
}

const started = performance.now();
const model = train('all', cases, flags.epochs);
const minutes = ((performance.now() - started) / 60000).toFixed(0);
console.log(`trained on all three: ${minutes} min with ${flags.threads} threads`);
for (const name of cases) console.log(`${name}, trained on: ${judge(model, name, 'all')}`);
if (Number(flags['left-out-epochs']) > 0) {
  for (const name of cases) {
    const others = cases.filter((other) => other !== name);
    const without = train(`without-${name}`, others, flags['left-out-epochs']);
    console.log(`${name}, left out: ${judge(without, name, `without-${name}`)}`);
  }
}
