// Brain extraction, by the anatomy network and by classical methods, against brain masks.
//
//   npm run bench -- brain-extraction [--data FOLDER] [--out FOLDER]
//
// FOLDER of the data holds exams/; the default is the development data beside the repository. The
// masks of tcga-fg-6692 lie on the grids of its images; those of open-ms lie on a grid common to
// both visits and are brought to the FLAIR by the publisher's transforms, and on to T1 and T2.
// With --out, what the network found is written there. Seconds of the network are wall-clock time on
// all threads, those of the classical method are of CPU time; both include laying the atlas. Then one
// head in 48 orientations, by the network alone, against the brain found in the first of them.
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { definitions } from '../dist/evaluate/definitions.js';
import { evaluatePair } from '../dist/evaluate/evaluate-pair.js';
import { pairMasks } from '../dist/evaluate/mask-pair.js';
import { readTransform, readVolume, writeNifti } from '../dist/formats/index.js';
import { openAnatomyNetwork } from '../dist/preprocess/anatomy-network.js';
import { extractBrain } from '../dist/preprocess/extract-brain.js';
import { findHead } from '../dist/preprocess/find-head.js';
import { readHeadAtlas } from '../dist/preprocess/head-atlas.js';
import { invert, multiply } from '../dist/volume/affine.js';
import { reorient } from '../dist/volume/reorient.js';
import { resample } from '../dist/volume/resample.js';
import { WorkerPool } from '../dist/workers.js';

const besideRepository = fileURLToPath(new URL('../../shared/data', import.meta.url));
const { values: flags } = parseArgs({
  options: { data: { type: 'string', default: besideRepository }, out: { type: 'string' } },
});
const exams = (...path) => join(flags.data, 'exams', ...path);
const read = async (file) => (await readVolume(file)).volume;

async function* cases() {
  for (const name of ['flair', 't2', 't1', 't1c']) {
    yield {
      label: `tcga-fg-6692 ${name}`,
      image: await read(exams('tcga-fg-6692', `${name}.nii.gz`)),
      truth: await read(exams('tcga-fg-6692', `${name}-brain-hdbet.nii.gz`)),
    };
  }
  for (const [person, visit] of [
    ['open-ms-01', 'study1'],
    ['open-ms-01', 'study2'],
    ['open-ms-03', 'study2'],
    ['open-ms-04', 'study1'],
  ]) {
    const common = await read(exams(person, 'brain.nii.gz'));
    const flairToCommon = invert(await readTransform(exams(person, visit, 'flair-to-common.txt')));
    for (const name of ['flair', 't2', 't1']) {
      const image = await read(exams(person, visit, `${name}.nii.gz`));
      const toFlair =
        name === 'flair'
          ? flairToCommon
          : multiply(
              flairToCommon,
              invert(await readTransform(exams(person, visit, `${name}-to-flair.txt`))),
            );
      const truth = resample(common, image, { toMoving: toFlair, interpolation: 'nearest' });
      yield { label: `${person} ${visit} ${name}`, image, truth };
    }
  }
}

const binary = (volume) => ({ ...volume, data: volume.data.map((value) => (value > 0 ? 1 : 0)) });
const atlas = await readHeadAtlas();
if (flags.out) mkdirSync(flags.out, { recursive: true });
const pool = new WorkerPool(1);
const network = await openAnatomyNetwork({ device: 'cpu', threads: 2 });
console.log(`${'image, method'.padEnd(38)}    Dice  hd95 mm  volume ratio  seconds`);
for await (const { label, image, truth } of cases()) {
  const begun = performance.now();
  const { brain, anatomy } = await findHead(image, false, { pool }, network);
  const wall = (performance.now() - begun) / 1000;
  const start = process.cpuUsage();
  const classical = extractBrain(image, atlas);
  const { user, system } = process.cpuUsage(start);
  const row = (method, found, seconds) => {
    const { dsc, surface, volumes } = evaluatePair(
      pairMasks(binary(truth), found),
      definitions.anima,
    );
    const cells = [
      dsc.toFixed(3).padStart(8),
      (surface?.hd95Mm?.toFixed(1) ?? '-').padStart(8),
      (volumes.predictionMl / volumes.referenceMl).toFixed(2).padStart(13),
      seconds.toFixed(1).padStart(8),
    ];
    console.log(`${label}, ${method}`.padEnd(38) + cells.join(' '));
  };
  row('network', brain, wall);
  row('classical', classical, (user + system) / 1e6);
  if (flags.out) {
    const file = (name) => join(flags.out, `${label.replaceAll(' ', '-')}-${name}.nii.gz`);
    await writeNifti(file('brain'), brain);
    await writeNifti(file('anatomy'), anatomy);
  }
}
const files = readdirSync(join(flags.data, 'orientations')).sort();
let first;
let [least, without] = [1, 0];
for (const file of files) {
  const image = await read(join(flags.data, 'orientations', file));
  const { brain, anatomy } = await findHead(image, false, { pool }, network);
  if (!anatomy) without++;
  const turned = reorient(brain, 'RAS');
  first ??= turned;
  const same = turned.data.reduce((n, value, at) => n + (value === first.data[at] ? 1 : 0), 0);
  least = Math.min(least, same / first.data.length);
}
console.log(
  `${files.length} orientations: the network failed in ${without}; at least ` +
    `${(100 * least).toFixed(2)} % of the voxels are those of ${files[0]} ` +
    `(${first.data.reduce((sum, value) => sum + value, 0)} of the brain)`,
);
await pool.close();
