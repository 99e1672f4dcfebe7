// LST-LGA against the experts' masks, and beside it the floor: one FLAIR threshold for the whole
// brain, in units of the brain's most frequent intensity, tuned on one case and applied to the others.
//
//   npm run bench -- lst-lga [--data FOLDER] [--out FOLDER]
//
// FOLDER of the data holds lesions/CASE/{flair,t1,t2,lesions}.nii.gz; the default is the development
// data beside the repository. Lesion-wise figures by the definition `anima`. With --out, the results
// are written there. Seconds are of CPU time.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { definitions } from '../dist/evaluate/definitions.js';
import { evaluatePair } from '../dist/evaluate/evaluate-pair.js';
import { pairMasks } from '../dist/evaluate/mask-pair.js';
import { voxelOverlap } from '../dist/evaluate/voxel-overlap.js';
import { readVolume, writeNifti } from '../dist/formats/index.js';
import { findBrain } from '../dist/preprocess/extract-brain.js';
import { readHeadAtlas } from '../dist/preprocess/head-atlas.js';
import { segmentLstLga } from '../dist/segment/lst-lga/lst-lga.js';
import { correctBiasField } from '../dist/volume/bias-field.js';
import { histogram, percentile } from '../dist/volume/histogram.js';
import { onGrid, toFloat32 } from '../dist/volume/volume.js';

const besideRepository = fileURLToPath(new URL('../../shared/data', import.meta.url));
const { values: flags } = parseArgs({
  options: { data: { type: 'string', default: besideRepository }, out: { type: 'string' } },
});
const atlas = await readHeadAtlas();
const cases = ['open-ms-cs-07', 'open-ms-cs-19', 'mslesseg-P18-T1'];

async function readCase(name) {
  const read = async (sequence) => {
    const file = join(flags.data, 'lesions', name, `${sequence}.nii.gz`);
    return existsSync(file) ? toFloat32((await readVolume(file)).volume) : undefined;
  };
  const [flair, t1, t2, lesions] = [
    await read('flair'),
    await read('t1'),
    await read('t2'),
    await read('lesions'),
  ];
  const nonZero = (volume) => maskWhere(volume, (value) => value !== 0);
  return {
    name,
    exam: { flair, t1, t2, ...findBrain(flair, atlas, { brainExtracted: true }) },
    experts: nonZero(lesions),
  };
}

function maskWhere(volume, belongs) {
  return onGrid(
    volume,
    Uint8Array.from(volume.data, (value) => (belongs(value) ? 1 : 0)),
  );
}

function printRow(label, experts, prediction, seconds) {
  const { dsc, volumes, lesionwise } = evaluatePair(
    pairMasks(experts, prediction),
    definitions.anima,
  );
  const number = (value, digits) => (value === null ? '-' : value.toFixed(digits)).padStart(8);
  console.log(
    label.padEnd(64) +
      number(dsc, 3) +
      number(lesionwise.precision, 3) +
      number(lesionwise.recall, 3) +
      number(lesionwise.f1, 3) +
      `${lesionwise.predictedLesions} / ${lesionwise.referenceLesions}`.padStart(12) +
      `${volumes.predictionMl.toFixed(1)} / ${volumes.referenceMl.toFixed(1)}`.padStart(14) +
      (seconds === undefined ? '' : number(seconds, 1)),
  );
}

const heading = 'DSC precision recall F1 lesions/experts ml/experts seconds'.split(' ');
console.log(
  ''.padEnd(64) + heading.map((word, at) => word.padStart([8, 10, 8, 6, 16, 11, 8][at])).join(''),
);

const read = [];
for (const name of cases) read.push(await readCase(name));

const variants = {
  'LST-LGA': ({ t2, ...exam }) => exam,
  'LST-LGA, no atlas': ({ t2, tissuePriors, ...exam }) => exam,
  'LST-LGA, T2 and no T1': ({ t1, ...exam }) => exam.t2 && exam,
  'LST-LGA, FLAIR only': ({ t1, t2, ...exam }) => exam,
};
for (const [label, choose] of Object.entries(variants)) {
  for (const { name, exam, experts } of read) {
    const chosen = choose(exam);
    if (!chosen) continue;
    const before = process.cpuUsage();
    const { probability, rule } = segmentLstLga(chosen);
    const { user, system } = process.cpuUsage(before);
    const prediction = maskWhere(probability, (value) => value >= rule.threshold);
    printRow(`${label}: ${name}`, experts, prediction, (user + system) / 1e6);
    if (flags.out) {
      const file = `${label.replace(/[^\w]+/g, '-')}-${name}.nii.gz`;
      await writeNifti(join(flags.out, file), probability);
    }
  }
}

// The floor.
const normalised = read.map(({ exam: { flair, brain } }) => {
  const { corrected } = correctBiasField(flair, brain);
  const high = percentile(corrected.data, 99.9, brain.data);
  const { counts, binWidth } = histogram(corrected.data, { bins: 128, low: 0, high }, brain.data);
  const mode = (counts.indexOf(Math.max(...counts)) + 0.5) * binWidth;
  return onGrid(
    corrected,
    corrected.data.map((value, at) => (brain.data[at] ? value / mode : 0)),
  );
});
for (const [tuning, { name: tunedOn, experts: truth }] of read.entries()) {
  let best = { dsc: -1, cut: 0 };
  for (let cut = 1; cut < 2; cut += 0.01) {
    const prediction = maskWhere(normalised[tuning], (value) => value >= cut);
    const { dsc } = voxelOverlap(pairMasks(truth, prediction), {});
    if (dsc > best.dsc) best = { dsc, cut };
  }
  for (const [at, { name, experts }] of read.entries()) {
    const prediction = maskWhere(normalised[at], (value) => value >= best.cut);
    const where = at === tuning ? 'on itself' : `on ${tunedOn}`;
    printRow(`FLAIR >= ${best.cut.toFixed(2)} tuned ${where}: ${name}`, experts, prediction);
  }
}
console.log(
  `peak memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB for all of this`,
);
