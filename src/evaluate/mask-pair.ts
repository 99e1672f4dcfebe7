import {
  type Mat4,
  mapAxes,
  voxelSizeMm as sizeOfVoxels,
  type Vec3,
  voxelVolumeMm3,
} from '../volume/affine.js';
import { type Box, boxOfWhere } from '../volume/box.js';
import { countNonZero, type Mask, voxelCount } from '../volume/volume.js';

/**
 * A reference and a prediction on one grid, cut to the box around what either holds, with a margin
 * of one voxel where the image goes on: an edge of the box without margin is an edge of the image.
 */
export interface MaskPair {
  readonly reference: Mask;
  readonly prediction: Mask;
  /** Distances of voxel centres along the three voxel axes. */
  readonly voxelSizeMm: Vec3;
  readonly voxelVolumeMm3: number;
  readonly referenceVoxels: number;
  readonly predictionVoxels: number;
  /** Voxels of the whole image. */
  readonly imageVoxels: number;
}

/**
 * Pairs two masks of 0 and 1 on the same grid.
 *
 * @param voxelSizeMm as the file's header states it. Lesions are kept or dropped by whether they
 *   are larger than a whole number of mm3, so that a last bit lost on the way through the affine
 *   would matter: a header's single-precision 0.6 is a little more than 0.6, and five such voxels
 *   are more than 3 mm3.
 * @throws RangeError when the sizes differ.
 */
export function pairMasks(
  reference: Mask,
  prediction: Mask,
  voxelSizeMm: Vec3 = sizeOfVoxels(reference.affine),
): MaskPair {
  if (reference.size.some((n, axis) => n !== prediction.size[axis])) {
    throw new RangeError(`sizes ${reference.size.join('x')} and ${prediction.size.join('x')}`);
  }
  const box = boxOfBoth(reference, prediction);
  return {
    reference: cut(reference, box, voxelSizeMm),
    prediction: cut(prediction, box, voxelSizeMm),
    voxelSizeMm,
    voxelVolumeMm3: volumeOfVoxel(reference.affine, voxelSizeMm),
    referenceVoxels: countNonZero(reference.data),
    predictionVoxels: countNonZero(prediction.data),
    imageVoxels: voxelCount(reference.size),
  };
}

/** The product of the edges, but for axes off right angles, which enclose less. */
function volumeOfVoxel(affine: Mat4, [dx, dy, dz]: Vec3): number {
  const [x, y, z] = sizeOfVoxels(affine);
  const share = voxelVolumeMm3(affine) / (x * y * z);
  return dx * dy * dz * (share < 1 - 1e-4 ? share : 1);
}

/** The pair with its parts exchanged. */
export function swapped(pair: MaskPair): MaskPair {
  return {
    ...pair,
    reference: pair.prediction,
    prediction: pair.reference,
    referenceVoxels: pair.predictionVoxels,
    predictionVoxels: pair.referenceVoxels,
  };
}

/** The box of both masks with a voxel around it, where the grid has one; a voxel where they are empty. */
function boxOfBoth(reference: Mask, prediction: Mask): Box {
  const isInside = (at: number) => reference.data[at] !== 0 || prediction.data[at] !== 0;
  const box = boxOfWhere(reference.size, isInside);
  if (!box) return { first: [0, 0, 0], size: [1, 1, 1] };
  const first = mapAxes(box.first, (index) => Math.max(0, index - 1));
  const size = mapAxes(
    box.size,
    (n, axis) => Math.min(reference.size[axis], box.first[axis] + n + 1) - first[axis],
  );
  return { first, size };
}

/** The box of a mask, in a frame of its own whose axes are the voxel axes in mm. */
function cut(mask: Mask, { first, size }: Box, [dx, dy, dz]: Vec3): Mask {
  const [nx, ny] = mask.size;
  const data = new Uint8Array(voxelCount(size));
  for (let k = 0, to = 0; k < size[2]; k++) {
    for (let j = 0; j < size[1]; j++, to += size[0]) {
      const from = first[0] + nx * (first[1] + j + ny * (first[2] + k));
      data.set(mask.data.subarray(from, from + size[0]), to);
    }
  }
  return { data, size, affine: [dx, 0, 0, 0, 0, dy, 0, 0, 0, 0, dz, 0, 0, 0, 0, 1] };
}
