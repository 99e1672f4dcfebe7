import { translation } from '../preprocess/register-motion.js';
import { mapAxes, multiply } from '../volume/affine.js';
import { emptyLike, type Size, type Volume, type VoxelData } from '../volume/volume.js';

/**
 * The part of a volume that holds all values other than 0, with `margin` voxels around it where the
 * grid has them, at the same place in space. A volume of zeros gives its first voxel.
 */
export function cropToContent<T extends VoxelData>(volume: Volume<T>, margin = 0): Volume<T> {
  const { data, size, affine } = volume;
  const [nx, ny, nz] = size;
  const low = [nx, ny, nz];
  const high = [-1, -1, -1];
  for (let k = 0, at = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++) {
      for (let i = 0; i < nx; i++, at++) {
        if (data[at] === 0) continue;
        if (i < low[0]) low[0] = i;
        if (i > high[0]) high[0] = i;
        if (j < low[1]) low[1] = j;
        if (j > high[1]) high[1] = j;
        if (k < low[2]) low[2] = k;
        high[2] = k;
      }
    }
  }
  if (high[2] < 0) return cropped(volume, [0, 0, 0], [1, 1, 1]);
  const first = low.map((index) => Math.max(0, index - margin));
  const last = high.map((index, axis) => Math.min(size[axis] - 1, index + margin));
  return cropped(
    { data, size, affine },
    first as unknown as Size,
    mapAxes(last, (index, axis) => index - first[axis] + 1),
  );
}

function cropped<T extends VoxelData>(volume: Volume<T>, first: Size, size: Size): Volume<T> {
  const [nx, ny] = volume.size;
  const data = emptyLike(volume.data, size[0] * size[1] * size[2]);
  for (let k = 0, to = 0; k < size[2]; k++) {
    for (let j = 0; j < size[1]; j++, to += size[0]) {
      const from = first[0] + nx * (first[1] + j + ny * (first[2] + k));
      data.set(volume.data.subarray(from, from + size[0]), to);
    }
  }
  return { data, size, affine: multiply(volume.affine, translation(first)) };
}
