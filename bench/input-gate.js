// What the input gate measures and finds: on the real exams, and on synthetic exams as they are and
// with one thing made wrong. docs/methods/input-gate.md has a table of it.
//
//   npm run bench -- input-gate [--data FOLDER] [--cache FOLDER] [--first 2000] [--exams 30]
//
// FOLDER of the data holds exams/, lesions/ and synthesis/; --first and --exams choose the seeds of
// the synthetic exams (about 20 s of CPU each). The limits were set on the real exams and seeds 1000
// to 1032.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readVolume } from '../dist/formats/index.js';
import { looksBrainExtracted } from '../dist/preprocess/brain-extracted.js';
import { findBrain } from '../dist/preprocess/extract-brain.js';
import { readHeadAtlas } from '../dist/preprocess/head-atlas.js';
import { checkExam, measureSequence } from '../dist/preprocess/quality/check-exam.js';
import { canBe, surelyLooksLike } from '../dist/preprocess/quality/contrast.js';
import { register } from '../dist/preprocess/register.js';
import { listHeads, readLesionLibrary } from '../dist/synthesize/prepare-heads.js';
import { identity, multiply, voxelVolumeMm3 } from '../dist/volume/affine.js';
import { seededRandom } from '../dist/volume/random.js';
import { reorient } from '../dist/volume/reorient.js';
import { onGrid, toFloat32 } from '../dist/volume/volume.js';
import { syntheticExam } from './support/synthetic-exam.js';

const beside = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const { values: flags } = parseArgs({
  options: {
    data: { type: 'string', default: beside('../shared/data') },
    cache: { type: 'string', default: beside('cache/heads') },
    first: { type: 'string', default: '2000' },
    exams: { type: 'string', default: '30' },
  },
});
const names = ['flair', 't2', 't1'];
const atlas = await readHeadAtlas();

/** The exam as the gate takes it: brain of the FLAIR, the others registered to it. */
function prepared(images, { registered = false } = {}) {
  const flair = reorient(toFloat32(images.flair), 'RAS');
  const sequences = names
    .filter((name) => images[name])
    .map((name) => {
      const volume = name === 'flair' ? flair : toFloat32(images[name]);
      const referenceToSequence =
        name === 'flair' || registered
          ? identity
          : register(flair, volume, { dof: 12 }).fixedToMoving;
      return { name, volume, referenceToSequence };
    });
  return { sequences, ...brainOf(flair), atlasBrain: atlas.brain };
}

function brainOf(flair) {
  const brainExtracted = looksBrainExtracted(flair);
  const { brain, tissuePriors, toAtlas } = findBrain(flair, atlas, { brainExtracted });
  return { brain, tissuePriors, referenceToAtlas: toAtlas };
}

const print = (row) =>
  console.log(row.map((cell, n) => String(cell).padEnd(n === 0 ? 28 : 9)).join(''));
const shown = (value, digits) => (value === undefined ? '-' : value.toFixed(digits));
const codesOf = (findings) =>
  findings.map(({ severity, code }) => `${severity} ${code}`).join(', ');

console.log('Real exams. fluid: over white matter; white: below top; grey: above white (shares).');
print(['image', 'fluid', 'white', 'grey', 'range/σ', 'ghosts', 'covered', 'looks like']);
for (const [label, folder, options] of [
  ['open-ms-01 study1', 'exams/open-ms-01/study1'],
  ['open-ms-01 study2', 'exams/open-ms-01/study2'],
  ['open-ms-03 study2', 'exams/open-ms-03/study2'],
  ['open-ms-04 study1', 'exams/open-ms-04/study1'],
  ['tcga-fg-6692', 'exams/tcga-fg-6692'],
  ['tcga-fg-6692, T1c', 'exams/tcga-fg-6692', { t1: 't1c' }],
  ['open-ms-cs-07', 'lesions/open-ms-cs-07', { registered: true }],
  ['open-ms-cs-19', 'lesions/open-ms-cs-19', { registered: true }],
  ['mslesseg-P18-T1', 'lesions/mslesseg-P18-T1', { registered: true }],
]) {
  const images = {};
  for (const name of names) {
    const file = join(flags.data, folder, `${options?.[name] ?? name}.nii.gz`);
    if (existsSync(file)) images[name] = (await readVolume(file)).volume;
  }
  const exam = prepared(images, options);
  for (const sequence of exam.sequences) {
    const { name, contrast, signal, ghostShare, coverage } = measureSequence(sequence, exam);
    print([
      `${label} ${name}`,
      shown(contrast?.fluidOverWhite, 2),
      shown(contrast?.whiteBelowTop, 2),
      shown(contrast?.greyAboveWhite, 2),
      shown(signal?.rangeToNoise, 0),
      shown(ghostShare, 4),
      shown(coverage.share, 3),
      (contrast && surelyLooksLike(contrast)) ?? 'unclear',
    ]);
  }
  const start = process.cpuUsage();
  const found = codesOf(checkExam(exam));
  const { user, system } = process.cpuUsage(start);
  console.log(`  ${((user + system) / 1e6).toFixed(2)} s of CPU; ${found || 'nothing found'}`);
}

/** How often each thing was found, by what was done to the exam. */
const tally = new Map();
function count(done, findings) {
  const row = tally.get(done) ?? { exams: 0, codes: new Map() };
  tally.set(done, row);
  row.exams++;
  for (const finding of new Set(findings.map(({ severity, code }) => `${code} (${severity})`))) {
    row.codes.set(finding, (row.codes.get(finding) ?? 0) + 1);
  }
}
const looks = Object.fromEntries(names.map((name) => [name, {}]));
const measured = [];
const cutErrors = [];

const flairAlone = (exam, volume) => ({
  ...exam,
  sequences: [{ ...exam.sequences[0], volume }],
});
const aboutFlair = (findings, code) =>
  findings.filter((finding) => finding.sequence === 'flair' && finding.code === code);

/** The FLAIR with Gaussian noise so strong that the brain's range is about `rangeToNoise` times it. */
function noisy({ volume }, contrastRange, rangeToNoise, random) {
  const sd = contrastRange / rangeToNoise;
  return onGrid(
    volume,
    volume.data.map((value) => Math.abs(value + sd * random.normal())),
  );
}

/** The FLAIR with copies of the head shifted by half of the field of view along the first axis. */
function ghosted({ volume }, strength) {
  const { data, size } = volume;
  const half = Math.floor(size[0] / 2);
  return onGrid(
    volume,
    data.map((value, voxel) => {
      const i = voxel % size[0];
      return value + strength * data[voxel - i + ((i + half) % size[0])];
    }),
  );
}

/** The FLAIR (RAS) without its uppermost or lowest slices, in which `share` of the brain lies. */
function cut({ volume }, brain, share, upper) {
  const [nx, ny, nz] = volume.size;
  const perSlice = Array.from({ length: nz }, (_, k) =>
    brain.data.subarray(nx * ny * k, nx * ny * (k + 1)).reduce((sum, inside) => sum + inside, 0),
  );
  const all = perSlice.reduce((sum, voxels) => sum + voxels, 0);
  let [gone, slices] = [0, 0];
  while (gone < share * all) gone += perSlice[upper ? nz - 1 - slices++ : slices++];
  const first = upper ? 0 : slices;
  const kept = nz - slices;
  return {
    missingMl: (gone * voxelVolumeMm3(volume.affine)) / 1000,
    volume: {
      data: volume.data.slice(nx * ny * first, nx * ny * (first + kept)),
      size: [nx, ny, kept],
      affine: multiply(volume.affine, [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, first, 0, 0, 0, 1]),
    },
  };
}

const synthesis = join(flags.data, 'synthesis');
const sources = {
  headFiles: await listHeads(synthesis),
  library: await readLesionLibrary(synthesis),
  cacheFolder: flags.cache,
};
const first = Number(flags.first);
for (let seed = first; seed < first + Number(flags.exams); seed++) {
  const { images } = await syntheticExam(seed, sources);
  const random = seededRandom(seed);
  let exam;
  try {
    exam = prepared(images);
  } catch (error) {
    count('as they are', [{ severity: 'refused', code: error.code }]);
    console.error(`seed ${seed}: ${error.message}`);
    continue;
  }
  count('as they are', checkExam(exam));
  const sequences = exam.sequences.map((sequence) => measureSequence(sequence, exam));
  for (const { name, contrast } of sequences) {
    const kind = (contrast && surelyLooksLike(contrast)) ?? 'unclear';
    looks[name][kind] = (looks[name][kind] ?? 0) + 1;
    if (contrast && !canBe(name, contrast)) {
      looks[name].unusual = (looks[name].unusual ?? 0) + 1;
    }
  }
  measured.push(sequences);

  const [flair] = exam.sequences;
  const { signal } = sequences[0];
  const sorted = Float64Array.from(flair.volume.data.filter((_, n) => exam.brain.data[n])).sort();
  const range = sorted[Math.floor(0.98 * sorted.length)] - sorted[Math.floor(0.02 * sorted.length)];
  for (const rangeToNoise of [20, 10, 5]) {
    if (signal === undefined || signal.rangeToNoise < 2 * rangeToNoise) continue;
    const volume = noisy(flair, range, rangeToNoise, random);
    count(
      `FLAIR with range/σ ${rangeToNoise}`,
      aboutFlair(checkExam(flairAlone(exam, volume)), 'noise'),
    );
  }
  for (const strength of [0.05, 0.15]) {
    count(
      `FLAIR with ghosts of ${strength}`,
      aboutFlair(checkExam(flairAlone(exam, ghosted(flair, strength))), 'ghosting'),
    );
  }
  const share = [0.05, 0.15, 0.35][seed % 3];
  const upper = random.uniform() < 0.5;
  const shorter = cut(flair, exam.brain, share, upper);
  const label = `FLAIR cut by ${100 * share} %`;
  try {
    const alone = { ...brainOf(shorter.volume), atlasBrain: atlas.brain };
    const sequence = { ...flair, volume: shorter.volume };
    const shortExam = { ...alone, sequences: [sequence] };
    count(label, aboutFlair(checkExam(shortExam), 'brain-cut-off'));
    const { missingMl } = measureSequence(sequence, shortExam).coverage;
    const found = missingMl[upper ? 'S' : 'I'] ?? 0;
    cutErrors.push({ label, trueMl: shorter.missingMl, foundMl: found });
  } catch (error) {
    count(label, [{ severity: 'refused', code: error.code }]);
  }
  console.error(`seed ${seed} done`);
}

console.log(
  `\nSynthetic exams, seeds ${first} to ${first + Number(flags.exams) - 1}: least, median, most`,
);
const spread = (values, digits) => {
  const known = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  const at = (p) => shown(known[Math.floor(p * (known.length - 1))], digits);
  return `${at(0)} ${at(0.5)} ${at(1)}`.padEnd(22);
};
console.log(
  '       fluid                 white                 grey                  range/σ               ghosts',
);
names.forEach((name, at) => {
  const of = (value, digits) =>
    spread(
      measured.map((exam) => value(exam[at])),
      digits,
    );
  console.log(
    name.padEnd(7) +
      of((m) => m.contrast?.fluidOverWhite, 2) +
      of((m) => m.contrast?.whiteBelowTop, 2) +
      of((m) => m.contrast?.greyAboveWhite, 2) +
      of((m) => m.signal?.rangeToNoise, 0) +
      of((m) => m.ghostShare, 4),
  );
});
console.log(
  '\nWhat each kind of sequence surely looks like (so also what is said of one given as another)',
);
print(['', ...names, 'unclear', 'unusual']);
for (const name of names)
  print([name, ...[...names, 'unclear', 'unusual'].map((kind) => looks[name][kind] ?? 0)]);
console.log('\nFindings, number of exams');
for (const [done, { exams, codes }] of tally) {
  const list = [...codes].map(([code, times]) => `${code} ${times}`).join(', ');
  console.log(`${done.padEnd(28)}${String(exams).padEnd(5)}${list}`);
}
console.log('\nVolume cut off, ml: true, found');
for (const { label, trueMl, foundMl } of cutErrors) {
  print([label, trueMl.toFixed(0), foundMl.toFixed(0)]);
}
