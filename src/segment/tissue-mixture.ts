import { histogram, percentile } from '../volume/histogram.js';
import type { VoxelData } from '../volume/volume.js';

/** One tissue's share of the voxels and its normal distribution, in the image's intensities. */
export interface TissueIntensity {
  readonly weight: number;
  readonly mean: number;
  readonly standardDeviation: number;
}

/**
 * Five classes in ascending order of intensity: the dark tissue, voxels of dark and middle, the
 * middle tissue, voxels of middle and bright, the bright tissue. Even classes are pure.
 */
export const classCount = 5;

export interface TissueMixture {
  /** Dark, middle and bright tissue. */
  readonly tissues: readonly [TissueIntensity, TissueIntensity, TissueIntensity];
  /** Shares of the two mixed classes. */
  readonly mixedWeights: readonly [number, number];
  /** Share of the voxels that belong to no tissue: vessels, lesions, remains of the skull. */
  readonly outlierWeight: number;
}

const bins = 512;
const iterations = 300;
/** The fit ends when no weight changes by more than this. */
const convergedChange = 1e-5;
/** Points of the sum over the unknown fraction of a mixed voxel. */
const fractions = 9;

/**
 * Fits three tissues, the mixtures of neighbours in intensity (each fraction equally likely; Tohka
 * et al. 2004, doi 10.1016/j.neuroimage.2004.05.007) and a uniform share of outliers to the
 * intensities in a mask, by expectation maximisation on their histogram. The means and deviations
 * are learnt from the pure classes alone.
 * @returns the mixture, or null when the intensities do not show three tissues.
 */
export function fitTissueMixture(data: VoxelData, mask: VoxelData): TissueMixture | null {
  const low = percentile(data, 0.1, mask);
  const high = percentile(data, 99.9, mask);
  if (!(high > low)) return null;
  const { counts, binWidth } = histogram(data, { bins, low, high }, mask);
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;

  // All in units of bins until the end.
  let tissues = splitInThree(counts);
  let mixedWeights: [number, number] = [0.1, 0.1];
  let outlierWeight = 0.01;
  for (let iteration = 0; iteration < iterations; iteration++) {
    const mass = new Float64Array(classCount + 1);
    const first = new Float64Array(classCount);
    const second = new Float64Array(classCount);
    const density = new Float64Array(classCount + 1);
    for (let bin = 0; bin < bins; bin++) {
      if (counts[bin] === 0) continue;
      let sum = 0;
      for (let k = 0; k < classCount; k++) {
        const weight = k % 2 === 0 ? tissues[k / 2].weight : mixedWeights[(k - 1) / 2];
        density[k] = weight * classDensity(tissues, k, bin);
        sum += density[k];
      }
      density[classCount] = outlierWeight / bins;
      sum += density[classCount];
      for (let k = 0; k <= classCount; k++) {
        const share = (counts[bin] * density[k]) / sum;
        mass[k] += share;
        if (k === classCount) continue;
        first[k] += share * bin;
        second[k] += share * bin * bin;
      }
    }
    const updated = tissues.map((_, tissue) => {
      const k = 2 * tissue;
      const mean = first[k] / mass[k];
      const variance = second[k] / mass[k] - mean * mean;
      return {
        weight: mass[k] / total,
        mean,
        standardDeviation: Math.sqrt(Math.max(variance, 1)),
      };
    }) as unknown as TissueMixture['tissues'];
    const change = Math.max(
      ...updated.map(({ weight }, k) => Math.abs(weight - tissues[k].weight)),
    );
    tissues = updated;
    mixedWeights = [mass[1] / total, mass[3] / total];
    outlierWeight = mass[classCount] / total;
    if (change < convergedChange) break;
  }
  if (!areThreeTissues(tissues)) return null;
  return {
    tissues: tissues.map(({ weight, mean, standardDeviation }) => ({
      weight,
      mean: low + (mean + 0.5) * binWidth,
      standardDeviation: standardDeviation * binWidth,
    })) as unknown as TissueMixture['tissues'],
    mixedWeights,
    outlierWeight,
  };
}

/** Density of an intensity in a class, 0 to 4. */
export function classDensity(
  tissues: TissueMixture['tissues'],
  classIndex: number,
  intensity: number,
): number {
  if (classIndex % 2 === 0) return normalDensity(tissues[classIndex / 2], intensity);
  const darker = tissues[(classIndex - 1) / 2];
  const brighter = tissues[(classIndex + 1) / 2];
  let sum = 0;
  for (let point = 1; point <= fractions; point++) {
    const fraction = point / (fractions + 1);
    const mean = (1 - fraction) * darker.mean + fraction * brighter.mean;
    const standardDeviation = Math.hypot(
      (1 - fraction) * darker.standardDeviation,
      fraction * brighter.standardDeviation,
    );
    sum += normalDensity({ mean, standardDeviation }, intensity);
  }
  return sum / fractions;
}

export function normalDensity(
  { mean, standardDeviation }: Omit<TissueIntensity, 'weight'>,
  value: number,
): number {
  const z = (value - mean) / standardDeviation;
  return Math.exp(-0.5 * z * z) / (standardDeviation * Math.sqrt(2 * Math.PI));
}

/** Otsu's (1979) two thresholds: the split with the largest variance between the three parts. */
function splitInThree(counts: Uint32Array): TissueMixture['tissues'] {
  const mass = new Float64Array(bins + 1);
  const moment = new Float64Array(bins + 1);
  const square = new Float64Array(bins + 1);
  for (let bin = 0; bin < bins; bin++) {
    mass[bin + 1] = mass[bin] + counts[bin];
    moment[bin + 1] = moment[bin] + counts[bin] * bin;
    square[bin + 1] = square[bin] + counts[bin] * bin * bin;
  }
  const between = (from: number, to: number) => {
    const m = mass[to] - mass[from];
    return m === 0 ? 0 : (moment[to] - moment[from]) ** 2 / m;
  };
  let best = -1;
  let cuts = [0, 0];
  const step = 4;
  for (let a = step; a < bins - step; a += step) {
    for (let b = a + step; b < bins; b += step) {
      const value = between(0, a) + between(a, b) + between(b, bins);
      if (value > best) {
        best = value;
        cuts = [a, b];
      }
    }
  }
  const edges = [0, ...cuts, bins];
  return [0, 1, 2].map((part) => {
    const [from, to] = [edges[part], edges[part + 1]];
    const m = Math.max(mass[to] - mass[from], 1);
    const mean = (moment[to] - moment[from]) / m;
    const variance = (square[to] - square[from]) / m - mean * mean;
    return {
      weight: (0.8 * m) / mass[bins],
      mean,
      standardDeviation: Math.sqrt(Math.max(variance, 1)),
    };
  }) as unknown as TissueMixture['tissues'];
}

/** Whether each has its share of the voxels and the means are apart. Bins. */
function areThreeTissues(tissues: TissueMixture['tissues']): boolean {
  return tissues.every(({ weight, mean, standardDeviation }, k) => {
    const darker = k === 0 ? null : tissues[k - 1];
    return (
      weight > 0.005 &&
      Number.isFinite(mean) &&
      (darker === null ||
        mean - darker.mean > 0.5 * Math.max(standardDeviation, darker.standardDeviation))
    );
  });
}
