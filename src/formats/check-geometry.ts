import { DawsonError } from '../errors.js';
import { determinant, type Mat4, voxelSizeMm } from '../volume/affine.js';
import { type Size, voxelCount } from '../volume/volume.js';

/** More than any scanner makes (645 voxels along each axis), and what two GiB hold as doubles. */
const mostVoxels = 2 ** 28;

/** Outside of these, voxels are no clinical image's: the unit or the scale in the header is wrong. */
const smallestVoxelMm = 0.1;
const largestVoxelMm = 20;

/** Further from the scanner's origin nothing is imaged. */
const farthestMm = 1e5;

/**
 * 600 mm along each axis, where scanners cover 500: with more, the unit or the scale is wrong, and what
 * samples the field of view in steps of millimetres would not end.
 */
const largestLitres = 216;

/** Voxel sizes pass through single precision. */
const roundingShare = 1e-4;

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

/**
 * @param size of the image in voxels
 * @param origin what the header says of the lengths, for messages
 * @throws DawsonError `bad-geometry` for an affine (voxel to RAS mm) that cannot be a scanner's.
 */
export function requireUsableAffine(affine: Mat4, size: Size, file: string, origin: string): void {
  const found = `the affine [${affine.slice(0, 12).join(' ')}]`;
  if (!affine.every(Number.isFinite)) {
    throw new DawsonError('bad-geometry', { file, expected: 'finite numbers', found });
  }
  if (Math.max(...[3, 7, 11].map((at) => Math.abs(affine[at]))) > farthestMm) {
    throw new DawsonError('bad-geometry', {
      file,
      expected: `a first voxel within ${farthestMm} mm of the origin`,
      found,
    });
  }
  const sizes = voxelSizeMm(affine);
  const [least, most] = [1 - roundingShare, 1 + roundingShare];
  if (!sizes.every((mm) => mm >= least * smallestVoxelMm && mm <= most * largestVoxelMm)) {
    const inWords = sizes.map((mm) => Number(mm.toPrecision(6))).join(' x ');
    throw new DawsonError('bad-geometry', {
      file,
      expected: `voxels of ${smallestVoxelMm} to ${largestVoxelMm} mm`,
      found: `an implausible ${inWords} mm (${origin}), ${found}`,
      advice: 'Correct the unit or the voxel size in the header, or convert the image again.',
    });
  }
  const edges = sizes.map((mm, axis) => mm * size[axis]);
  if ((edges[0] * edges[1] * edges[2]) / 1e6 > most * largestLitres) {
    throw new DawsonError('bad-geometry', {
      file,
      expected: `a field of view of at most ${largestLitres} litres`,
      found: `an implausible ${edges.map((mm) => Number(mm.toPrecision(6))).join(' x ')} mm (${origin})`,
      advice: 'Correct the unit or the voxel size in the header, or convert the image again.',
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
