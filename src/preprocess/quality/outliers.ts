import { intensityScale, isBeyond } from '../../volume/background.js';
import type { Volume } from '../../volume/volume.js';

/** Voxels that lie far beyond all others; see `intensityScale`. */
export interface Outliers {
  readonly voxels: number;
  readonly darkest: number;
  readonly brightest: number;
  /** Share of the range from the darkest to the brightest voxel, 0 to 1, that the brain uses. */
  readonly brainShare: number;
}

/**
 * Looks for outliers; undefined where there is none.
 * @param brainRange between the darkest and the brightest intensities of the brain
 */
export function outliersOf(image: Volume, brainRange: number): Outliers | undefined {
  const { data } = image;
  const { bounds } = intensityScale(image);
  let [voxels, darkest, brightest] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let voxel = 0; voxel < data.length; voxel++) {
    const value = data[voxel];
    if (isBeyond(value, bounds)) voxels++;
    if (value < darkest) darkest = value;
    if (value > brightest) brightest = value;
  }
  if (voxels === 0) return undefined;
  return { voxels, darkest, brightest, brainShare: brainRange / (brightest - darkest) };
}
