// A network on its way through both programs: nnU-Net plans and trains, Dawson imports, predicts,
// goes on training and exports, nnU-Net predicts with what it is given; and one that Dawson plans and
// trains from the beginning. Prints how far the two are apart each time.
//
//   npm run bench -- nnunet-round-trip --python PATH [--steps 10] [--out FOLDER]
//     [--configuration 3d_fullres|2d|3d_lowres|3d_cascade_fullres]
//
// Both networks of a cascade are planned and trained by Dawson and exported; nnU-Net predicts with both, the second
// on the labels of the first.
//
// The Python needs nnunetv2 2.8.1 (test/goldens/segment/requirements-trainers.txt) and makes the
// training set: five balls with blobs in them.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { dawson } from './support/dawson.js';

const { values: flags } = parseArgs({
  options: {
    python: { type: 'string', default: 'python' },
    steps: { type: 'string', default: '10' },
    configuration: { type: 'string', default: '3d_fullres' },
    out: { type: 'string' },
  },
});
const out = flags.out ?? mkdtempSync(join(tmpdir(), 'dawson-round-trip-'));
const at = (...names) => join(out, ...names);
const dataset = at('nnunet', 'raw', 'Dataset001_Small');
const helper = fileURLToPath(new URL('nnunet_round_trip.py', import.meta.url));
const python = (...args) => execFileSync(flags.python, [helper, ...args], { stdio: 'inherit' });
const images = join(dataset, 'imagesTr');

const predicted = (exams, model, labels, ...onLabels) =>
  dawson('predict', model, '--in', exams, '--out', labels, '--probabilities', ...onLabels);

const cascade = '3d_cascade_fullres';
const lowResolution = '3d_lowres';
const { configuration } = flags;
// So little that a patch is small beside these images, which have no network of low resolution else, and
// enough for one of three levels: nnU-Net's loss of two is not a number.
const memory = [lowResolution, cascade].includes(configuration) ? '0.015' : '8';
const titles = configuration === cascade ? cascadeThere() : thereAndBack();
for (const [stage, title] of Object.entries(titles)) {
  console.log(`\n${title}:`);
  python('compare', at(`dawson-${stage}`), at(`nnunet-${stage}`));
}
console.log(`\nAll of it: ${out}`);

/** Both networks of a cascade, Dawson's, on two exams. @returns what is to be compared */
function cascadeThere() {
  python('dataset', dataset, lowResolution);
  mkdirSync(at('few'), { recursive: true });
  for (const name of readdirSync(images).filter((name) => /^c[01]_/.test(name))) {
    copyFileSync(join(images, name), at('few', name));
  }
  const labels = at('training-first', 'labels_for_next_stage');
  // The second one needs what every fold of the first found; nnU-Net takes minutes an exam for each fold.
  const networks = [
    ['first', lowResolution, 'all-five', [], []],
    [
      'second',
      cascade,
      '0',
      ['--previous-stage', labels],
      ['--previous-stage', at('dawson-first')],
    ],
  ];
  for (const [stage, name, fold, onFound, onLabels] of networks) {
    const training = at(`training-${stage}`);
    dawson('plan', dataset, '--configuration', name, '--memory', memory, '--out', training);
    dawson(
      ...['train', dataset, '--fold', fold, ...onFound, '--out', training],
      ...['--epochs', '2', '--steps', flags.steps],
    );
    dawson('model', 'export', join(training, 'model'), '--out', at(`exported-${stage}`));
    predicted(at('few'), join(training, 'model'), at(`dawson-${stage}`), ...onLabels);
    // nnU-Net's labels of the first network would differ in ties.
    python(
      'predict',
      at(`exported-${stage}`),
      at('few'),
      at(`nnunet-${stage}`),
      ...onLabels.slice(1),
    );
  }
  return { first: 'the first network', second: 'the second one, on the labels of the first' };
}

/** From nnU-Net to Dawson and back, and from Dawson alone. @returns what is to be compared */
function thereAndBack() {
  python('train', at('nnunet'), flags.steps, configuration, memory);
  const trained = at('nnunet', 'results', 'trained');
  dawson('model', 'import', trained, '--orientation', 'RAS', '--out', at('imported'));
  predicted(images, at('imported'), at('dawson-before'));
  python('predict', trained, images, at('nnunet-before'));

  trainedByDawson('after', '--init', at('imported'));
  dawson(
    ...['plan', dataset, '--configuration', configuration, '--memory', memory],
    ...['--out', at('training-own')],
  );
  trainedByDawson('own');

  return {
    before: 'as nnU-Net trained it',
    after: 'as Dawson went on with it',
    own: 'as Dawson planned and trained it',
  };
}

/** Trains in Dawson, and lets both programs predict with it. */
function trainedByDawson(stage, ...options) {
  const training = at(`training-${stage}`);
  dawson(
    ...['train', dataset, ...options, '--fold', '0', '--out', training],
    ...['--splits', at('nnunet', 'splits_final.json'), '--epochs', '2', '--steps', flags.steps],
  );
  dawson('model', 'export', join(training, 'model'), '--out', at(`exported-${stage}`));
  predicted(images, join(training, 'model'), at(`dawson-${stage}`));
  python('predict', at(`exported-${stage}`), images, at(`nnunet-${stage}`));
}
