import { DawsonError } from '../errors.js';
import type { VoxelData } from '../volume/volume.js';
import type { Scaling } from './stored-image.js';

/**
 * `slope * value + intercept`. A slope of 0 or one that is not a number means "no scaling" in
 * NIfTI; then, and where scaling changes nothing, the data are returned as they are. Single
 * precision where it holds the stored values, else double.
 * @throws DawsonError `file-corrupt` for an intercept that is not a number.
 */
export function rescale(data: VoxelData, { slope, intercept }: Scaling, file: string): VoxelData {
  if (!Number.isFinite(slope) || slope === 0) return data;
  if (!Number.isFinite(intercept)) {
    throw new DawsonError('file-corrupt', {
      file,
      expected: 'a finite intercept of the intensities',
      found: `${intercept}`,
    });
  }
  if (slope === 1 && intercept === 0) return data;
  const single = data.BYTES_PER_ELEMENT < 4 || data instanceof Float32Array;
  const scaled = single ? new Float32Array(data.length) : new Float64Array(data.length);
  for (let voxel = 0; voxel < data.length; voxel++) scaled[voxel] = slope * data[voxel] + intercept;
  return scaled;
}
