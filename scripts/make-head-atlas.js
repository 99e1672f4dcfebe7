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
const tissues = {
  wm: { brightness: 1, labels: [2, 41, 25, 57, 85, 7, 46, 16] },
  mixed: { brightness: 0.9, labels: [28, 60, 13, 52] },
  gm: {
    brightness: 0.65,
    labels: [
      3, 42, 8, 47, 10, 49, 11, 50, 26, 58, 12, 51, 17, 53, 18, 54, 136, 163, 137, 164, 30, 62,
    ],
  },
  ventricles: { brightness: 0.15, labels: [4, 43, 5, 44, 14, 15, 72] },
  fluid: { brightness: 0.15, labels: [24, 516] },
  bone: { brightness: 0.08, labels: [515] },
  muscle: { brightness: 0.5, labels: [507, 506, 508, 509, 530, 502, 512] },
  skin: { brightness: 0.6, labels: [511] },
  fat: { brightness: 1.2, labels: [514] },
};
const brightness = new Map(
  Object.values(tissues).flatMap((tissue) => tissue.labels.map((l) => [l, tissue.brightness])),
);
const shareOf = (...names) => {
  const labels = new Set(names.flatMap((name) => tissues[name].labels));
  return (label) => (labels.has(label) ? 1 : 0);
};

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
  const share = blockMeans(labels, shareOf('wm', 'mixed', 'gm', 'ventricles'));
  const solid = { ...share, data: Uint8Array.from(share.data, (value) => (value >= 0.5 ? 1 : 0)) };
  const brain = fillHoles(close(largestComponent(solid, 6), closeBrainMm));
  const gm = blockMeans(labels, shareOf('gm'));
  const wm = blockMeans(labels, shareOf('wm'));
  // Ventral diencephalon and pallidum look like something between the two.
  const mixed = blockMeans(labels, shareOf('mixed')).data;
  for (let voxel = 0; voxel < mixed.length; voxel++) {
    gm.data[voxel] += mixed[voxel] / 2;
    wm.data[voxel] += mixed[voxel] / 2;
  }
  const image = blockMeans(labels, (label) => brightness.get(label) ?? 0);
  return { image, brain: { ...brain, data: Float32Array.from(brain.data) }, gm, wm };
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
const parts = Object.keys(heads[0]);
let atlas = heads[0];
for (let round = 0; round < rounds; round++) {
  const grid = atlas.image;
  const sums = parts.map(() => new Float32Array(grid.data.length));
  for (const head of heads) {
    const { fixedToMoving, after } = register(grid, head.image, { dof: 12, sameHead: false });
    console.error(
      `round ${round + 1}: normalised mutual information ${after.normalised.toFixed(3)}`,
    );
    for (const [part, sum] of sums.entries()) {
      const aligned = resample(head[parts[part]], grid, { toMoving: fixedToMoving });
      for (let voxel = 0; voxel < sum.length; voxel++) {
        sum[voxel] += aligned.data[voxel] / heads.length;
      }
    }
  }
  atlas = Object.fromEntries(parts.map((name, part) => [name, { ...grid, data: sums[part] }]));
}
const out = fileURLToPath(new URL('../models/head-atlas/', import.meta.url));
for (const name of parts) {
  const scale = name === 'image' ? 200 : 255;
  const data = Uint8Array.from(atlas[name].data, (v) => Math.min(255, Math.round(v * scale)));
  await writeNifti(join(out, `${name}.nii.gz`), { ...atlas[name], data });
}
