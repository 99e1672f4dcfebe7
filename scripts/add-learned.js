// Adds to networks what another learned from the same beginning (task arithmetic, Ilharco et al. 2023):
//
//   node scripts/add-learned.js --before FILE --after FILE --share S NETWORK ...
//
// Each NETWORK (.safetensors) is replaced by its weights and S times the difference of --after less --before, at half
// precision. FILEs are weights, at any precision.
import { parseArgs } from 'node:util';
import { readSafetensors, writeSafetensors } from '../dist/formats/safetensors.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { before: { type: 'string' }, after: { type: 'string' }, share: { type: 'string' } },
});
const share = Number(values.share);
const [before, after] = await Promise.all(
  [values.before, values.after].map(async (file) => (await readSafetensors(file)).tensors),
);
for (const file of positionals) {
  const { tensors } = await readSafetensors(file);
  const sum = new Map(
    [...tensors].map(([name, { shape, data }]) => {
      const [from, to] = [before, after].map((weights) => weights.get(name).data);
      return [name, { shape, data: data.map((value, at) => value + share * (to[at] - from[at])) }];
    }),
  );
  await writeSafetensors(file, { tensors: sum, metadata: {} }, 'F16');
}
