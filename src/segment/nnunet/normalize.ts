import type { ChannelPlan } from '../../model/nnunet-plans.js';

/** Keeps a constant image from being divided by 0; nnU-Net's value. */
const smallestDivisor = 1e-8;

/**
 * Normalises one channel in place, by nnU-Net v2's schemes. A scheme that uses a mask leaves what
 * lies outside as it is: 0, where the mask is the non-zero region.
 * @param inside 1 where the channel belongs to the non-zero region or is labelled
 */
export function normalizeInPlace(
  image: Float32Array,
  inside: Uint8Array,
  { scheme, useMask, intensities }: ChannelPlan,
): void {
  switch (scheme) {
    case 'ZScoreNormalization':
      standardizeInPlace(image, useMask ? inside : undefined);
      break;
    case 'CTNormalization': {
      const { percentile_00_5: low, percentile_99_5: high, mean, std } = intensities;
      for (let at = 0; at < image.length; at++)
        image[at] = Math.min(Math.max(image[at], low), high);
      scaleInPlace(image, mean, Math.max(std, smallestDivisor));
      break;
    }
    case 'RescaleTo01Normalization': {
      let low = Infinity;
      let high = -Infinity;
      for (let at = 0; at < image.length; at++) {
        if (image[at] < low) low = image[at];
        if (image[at] > high) high = image[at];
      }
      scaleInPlace(image, low, Math.max(high - low, smallestDivisor));
      break;
    }
    case 'RGBTo01Normalization':
      scaleInPlace(image, 0, 255);
      break;
    case 'NoNormalization':
      break;
  }
}

function scaleInPlace(image: Float32Array, shift: number, divisor: number): void {
  for (let at = 0; at < image.length; at++) image[at] = (image[at] - shift) / divisor;
}

/** Mean 0 and standard deviation 1, of the mask's voxels where there is one. */
function standardizeInPlace(image: Float32Array, mask?: Uint8Array): void {
  let count = 0;
  let sum = 0;
  for (let at = 0; at < image.length; at++) {
    if (mask && mask[at] === 0) continue;
    sum += image[at];
    count++;
  }
  if (count === 0) return;
  const mean = sum / count;
  let squares = 0;
  for (let at = 0; at < image.length; at++) {
    if (mask?.[at] !== 0) squares += (image[at] - mean) ** 2;
  }
  const divisor = Math.max(Math.sqrt(squares / count), smallestDivisor);
  for (let at = 0; at < image.length; at++) {
    if (mask?.[at] !== 0) image[at] = (image[at] - mean) / divisor;
  }
}
