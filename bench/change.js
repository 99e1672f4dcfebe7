// Change between two exams. docs/methods/change.md has its tables.
//
//   npm run bench -- change synthetic [--data FOLDER] [--cache FOLDER] [--first 5082] [--pairs 100] [--json]
//   npm run bench -- change segment [--data FOLDER] [--cache FOLDER] [--first 5082] [--pairs 100] [--json]
//   npm run bench -- change heads [--data FOLDER]
//   npm run bench -- change real [--data FOLDER] [--results FOLDER] [--segmenter NAME] [--model FOLDER]
//   npm run bench -- change sensitivity [--data FOLDER] [--results FOLDER]
//
// synthetic: pairs of known change and as many without any (even and odd seeds from --first on), masks
// known, protocols and positions different. segment: the same with whole heads and masks that `dawson
// segment` finds in the FLAIR alone. heads: registration of FLAIRs of one head and of two.
// real: two visits of two patients through `dawson segment` and `dawson track`, against experts, beside a
// plain subtraction and the comparison of masks alone; --results keeps the segmented exams. sensitivity: how
// small a new lesion may be to be seen in these pairs, twice, by lesions painted at different places. Limits and the
// model of errors of the masks' comparison were set on the real exams and on seeds below 5082.

import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { betweenHeads } from './support/change-heads.js';
import { realPairs, realSensitivity } from './support/change-real.js';
import { foundMasks, knownMasks } from './support/change-synthetic.js';

const beside = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string', default: beside('../shared/data') },
    cache: { type: 'string', default: beside('cache/heads') },
    first: { type: 'string', default: '5082' },
    pairs: { type: 'string', default: '100' },
    segmenter: { type: 'string' },
    model: { type: 'string' },
    results: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const parts = {
  synthetic: knownMasks,
  segment: foundMasks,
  heads: betweenHeads,
  real: realPairs,
  sensitivity: realSensitivity,
};
const run = parts[positionals[0]];
if (!run) {
  console.error(`usage: npm run bench -- change ${Object.keys(parts).join('|')} [options]`);
  process.exit(2);
}
await run(flags);
