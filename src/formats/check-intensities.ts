import { DawsonError } from '../errors.js';
import type { Volume, VoxelData } from '../volume/volume.js';

/** The largest number that single precision has; what lies beyond becomes infinite in it. */
export const largestSingle = 2 ** 128 - 2 ** 104;

/** Values of an image without those that cannot be computed with. */
export interface FiniteData {
  /** A copy where something was replaced. */
  readonly data: VoxelData;
  readonly replacedVoxels: number;
  /** What was replaced, in sentences. */
  readonly notes: readonly string[];
}

/**
 * The values, without those that are infinite or not numbers: 0 takes their place, or the lowest value where
 * that is below 0. In an image normalised around 0 such voxels are what is around the brain, and 0 would be
 * the middle of it.
 * @param largest what is further from 0 is infinite in the precision in which the values will be used
 * @throws DawsonError `bad-intensities` when none is a finite number.
 */
export function withoutNonFinite(
  data: VoxelData,
  file: string,
  largest = Number.MAX_VALUE,
): FiniteData {
  // Integers are finite, up to 64 bits in single precision too.
  const isOfReals = data instanceof Float32Array || data instanceof Float64Array;
  if (!isOfReals) return { data, replacedVoxels: 0, notes: [] };
  // Of every voxel of every image: a comparison that the compiler can inline, and false for what is no number.
  const isUsable = (value: number) => value >= -largest && value <= largest;
  let replacedVoxels = 0;
  let stead = 0;
  for (let voxel = 0; voxel < data.length; voxel++) {
    const value = data[voxel];
    if (!isUsable(value)) replacedVoxels++;
    else if (value < stead) stead = value;
  }
  if (replacedVoxels === 0) return { data, replacedVoxels, notes: [] };
  if (replacedVoxels === data.length) throw unusable(file, 'no finite value');
  const values = data.slice();
  for (let voxel = 0; voxel < values.length; voxel++) {
    if (!isUsable(values[voxel])) values[voxel] = stead;
  }
  const note = `${replacedVoxels} of ${data.length} voxels were infinite or not numbers and are taken as ${stead}`;
  return { data: values, replacedVoxels, notes: [note] };
}

/**
 * Makes sure that an image of finite values has something to see.
 * @throws DawsonError `bad-intensities` when all values are the same.
 */
export function checkIntensities({ data }: Volume, file: string): void {
  if (data.every((value) => value === data[0])) throw unusable(file, `${data[0]} everywhere`);
}

const unusable = (file: string, found: string) =>
  new DawsonError('bad-intensities', { file, expected: 'voxels of different intensities', found });
