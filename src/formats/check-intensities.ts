import { DawsonError } from '../errors.js';
import type { Volume, VoxelData } from '../volume/volume.js';

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
 * @param round to the precision in which they will be used: `Math.fround` makes 1e39 infinite
 * @throws DawsonError `bad-intensities` when none is a finite number.
 */
export function withoutNonFinite(
  data: VoxelData,
  file: string,
  round: (value: number) => number = (value) => value,
): FiniteData {
  const isUsable = (value: number) => Number.isFinite(round(value));
  let replacedVoxels = 0;
  let stead = 0;
  for (let voxel = 0; voxel < data.length; voxel++) {
    if (!isUsable(data[voxel])) replacedVoxels++;
    else if (data[voxel] < stead) stead = data[voxel];
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
