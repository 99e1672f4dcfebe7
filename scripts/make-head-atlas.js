// Makes models/head-atlas/ from label maps of whole heads: `node scripts/make-head-atlas.js FOLDER`.
// Every head is drawn with the contrast of a T1 image at 3 mm, registered affinely to the first
// head, then to the mean of all, and averaged. Takes about two minutes.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readNifti, writeNifti } from '../dist/formats/index.js';
import { register } from '../dist/preprocess/register.js';
import { multiply } from '../dist/volume/affine.js';
import { largestComponent } from '../dist/volume/components.js';
import { close, fillHoles } from '../dist/volume/morphology.js';
import { reorient } from '../dist/volume/reorient.js';
import { resample } from '../dist/volume/resample.js';

const blockVoxels = 3;
const rounds = 2;
const closeBrainMm = 9;

/** FreeSurfer's labels and those of SynthSeg outside the brain, with the brightness of a T1 image. */
const brainTissues = [
  [1, [2, 41, 25, 57, 85, 7, 46, 16, 28, 60]],
  [0.85, [13, 52]],
  [
    0.65,
    [3, 42, 8, 47, 10, 49, 11, 50, 26, 58, 12, 51, 17, 53, 18, 54, 136, 163, 137, 164, 30, 62],
  ],
  [0.15, [4, 43, 5, 44, 14, 15, 72]],
];
const otherTissues = [
  [0.15, [24, 516]],
  [0.08, [515]],
  [0.5, [507, 506, 508, 509, 530, 502, 512]],
  [0.6, [511]],
  [1.2, [514]],
];
const brightness = new Map(
  [...brainTissues, ...otherTissues].flatMap(([value, labels]) => labels.map((l) => [l, value])),
);
const brainLabels = new Set(brainTissues.flatMap(([, labels]) => labels));

/** Means over whole blocks of a function of the voxels, and their grid. */
function blockMeans({ data, size, affine }, meaning) {
  const blocks = size.map((n) => Math.floor(n / blockVoxels));
  const means = new Float32Array(blocks[0] * blocks[1] * blocks[2]);
  for (let k = 0; k < blocks[2] * blockVoxels; k++) {
    for (let j = 0; j < blocks[1] * blockVoxels; j++) {
      for (let i = 0; i < blocks[0] * blockVoxels; i++) {
        const [x, y, z] = [i, j, k].map((index) => Math.floor(index / blockVoxels));
        means[x + blocks[0] * (y + blocks[1] * z)] +=
          meaning(Math.round(data[i + size[0] * (j + size[1] * k)])) / blockVoxels ** 3;
      }
    }
  }
  const b = blockVoxels;
  const c = (b - 1) / 2;
  const toVoxel = [b, 0, 0, c, 0, b, 0, c, 0, 0, b, c, 0, 0, 0, 1];
  return { data: means, size: blocks, affine: multiply(affine, toVoxel) };
}

async function readHead(file) {
  const labels = reorient((await readNifti(file)).volume);
  const share = blockMeans(labels, (label) => (brainLabels.has(label) ? 1 : 0));
  const tissue = { ...share, data: Uint8Array.from(share.data, (value) => (value >= 0.5 ? 1 : 0)) };
  const brain = fillHoles(close(largestComponent(tissue, 6), closeBrainMm));
  return {
    image: blockMeans(labels, (label) => brightness.get(label) ?? 0),
    brain: { ...brain, data: Float32Array.from(brain.data) },
  };
}

const folder = process.argv[2];
if (!folder) {
  console.error('usage: node scripts/make-head-atlas.js FOLDER_OF_LABEL_MAPS');
  process.exit(2);
}
const heads = [];
for (const name of readdirSync(folder)
  .filter((file) => file.endsWith('.nii.gz'))
  .sort()) {
  heads.push(await readHead(join(folder, name)));
}
let { image } = heads[0];
let brain;
for (let round = 0; round < rounds; round++) {
  const sums = {
    image: new Float32Array(image.data.length),
    brain: new Float32Array(image.data.length),
  };
  for (const head of heads) {
    const { fixedToMoving, after } = register(image, head.image, { dof: 12, sameHead: false });
    console.error(
      `round ${round + 1}: normalised mutual information ${after.normalised.toFixed(3)}`,
    );
    for (const part of ['image', 'brain']) {
      const aligned = resample(head[part], image, { toMoving: fixedToMoving });
      for (let voxel = 0; voxel < aligned.data.length; voxel++) {
        sums[part][voxel] += aligned.data[voxel] / heads.length;
      }
    }
  }
  brain = { ...image, data: sums.brain };
  image = { ...image, data: sums.image };
}
const out = fileURLToPath(new URL('../models/head-atlas/', import.meta.url));
const asBytes = (volume, scale) => ({
  ...volume,
  data: Uint8Array.from(volume.data, (value) => Math.min(255, Math.round(value * scale))),
});
await writeNifti(join(out, 'image.nii.gz'), asBytes(image, 200));
await writeNifti(join(out, 'brain.nii.gz'), asBytes(brain, 255));
