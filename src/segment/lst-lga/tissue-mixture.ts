import { percentile } from '../../volume/histogram.js';
import type { VoxelData } from '../../volume/volume.js';

/** One tissue's weight against the others and its normal distribution, in the image's intensities. */
export interface TissueIntensity {
  readonly weight: number;
  readonly mean: number;
  readonly standardDeviation: number;
}

/**
 * Three tissues in ascending order of intensity and what lies between them, as five classes: the
 * dark tissue (0), voxels that hold it and the middle one (1), the middle tissue (2), voxels of
 * middle and bright (3), the bright tissue (4). Even classes are pure.
 */
export interface TissueMixture {
  readonly tissues: readonly [TissueIntensity, TissueIntensity, TissueIntensity];
  readonly mixedWeights: readonly [number, number];
  /** Weight of voxels that belong to no tissue: vessels, lesions, remains of the skull. */
  readonly outlierWeight: number;
}

export const classCount = 5;

/**
 * How likely the dark, middle and bright tissue are at each voxel before its intensity is known;
 * the same everywhere where nothing is known.
 */
export type RankedPriors = readonly [Float32Array, Float32Array, Float32Array];

const bins = 512;
const iterations = 200;
/** Voxels that the fit looks at, at most: every n-th of the mask. */
const sampleVoxels = 100_000;
/** The fit ends when no weight changes by more than this. */
const convergedChange = 1e-4;
/** A tissue with less has vanished. */
const leastWeight = 0.005;
/** Points of the sum over the unknown fraction of a mixed voxel. */
const fractions = 9;

/** Voxels of the sample: the bin of each one's intensity and its five class priors. */
interface Sample {
  readonly binOf: Uint16Array;
  readonly priors: Float32Array;
}

/**
 * Fits three tissues, the mixtures of neighbours in intensity (each fraction equally likely; Tohka
 * et al. 2004, doi 10.1016/j.neuroimage.2004.05.007) and a uniform share of outliers to the
 * intensities in a mask, by expectation maximisation with a prior for each voxel (Ashburner and
 * Friston 2005, doi 10.1016/j.neuroimage.2005.02.018, equations 3 to 9). Means and deviations are
 * learnt from the pure classes alone. The first means are those that the priors give; without
 * priors the histogram is split into three.
 * @param mixesBrightPair look for voxels mixed of the middle and the bright tissue; where the two
 *   are hardly apart, such voxels cannot be told from them
 * @returns the mixture, or null when a tissue vanishes from it; {@link areApart} tells more.
 */
export function fitTissueMixture(
  data: VoxelData,
  mask: VoxelData,
  priors?: RankedPriors,
  mixesBrightPair = true,
): TissueMixture | null {
  const voxels = sampleOf(mask);
  if (voxels.length === 0) return null;
  const low = percentile(data, 0.1, mask);
  const high = percentile(data, 99.9, mask);
  if (!(high > low)) return null;
  const binWidth = (high - low) / bins;
  const sample: Sample = {
    binOf: Uint16Array.from(voxels, (voxel) =>
      Math.min(bins - 1, Math.max(0, Math.floor((data[voxel] - low) / binWidth))),
    ),
    priors: classPriors(voxels, priors),
  };
  // While the tissues are still broad, voxels mixed of two would take the place of both.
  const pure = settled(sample, priors ? byPriors(sample) : byThreeParts(sample));
  const mixed = settled(sample, {
    ...pure,
    mixedWeights: [firstMixedWeight, mixesBrightPair ? firstMixedWeight : 0],
  });
  const mixture = [mixed, pure].find(hasAllTissues);
  if (!mixture) return null;
  return {
    ...mixture,
    tissues: mixture.tissues.map(({ weight, mean, standardDeviation }) => ({
      weight,
      mean: low + (mean + 0.5) * binWidth,
      standardDeviation: standardDeviation * binWidth,
    })) as unknown as TissueMixture['tissues'],
  };
}

function hasAllTissues({ tissues }: TissueMixture): boolean {
  return tissues.every(({ weight, mean }) => weight > leastWeight && Number.isFinite(mean));
}

/** Expectation maximisation until the weights stay. */
function settled(sample: Sample, start: TissueMixture): TissueMixture {
  let mixture = start;
  for (let iteration = 0; iteration < iterations; iteration++) {
    const updated = maximised(sample, mixture);
    const change = Math.max(
      ...updated.tissues.map(({ weight }, k) => Math.abs(weight - mixture.tissues[k].weight)),
    );
    mixture = updated;
    if (!(change >= convergedChange)) break;
  }
  return mixture;
}

/** Indices of every n-th voxel of a mask, so that there are no more than wanted. */
function sampleOf(mask: VoxelData): Int32Array {
  let count = 0;
  for (let voxel = 0; voxel < mask.length; voxel++) if (mask[voxel] !== 0) count++;
  const every = Math.max(1, Math.ceil(count / sampleVoxels));
  const voxels = new Int32Array(Math.ceil(count / every));
  let seen = 0;
  for (let voxel = 0; voxel < mask.length; voxel++) {
    if (mask[voxel] === 0) continue;
    if (seen % every === 0) voxels[seen / every] = voxel;
    seen++;
  }
  return voxels;
}

/** Prior of each class at a voxel: of a mixed one, the geometric mean of its tissues'. */
export function classPrior(priors: RankedPriors, voxel: number, classIndex: number): number {
  const below = priors[classIndex >> 1][voxel];
  return classIndex % 2 === 0 ? below : Math.sqrt(below * priors[(classIndex >> 1) + 1][voxel]);
}

function classPriors(voxels: Int32Array, priors?: RankedPriors): Float32Array {
  const result = new Float32Array(classCount * voxels.length).fill(1 / 3);
  if (!priors) return result;
  for (let n = 0; n < voxels.length; n++) {
    for (let k = 0; k < classCount; k++) {
      result[classCount * n + k] = classPrior(priors, voxels[n], k);
    }
  }
  return result;
}

/** One step of expectation maximisation; intensities are indices of bins. */
function maximised({ binOf, priors }: Sample, mixture: TissueMixture): TissueMixture {
  const weights = [...classWeights(mixture), mixture.outlierWeight];
  const densities = new Float64Array(bins * classCount);
  for (let bin = 0; bin < bins; bin++) {
    for (let k = 0; k < classCount; k++) {
      densities[bin * classCount + k] = classDensity(mixture.tissues, k, bin);
    }
  }
  const outlierPrior = 1 / 3;
  const outlierWeight = weights[classCount] * outlierPrior;
  const outlierShare = outlierWeight / bins;
  const mass = new Float64Array(classCount + 1);
  const expected = new Float64Array(classCount + 1);
  const first = new Float64Array(classCount);
  const second = new Float64Array(classCount);
  const share = new Float64Array(classCount);
  for (let n = 0; n < binOf.length; n++) {
    const bin = binOf[n];
    const row = classCount * n;
    let sum = 0;
    let normaliser = 0;
    for (let k = 0; k < classCount; k++) {
      const weight = weights[k] * priors[row + k];
      normaliser += weight;
      share[k] = weight * densities[bin * classCount + k];
      sum += share[k];
    }
    normaliser += outlierWeight;
    sum += outlierShare;
    if (sum === 0) continue;
    for (let k = 0; k < classCount; k++) {
      const responsibility = share[k] / sum;
      mass[k] += responsibility;
      expected[k] += priors[row + k] / normaliser;
      first[k] += responsibility * bin;
      second[k] += responsibility * bin * bin;
    }
    mass[classCount] += outlierShare / sum;
    expected[classCount] += outlierPrior / normaliser;
  }
  const updated = mass.map((m, k) => m / expected[k]);
  const total = updated.reduce((sum, weight) => sum + weight, 0);
  return {
    tissues: mixture.tissues.map((_, tissue) => {
      const k = 2 * tissue;
      return normal(updated[k] / total, mass[k], first[k], second[k]);
    }) as unknown as TissueMixture['tissues'],
    mixedWeights: [updated[1] / total, updated[3] / total],
    outlierWeight: updated[classCount] / total,
  };
}

function normal(weight: number, mass: number, first: number, second: number): TissueIntensity {
  const mean = first / mass;
  const variance = Math.max(second / mass - mean * mean, 1);
  return { weight, mean, standardDeviation: Math.sqrt(variance) };
}

/** Weights of the five classes in order. */
export const classWeights = ({ tissues, mixedWeights }: TissueMixture): number[] => [
  tissues[0].weight,
  mixedWeights[0],
  tissues[1].weight,
  mixedWeights[1],
  tissues[2].weight,
];

/** Weights before the fit: of each tissue, of outliers, and of mixed classes once they join. */
const firstTissueWeight = 0.32;
const firstOutlierWeight = 0.04;
const firstMixedWeight = 0.1;

function startingFrom(
  tissues: readonly (readonly [mass: number, first: number, second: number])[],
): TissueMixture {
  return {
    tissues: tissues.map((sums) =>
      normal(firstTissueWeight, ...sums),
    ) as unknown as TissueMixture['tissues'],
    mixedWeights: [0, 0],
    outlierWeight: firstOutlierWeight,
  };
}

/** The intensities where each tissue is expected. */
function byPriors({ binOf, priors }: Sample): TissueMixture {
  return startingFrom(
    [0, 2, 4].map((k) => {
      const sums: [number, number, number] = [0, 0, 0];
      for (let n = 0; n < binOf.length; n++) {
        const prior = priors[classCount * n + k];
        sums[0] += prior;
        sums[1] += prior * binOf[n];
        sums[2] += prior * binOf[n] * binOf[n];
      }
      return sums;
    }),
  );
}

/** Otsu's (1979) two thresholds: the split with the largest variance between the three parts. */
function byThreeParts({ binOf }: Sample): TissueMixture {
  const mass = new Float64Array(bins + 1);
  const moment = new Float64Array(bins + 1);
  const square = new Float64Array(bins + 1);
  for (const bin of binOf) {
    mass[bin + 1]++;
    moment[bin + 1] += bin;
    square[bin + 1] += bin * bin;
  }
  for (const sums of [mass, moment, square]) {
    for (let bin = 0; bin < bins; bin++) sums[bin + 1] += sums[bin];
  }
  const between = (from: number, to: number) =>
    (moment[to] - moment[from]) ** 2 / Math.max(mass[to] - mass[from], 1);
  const step = 4;
  let best = -1;
  let edges = [0, bins, bins, bins];
  for (let a = step; a < bins - step; a += step) {
    for (let b = a + step; b < bins; b += step) {
      const value = between(0, a) + between(a, b) + between(b, bins);
      if (value <= best) continue;
      best = value;
      edges = [0, a, b, bins];
    }
  }
  return startingFrom(
    [0, 1, 2].map((part) => {
      const [from, to] = [edges[part], edges[part + 1]];
      return [
        Math.max(mass[to] - mass[from], 1),
        moment[to] - moment[from],
        square[to] - square[from],
      ] as const;
    }),
  );
}

/** Density of an intensity in a class, 0 to 4. */
export function classDensity(
  tissues: TissueMixture['tissues'],
  classIndex: number,
  intensity: number,
): number {
  if (classIndex % 2 === 0) return normalDensity(tissues[classIndex >> 1], intensity);
  const darker = tissues[classIndex >> 1];
  const brighter = tissues[(classIndex >> 1) + 1];
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

/** Whether one tissue is brighter than another by more than half of their spread. */
export function areApart(darker: TissueIntensity, brighter: TissueIntensity): boolean {
  const spread = Math.max(darker.standardDeviation, brighter.standardDeviation);
  return brighter.mean - darker.mean > 0.5 * spread;
}
