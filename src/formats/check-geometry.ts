import { DawsonError } from '../errors.js';
import { determinant, type Mat4, voxelSizeMm } from '../volume/affine.js';
import { type Size, voxelCount } from '../volume/volume.js';

/** More than any scanner makes (645 voxels along each axis), and what two GiB hold as doubles. */
const mostVoxels = 2 ** 28;

const smallestVoxelMm = 1e-3;
const largestVoxelMm = 1e3;

/** Below this share of the volume of a right-angled voxel, the axes lie in one plane. */
const leastSkewVolume = 1e-4;

/**
 * @throws DawsonError `file-corrupt` for lengths that are no positive integers, `unsupported-image`
 *   for more voxels than Dawson reads.
 */
export function requireUsableSize(size: Size, file: string): void {
  const found = `${size.join(' x ')} voxels`;
  if (!size.every((length) => Number.isInteger(length) && length > 0)) {
    throw new DawsonError('file-corrupt', { file, expected: 'a positive number of voxels', found });
  }
  if (!(voxelCount(size) <= mostVoxels)) {
    throw new DawsonError('unsupported-image', {
      file,
      expected: `at most ${mostVoxels} voxels`,
      found,
    });
  }
}

/** @throws DawsonError `bad-geometry` for an affine (voxel to RAS mm) that cannot be a scanner's. */
export function requireUsableAffine(affine: Mat4, file: string): void {
  const found = `the affine [${affine.slice(0, 12).join(' ')}]`;
  if (!affine.every(Number.isFinite)) {
    throw new DawsonError('bad-geometry', { file, expected: 'finite numbers', found });
  }
  const sizes = voxelSizeMm(affine);
  if (!sizes.every((mm) => mm >= smallestVoxelMm && mm <= largestVoxelMm)) {
    throw new DawsonError('bad-geometry', {
      file,
      expected: `voxels of ${smallestVoxelMm} to ${largestVoxelMm} mm`,
      found,
    });
  }
  const skewVolume = Math.abs(determinant(affine)) / (sizes[0] * sizes[1] * sizes[2]);
  if (!(skewVolume >= leastSkewVolume)) {
    throw new DawsonError('bad-geometry', {
      file,
      expected: 'three axes that span space',
      found,
    });
  }
}
