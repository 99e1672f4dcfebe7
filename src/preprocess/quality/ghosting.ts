import { voxelSizeMm } from '../../volume/affine.js';
import { type Size, strides, type Volume, voxelCount } from '../../volume/volume.js';
import { atResolution } from '../register-resolution.js';
import { headRegion } from '../register-samples.js';

/** Ghosts are wide: so coarse an image shows them. */
const resolutionMm = 4;
/** Voxels of air that are compared at least, beside the head along each of the two axes. */
const leastVoxels = 500;

/**
 * Copies of a head that moved, or whose fluid pulsed, lie beside it along the direction of phase
 * encoding. The ghosting ratio of phantom tests (American College of Radiology), without knowing
 * that direction: the mean of the air beside the head along one axis of the slices, less that along
 * the other.
 *
 * @returns in the image's intensities, 0 or more; undefined where there is too little air or it was
 *   set to one value.
 */
export function ghosting(sequence: Volume): number | undefined {
  const sizesMm = voxelSizeMm(sequence.affine);
  const acrossSlices = sizesMm.indexOf(Math.max(...sizesMm));
  const [first, second] = [0, 1, 2].filter((axis) => axis !== acrossSlices);
  const coarse = atResolution(sequence, resolutionMm);
  const head = headRegion(coarse).data;
  const lineOfHead = [first, second].map((axis) => linesThrough(head, coarse.size, axis));
  const air = [0, 1].map((side) => {
    const values: number[] = [];
    for (let voxel = 0; voxel < head.length; voxel++) {
      const beside = lineOfHead[side][voxel] === 1 && lineOfHead[1 - side][voxel] === 0;
      if (beside && head[voxel] === 0) values.push(coarse.data[voxel]);
    }
    return values;
  });
  const untouched = air.every((values) => values.some((value) => value !== values[0]));
  if (!untouched || air.some(({ length }) => length < leastVoxels)) return undefined;
  const [along, other] = air.map(
    (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
  );
  return Math.abs(along - other);
}

/** 1 on every line along the axis that meets the region. */
function linesThrough(region: Float32Array, size: Size, axis: number): Uint8Array {
  const step = strides(size)[axis];
  const length = size[axis];
  const lines = new Uint8Array(voxelCount(size));
  for (let start = 0; start < lines.length; start++) {
    if (Math.floor(start / step) % length !== 0) continue;
    let meets = 0;
    for (let n = 0; n < length; n++) if (region[start + n * step] !== 0) meets = 1;
    if (meets) for (let n = 0; n < length; n++) lines[start + n * step] = 1;
  }
  return lines;
}
