import { DawsonError } from '../errors.js';
import { type Bounds, outlierBounds } from '../volume/outliers.js';
import { countNonZero } from '../volume/volume.js';

export const emptyBrain = () =>
  new DawsonError('segmentation-failed', {
    expected: 'a brain to look for lesions in',
    found: 'an empty brain mask',
  });

/**
 * The bounds of a sequence's intensities in the brain; see {@link outlierBounds}.
 * @param shown not 0 where the sequence shows the brain
 * @throws DawsonError `bad-intensities` for a sequence that has one intensity there, or shows nothing:
 *   a segmenter would answer to it with a plausible mask.
 */
export function brainBounds(image: Float32Array, shown: Uint8Array, label: string): Bounds {
  const isShown = countNonZero(shown) > 0;
  const bounds = isShown ? outlierBounds(image, shown) : { low: 0, high: 0 };
  if (bounds.high > bounds.low) return bounds;
  throw new DawsonError('bad-intensities', {
    expected: `a ${label} with different intensities in the brain`,
    found: isShown ? `the intensity ${bounds.low} nearly everywhere` : 'no voxel of it there',
  });
}
