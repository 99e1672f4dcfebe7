// The classical brain extraction against brain masks.
//
//   npm run bench -- brain-extraction [--data FOLDER] [--out FOLDER]
//
// FOLDER of the data holds exams/; the default is the development data beside the repository. The
// masks of tcga-fg-6692 lie on the grids of its images; those of open-ms lie on a grid common to
// both visits and are brought to the FLAIR by the publisher's transforms, and on to T1 and T2.
// With --out, the masks found are written there. Seconds are of CPU time.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { definitions } from '../dist/evaluate/definitions.js';
import { evaluatePair } from '../dist/evaluate/evaluate-pair.js';
import { pairMasks } from '../dist/evaluate/mask-pair.js';
import { readTransform, readVolume, writeNifti } from '../dist/formats/index.js';
import { extractBrain } from '../dist/preprocess/extract-brain.js';
import { readHeadAtlas } from '../dist/preprocess/head-atlas.js';
import { invert, multiply } from '../dist/volume/affine.js';
import { resample } from '../dist/volume/resample.js';

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
console.log(`${'image'.padEnd(26)}    Dice  hd95 mm  volume ratio  seconds`);
for await (const { label, image, truth } of cases()) {
  const start = process.cpuUsage();
  const brain = extractBrain(image, atlas);
  const { user, system } = process.cpuUsage(start);
  const { dsc, surface, volumes } = evaluatePair(
    pairMasks(binary(truth), brain),
    definitions.anima,
  );
  const row = [
    dsc.toFixed(3).padStart(8),
    (surface?.hd95Mm?.toFixed(1) ?? '-').padStart(8),
    (volumes.predictionMl / volumes.referenceMl).toFixed(2).padStart(13),
    ((user + system) / 1e6).toFixed(1).padStart(8),
  ];
  console.log(label.padEnd(26) + row.join(' '));
  if (flags.out) await writeNifti(join(flags.out, `${label.replaceAll(' ', '-')}.nii.gz`), brain);
}
