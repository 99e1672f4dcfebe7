// A network on its way through both programs: nnU-Net plans and trains, Dawson imports, predicts,
// goes on training and exports, nnU-Net predicts with what it is given; and one that Dawson plans and
// trains from the beginning. Prints how far the two are apart each time.
//
//   npm run bench -- nnunet-round-trip --python PATH [--steps 10] [--out FOLDER]
//     [--configuration 3d_fullres|2d|3d_lowres]
//
// The Python needs nnunetv2 2.8.1 (test/goldens/segment/requirements-trainers.txt) and makes the
// training set: five balls with blobs in them.
import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
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

const predicted = (model, labels) =>
  dawson('predict', model, '--in', images, '--out', labels, '--probabilities');

const { configuration } = flags;
// So little that a patch is small beside these images, which have no network of low resolution else, and
// enough for one of three levels: nnU-Net's loss of two is not a number.
const memory = configuration === '3d_lowres' ? '0.015' : '8';
python('train', at('nnunet'), flags.steps, configuration, memory);
const trained = at('nnunet', 'results', 'trained');
dawson('model', 'import', trained, '--orientation', 'RAS', '--out', at('imported'));
predicted(at('imported'), at('dawson-before'));
python('predict', trained, images, at('nnunet-before'));

/** Trains in Dawson, and lets both programs predict with it. */
function trainedByDawson(stage, ...options) {
  const training = at(`training-${stage}`);
  dawson(
    ...['train', dataset, ...options, '--fold', '0', '--out', training],
    ...['--splits', at('nnunet', 'splits_final.json'), '--epochs', '2', '--steps', flags.steps],
  );
  dawson('model', 'export', join(training, 'model'), '--out', at(`exported-${stage}`));
  predicted(join(training, 'model'), at(`dawson-${stage}`));
  python('predict', at(`exported-${stage}`), images, at(`nnunet-${stage}`));
}
trainedByDawson('after', '--init', at('imported'));
dawson(
  ...['plan', dataset, '--configuration', configuration, '--memory', memory],
  ...['--out', at('training-own')],
);
trainedByDawson('own');

for (const [title, stage] of [
  ['as nnU-Net trained it', 'before'],
  ['as Dawson went on with it', 'after'],
  ['as Dawson planned and trained it', 'own'],
]) {
  console.log(`\n${title}:`);
  python('compare', at(`dawson-${stage}`), at(`nnunet-${stage}`));
}
console.log(`\nAll of it: ${out}`);
