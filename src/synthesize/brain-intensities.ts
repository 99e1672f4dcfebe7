import type { IntensityStatistics } from '../segment/lesions/lesion-network-input.js';
import type { Head } from './head.js';
import type { Patch, PatchSequence } from './patch.js';
import { tissues } from './tissues.js';

/** Share of each tissue, by number, in what lies inside the surface of a brain. */
export function tissueShares({ tissues: numbers, brainDistance }: Head): Float64Array {
  const shares = new Float64Array(tissues.length);
  let count = 0;
  for (let at = 0; at < numbers.data.length; at++) {
    if (brainDistance.data[at] >= 0) continue;
    shares[numbers.data[at]]++;
    count++;
  }
  return shares.map((voxels) => voxels / count);
}

/** Tissues with fewer voxels in a patch are taken at their nominal intensity. */
const enoughVoxels = 100;

/**
 * Mean and deviation of a sequence over the whole brain, from a patch of it: each tissue as the patch
 * shows it, with the share it has in the whole brain. A patch is normalised by them as an exam is by its
 * brain, so that neither the tissues nor the lesions that happen to be in the patch shift it.
 */
export function brainStatistics(
  shares: Float64Array,
  image: Float32Array,
  { tissues: numbers, brainDistance, truth, kept }: Omit<Patch, 'size' | 'images'>,
  { contrast: { means }, artefacts: { noiseSd, gamma, scale } }: PatchSequence,
): IntensityStatistics {
  const counts = new Float64Array(shares.length);
  const sums = new Float64Array(shares.length);
  const squares = new Float64Array(shares.length);
  for (let at = 0; at < image.length; at++) {
    if (brainDistance[at] >= 0 || truth[at] !== 0 || kept[at] === 0) continue;
    const number = numbers[at];
    counts[number]++;
    sums[number] += image[at];
    squares[number] += image[at] ** 2;
  }
  let mean = 0;
  let meanSquare = 0;
  for (let number = 0; number < shares.length; number++) {
    if (counts[number] >= enoughVoxels) {
      mean += (shares[number] * sums[number]) / counts[number];
      meanSquare += (shares[number] * squares[number]) / counts[number];
    } else {
      const nominal = scale * Math.hypot(Math.max(0, means[number]), noiseSd) ** gamma;
      mean += shares[number] * nominal;
      meanSquare += shares[number] * nominal ** 2;
    }
  }
  return { mean, sd: Math.sqrt(Math.max(0, meanSquare - mean ** 2)) };
}
