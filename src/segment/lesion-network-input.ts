/**
 * Intensities as the lesion network takes them: of each sequence, in standard deviations of the whole
 * brain from its mean, no further than {@link largestDeviation}, and 0 outside the brain.
 */
export const largestDeviation = 6;

export interface IntensityStatistics {
  readonly mean: number;
  readonly sd: number;
}

/** @param inside not 0 where the images show the brain @returns a new array */
export function normalizedIntensities(
  image: Float32Array,
  inside: Uint8Array,
  { mean, sd }: IntensityStatistics,
): Float32Array {
  const scale = 1 / Math.max(sd, 1e-6 * Math.abs(mean) + 1e-12);
  const result = new Float32Array(image.length);
  for (let at = 0; at < image.length; at++) {
    if (inside[at] === 0) continue;
    const deviation = (image[at] - mean) * scale;
    result[at] = Math.max(-largestDeviation, Math.min(largestDeviation, deviation));
  }
  return result;
}
