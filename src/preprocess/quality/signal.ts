import { voxelSizeMm } from '../../volume/affine.js';
import { intensityScale } from '../../volume/background.js';
import { percentile } from '../../volume/histogram.js';
import { strides, type Volume } from '../../volume/volume.js';
import { type BrainSamples, intensityRange, leastSamples, surelyOf } from './brain-samples.js';

/** How well the scanner measured the brain's intensities. */
export interface Signal {
  /**
   * Range of the brain's intensities in standard deviations of the noise: what there is of contrast
   * to see tissues by, whatever the intensities were scaled or shifted by.
   */
  readonly rangeToNoise: number;
  /** Share of the brain's voxels, 0 to 1, that have the largest value of the image but for outliers. */
  readonly clipped: number;
  /** Share of the brain's voxels, 0 to 1, below zero. */
  readonly negative: number;
}

/** Median of the absolute value of a normal variable with standard deviation 1. */
const medianOfNormal = 0.6745;

/** Measures the signal; undefined where too little white matter is shown. */
export function signalOf(sequence: Volume, samples: BrainSamples): Signal | undefined {
  const noise = noiseSd(sequence, samples);
  if (noise === undefined) return undefined;
  const [low, high] = intensityRange(samples);
  const { bounds } = intensityScale(sequence);
  let largest = Number.NEGATIVE_INFINITY;
  for (let voxel = 0; voxel < sequence.data.length; voxel++) {
    const value = sequence.data[voxel];
    if (value > largest && value <= bounds.high) largest = value;
  }
  const { values } = samples;
  let [clipped, negative] = [0, 0];
  for (let n = 0; n < values.length; n++) {
    if (values[n] === largest) clipped++;
    if (values[n] < 0) negative++;
  }
  return {
    rangeToNoise: (high - low) / noise,
    clipped: clipped / values.length,
    negative: negative / values.length,
  };
}

/**
 * Standard deviation of the noise: the median absolute second difference along the two finest axes
 * in white matter, where anatomy is smooth; second differences of white noise have 6 times its
 * variance. What a scanner or a program has interpolated looks less noisy than it was measured.
 */
function noiseSd(sequence: Volume, samples: BrainSamples): number | undefined {
  const { data, size, affine } = sequence;
  const sizesMm = voxelSizeMm(affine);
  const axes = [0, 1, 2].sort((a, b) => sizesMm[a] - sizesMm[b]).slice(0, 2);
  const steps = strides(size);
  const inWhite = surelyOf(samples, 'white');
  const differences: number[] = [];
  for (let n = 0; n < inWhite.length; n++) {
    if (inWhite[n] === 0) continue;
    const voxel = samples.voxels[n];
    for (const axis of axes) {
      const place = Math.floor(voxel / steps[axis]) % size[axis];
      if (place === 0 || place === size[axis] - 1) continue;
      const beside = data[voxel - steps[axis]] + data[voxel + steps[axis]];
      differences.push(Math.abs(beside - 2 * data[voxel]));
    }
  }
  if (differences.length < leastSamples) return undefined;
  const median = percentile(Float64Array.from(differences), 50);
  return Math.max(median / medianOfNormal / Math.sqrt(6), Number.MIN_VALUE);
}
