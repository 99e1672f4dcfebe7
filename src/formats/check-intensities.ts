import { DawsonError } from '../errors.js';
import type { Volume } from '../volume/volume.js';

/**
 * Makes sure that an image has something to see.
 * @returns the volume, with 0 where values were infinite or not numbers (then a copy), and what was
 *   replaced, in sentences.
 * @throws DawsonError `bad-intensities` when all values are the same or none is a finite number.
 */
export function checkIntensities(
  volume: Volume,
  file: string,
): { volume: Volume; notes: readonly string[] } {
  const { data } = volume;
  let [minimum, maximum, finite] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (let voxel = 0; voxel < data.length; voxel++) {
    const value = data[voxel];
    if (!Number.isFinite(value)) continue;
    finite++;
    if (value < minimum) minimum = value;
    if (value > maximum) maximum = value;
  }
  if (finite === 0 || minimum === maximum) {
    throw new DawsonError('bad-intensities', {
      file,
      expected: 'voxels of different intensities',
      found: finite === 0 ? 'no finite value' : `${minimum} everywhere`,
    });
  }
  const replaced = data.length - finite;
  if (replaced === 0) return { volume, notes: [] };
  const values = data.slice();
  for (let voxel = 0; voxel < values.length; voxel++) {
    if (!Number.isFinite(values[voxel])) values[voxel] = 0;
  }
  return {
    volume: { ...volume, data: values },
    notes: [`${replaced} of ${data.length} voxels were infinite or not numbers and are taken as 0`],
  };
}
