import { histogram, percentile } from '../volume/histogram.js';
import type { VoxelData } from '../volume/volume.js';

/** One tissue's share of the voxels and its normal distribution, in the image's intensities. */
export interface TissueIntensity {
  readonly weight: number;
  readonly mean: number;
  readonly standardDeviation: number;
}

/**
 * Tissues by intensity and what lies between them. Its classes in ascending order: the darkest
 * tissue (class 0), voxels that hold it and the next (1), the next tissue (2), and so on: even
 * classes are pure, and n tissues make 2 n - 1 classes.
 */
export interface TissueMixture {
  /** From dark to bright. */
  readonly tissues: readonly TissueIntensity[];
  /** Shares of the mixed classes. */
  readonly mixedWeights: readonly number[];
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
 * Fits tissues, the mixtures of neighbours in intensity (each fraction equally likely; Tohka et al.
 * 2004, doi 10.1016/j.neuroimage.2004.05.007) and a uniform share of outliers to the intensities in
 * a mask, by expectation maximisation on their histogram. The means and deviations are learnt from
 * the pure classes alone.
 * @returns the mixture, or null when the intensities do not show so many tissues.
 */
export function fitTissueMixture(
  data: VoxelData,
  mask: VoxelData,
  tissueCount: 2 | 3,
): TissueMixture | null {
  if (!mask.some((inside) => inside !== 0)) return null;
  const low = percentile(data, 0.1, mask);
  const high = percentile(data, 99.9, mask);
  if (!(high > low)) return null;
  const { counts, binWidth } = histogram(data, { bins, low, high }, mask);

  let mixture = splitHistogram(counts, tissueCount);
  for (let iteration = 0; iteration < iterations; iteration++) {
    const updated = maximised(counts, mixture);
    const change = Math.max(
      ...updated.tissues.map(({ weight }, k) => Math.abs(weight - mixture.tissues[k].weight)),
    );
    mixture = updated;
    if (!(change >= convergedChange)) break;
  }
  if (!areTissues(mixture.tissues)) return null;
  return {
    ...mixture,
    tissues: mixture.tissues.map(({ weight, mean, standardDeviation }) => ({
      weight,
      mean: low + (mean + 0.5) * binWidth,
      standardDeviation: standardDeviation * binWidth,
    })),
  };
}

/** One step of expectation maximisation; intensities are indices of bins. */
function maximised(counts: Uint32Array, mixture: TissueMixture): TissueMixture {
  const classCount = 2 * mixture.tissues.length - 1;
  const mass = new Float64Array(classCount + 1);
  const first = new Float64Array(classCount);
  const second = new Float64Array(classCount);
  const density = new Float64Array(classCount + 1);
  let total = 0;
  for (let bin = 0; bin < bins; bin++) {
    if (counts[bin] === 0) continue;
    density[classCount] = mixture.outlierWeight / bins;
    let sum = density[classCount];
    for (let k = 0; k < classCount; k++) {
      density[k] = classDensity(mixture, k, bin);
      sum += density[k];
    }
    for (let k = 0; k <= classCount; k++) {
      const share = (counts[bin] * density[k]) / sum;
      mass[k] += share;
      if (k === classCount) continue;
      first[k] += share * bin;
      second[k] += share * bin * bin;
    }
    total += counts[bin];
  }
  return {
    tissues: mixture.tissues.map((_, tissue) => {
      const k = 2 * tissue;
      const mean = first[k] / mass[k];
      const variance = second[k] / mass[k] - mean * mean;
      return {
        weight: mass[k] / total,
        mean,
        standardDeviation: Math.sqrt(Math.max(variance, 1)),
      };
    }),
    mixedWeights: mixture.mixedWeights.map((_, pair) => mass[2 * pair + 1] / total),
    outlierWeight: mass[classCount] / total,
  };
}

/** Density of an intensity in a class, times the share of the class. */
export function classDensity(
  { tissues, mixedWeights }: TissueMixture,
  classIndex: number,
  intensity: number,
): number {
  const below = classIndex >> 1;
  if (classIndex % 2 === 0) return tissues[below].weight * normalDensity(tissues[below], intensity);
  const [darker, brighter] = [tissues[below], tissues[below + 1]];
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
  return (mixedWeights[below] * sum) / fractions;
}

export function normalDensity(
  { mean, standardDeviation }: Omit<TissueIntensity, 'weight'>,
  value: number,
): number {
  const z = (value - mean) / standardDeviation;
  return Math.exp(-0.5 * z * z) / (standardDeviation * Math.sqrt(2 * Math.PI));
}

/** Otsu's (1979) thresholds: the split with the largest variance between the parts. */
function splitHistogram(counts: Uint32Array, parts: 2 | 3): TissueMixture {
  const mass = new Float64Array(bins + 1);
  const moment = new Float64Array(bins + 1);
  const square = new Float64Array(bins + 1);
  for (let bin = 0; bin < bins; bin++) {
    mass[bin + 1] = mass[bin] + counts[bin];
    moment[bin + 1] = moment[bin] + counts[bin] * bin;
    square[bin + 1] = square[bin] + counts[bin] * bin * bin;
  }
  const between = (from: number, to: number) =>
    (moment[to] - moment[from]) ** 2 / Math.max(mass[to] - mass[from], 1);
  const step = 4;
  let best = -1;
  let edges = [0, bins];
  for (let a = step; a < bins; a += step) {
    const secondCuts = parts === 3 ? (bins - a) / step - 1 : 1;
    for (let cut = 1; cut <= secondCuts; cut++) {
      // With two parts the third is empty.
      const b = parts === 3 ? a + cut * step : bins;
      const value = between(0, a) + between(a, b) + between(b, bins);
      if (value <= best) continue;
      best = value;
      edges = parts === 3 ? [0, a, b, bins] : [0, a, bins];
    }
  }
  const tissues = edges.slice(1).map((to, part) => {
    const from = edges[part];
    const m = Math.max(mass[to] - mass[from], 1);
    const mean = (moment[to] - moment[from]) / m;
    const variance = (square[to] - square[from]) / m - mean * mean;
    return {
      weight: (0.8 * m) / mass[bins],
      mean,
      standardDeviation: Math.sqrt(Math.max(variance, 1)),
    };
  });
  return { tissues, mixedWeights: tissues.slice(1).map(() => 0.1), outlierWeight: 0.01 };
}

/** Whether each has its share of the voxels and the means are apart. Bins. */
function areTissues(tissues: readonly TissueIntensity[]): boolean {
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
