import { percentile, spreadOf } from './histogram.js';
import { type Mask, onGrid, type Volume } from './volume.js';

/** In robust standard deviations from the median. In the brains of MRI nothing lies so far out. */
const outlying = 15;
/** Distance of the 1st from the 99th percentile of a normal variable, in standard deviations. */
const sdsFrom1To99 = 4.653;

/** The range in which values are taken as they are. */
export interface Bounds {
  readonly low: number;
  readonly high: number;
}

/**
 * Median plus and minus 15 robust standard deviations (1.4826 times the median absolute deviation;
 * where more than half of the values are one, from the 1st and the 99th percentile). Statistics of
 * values clamped to these bounds are winsorised: no voxel alone can change them. Values added to or
 * scaled by a constant have bounds changed alike.
 * @param mask of the values that count, where it is not 0
 * @returns bounds of no extent where 98 % of the values are one.
 * @throws RangeError as {@link percentile} does.
 */
export function outlierBounds(data: Float32Array, mask: Uint8Array): Bounds {
  const { middle, deviation } = spreadOf(data, mask);
  const robustSd =
    deviation || (percentile(data, 99, mask) - percentile(data, 1, mask)) / sdsFrom1To99;
  return { low: middle - outlying * robustSd, high: middle + outlying * robustSd };
}

export function clamp(value: number, { low, high }: Bounds): number {
  return Math.max(low, Math.min(high, value));
}

/** The image with its values in the mask clamped to their {@link outlierBounds}. */
export function winsorised(image: Volume<Float32Array>, mask: Mask): Volume<Float32Array> {
  const bounds = outlierBounds(image.data, mask.data);
  return onGrid(
    image,
    image.data.map((value, voxel) => (mask.data[voxel] ? clamp(value, bounds) : value)),
  );
}
