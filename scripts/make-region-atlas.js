// Makes models/head-atlas/regions.nii.gz: the most frequent anatomy label of the heads at every
// place of the head atlas that scripts/make-head-atlas.js made, in voxels of 1 mm.
//
//   node scripts/make-region-atlas.js DATA CACHE
//
// DATA holds heads/ (label maps of whole heads), CACHE keeps them prepared. Every head is drawn with
// the contrast of a T1 image and registered affinely to the atlas. Takes about two minutes.
import { fileURLToPath } from 'node:url';
import { readNifti, writeNifti } from '../dist/formats/index.js';
import { register } from '../dist/preprocess/register.js';
import { atResolution } from '../dist/preprocess/register-resolution.js';
import { anatomyOfTissue } from '../dist/synthesize/anatomy-of-tissues.js';
import { listHeads, prepareHead } from '../dist/synthesize/prepare-heads.js';
import { tissues } from '../dist/synthesize/tissues.js';
import { multiply } from '../dist/volume/affine.js';
import { anatomyNames } from '../dist/volume/anatomy-labels.js';
import { resample } from '../dist/volume/resample.js';

const workingMm = 3;
const voxelMm = 1;
const marginVoxels = 3;

/** The box of a mask with a margin around it, in voxels of `voxelMm`. */
function gridAround({ data, size, affine }) {
  const low = [...size];
  const high = [0, 0, 0];
  for (let at = 0; at < data.length; at++) {
    if (data[at] < 128) continue;
    const row = Math.floor(at / size[0]);
    for (const [axis, index] of [
      at % size[0],
      row % size[1],
      Math.floor(row / size[1]),
    ].entries()) {
      low[axis] = Math.min(low[axis], index - marginVoxels);
      high[axis] = Math.max(high[axis], index + marginVoxels);
    }
  }
  const step = voxelMm / Math.hypot(affine[0], affine[4], affine[8]);
  const [x, y, z] = low;
  return {
    size: low.map((from, axis) => Math.round((high[axis] - from) / step) + 1),
    affine: multiply(affine, [step, 0, 0, x, 0, step, 0, y, 0, 0, step, z, 0, 0, 0, 1]),
  };
}

const [data, cache] = process.argv.slice(2);
if (!cache) {
  console.error('usage: node scripts/make-region-atlas.js DATA CACHE');
  process.exit(2);
}
const at = (name) => fileURLToPath(new URL(`../models/head-atlas/${name}.nii.gz`, import.meta.url));
const { volume: image } = await readNifti(at('image'));
const grid = gridAround((await readNifti(at('brain'))).volume);
const count = grid.size[0] * grid.size[1] * grid.size[2];
const votes = Array.from({ length: anatomyNames.size + 1 }, () => new Uint8Array(count));
for (const file of await listHeads(data)) {
  const head = (await prepareHead(file, cache)).tissues;
  const drawn = { ...head, data: Float32Array.from(head.data, (value) => tissues[value].t1) };
  const moving = atResolution(drawn, workingMm);
  const { fixedToMoving, after } = register(image, moving, { dof: 12, sameHead: false });
  console.error(`${file}: normalised mutual information ${after.normalised.toFixed(3)}`);
  const labels = resample(head, grid, { toMoving: fixedToMoving, interpolation: 'nearest' }).data;
  for (let voxel = 0; voxel < count; voxel++) votes[anatomyOfTissue[labels[voxel]]][voxel]++;
}
// Of equally frequent labels the lowest.
const regions = new Uint8Array(count);
for (let voxel = 0; voxel < count; voxel++) {
  for (let label = 1; label < votes.length; label++) {
    if (votes[label][voxel] > votes[regions[voxel]][voxel]) regions[voxel] = label;
  }
}
await writeNifti(at('regions'), { ...grid, data: regions });
