// A network on its way through both programs: nnU-Net plans and trains, Dawson imports, predicts,
// goes on training and exports, nnU-Net predicts with what it is given. Prints how far the two are
// apart before and after.
//
//   npm run bench -- nnunet-round-trip --python PATH [--steps 10] [--out FOLDER]
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

python('train', at('nnunet'), flags.steps);
const trained = at('nnunet', 'results', 'trained');
dawson('model', 'import', trained, '--orientation', 'RAS', '--out', at('imported'));
predicted(at('imported'), at('dawson-before'));
python('predict', trained, images, at('nnunet-before'));

dawson(
  ...['train', dataset, '--init', at('imported'), '--fold', '0', '--out', at('training')],
  ...['--splits', at('nnunet', 'splits_final.json'), '--epochs', '2', '--steps', flags.steps],
);
dawson('model', 'export', at('training', 'model'), '--out', at('exported'));
predicted(at('training', 'model'), at('dawson-after'));
python('predict', at('exported'), images, at('nnunet-after'));

for (const [title, stage] of [
  ['as nnU-Net trained it', 'before'],
  ['as Dawson went on with it', 'after'],
]) {
  console.log(`\n${title}:`);
  python('compare', at(`dawson-${stage}`), at(`nnunet-${stage}`));
}
console.log(`\nAll of it: ${out}`);
