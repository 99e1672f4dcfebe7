import { type Mat4, multiply, voxelSizeMm } from '../volume/affine.js';
import { gaussianSmooth } from '../volume/gaussian.js';
import { gradientMagnitude } from '../volume/gradient.js';
import { percentile, spreadOf } from '../volume/histogram.js';
import { resample } from '../volume/resample.js';
import {
  countNonZero,
  type Grid,
  type Mask,
  onGrid,
  type Size,
  type Volume,
} from '../volume/volume.js';

/** An exam as the space halfway between two exams sees it. */
export interface ExamHalfway {
  /** NaN where the exam shows nothing. */
  readonly flair: Volume<Float32Array>;
  readonly brain: Mask;
  /** Affine of the FLAIR as it was taken. */
  readonly examAffine: Mat4;
  /** RAS mm of the space to RAS mm of the exam, rigid. */
  readonly toExam: Mat4;
}

/** Two FLAIRs of one head made alike but for what changed, on the grid of the halfway space. */
export interface MatchedFlairs {
  /** 1 where both show brain. */
  readonly both: Mask;
  /** Second less first in standard deviations of unchanged places of the kind; 0 outside `both`. */
  readonly difference: Volume<Float32Array>;
}

/** Why two FLAIRs cannot be compared. */
export type Mismatch = 'too-little-overlap' | 'contrast-not-matched';

/** So much of the smaller brain has to be shown by both exams. */
const leastSharedBrain = 0.5;
/** Correlation of both images over the brain: FLAIRs of one head have 0.6 to 0.95. */
const leastCorrelation = 0.4;

/** Extent of what counts as coil or shading rather than tissue. */
const shadingMm = 18;
/** Tissue that the shading is measured on lies within so many deviations of the middle. */
const shadingDeviations = 2.5;
/** Extent over which noise is taken to be alike, and by which factors it may differ from the mean. */
const noiseMm = 12;
const noiseFactors = { least: 0.7, most: 3 } as const;
/** A difference is never told below this share of the tissue's spread: exams may be the same file. */
const leastNoise = 0.05;
/** Every how many voxels the matching looks at, so that it takes a tenth of a second. */
const sampling = 5;
/** Percentiles between which one exam's values say what is expected in the other one. */
const intensityBins = [
  0, 1, 2, 4, 7, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 94, 97, 98.5,
  99.3, 100,
];
const edgeBins = [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 98, 100];

/**
 * Makes two FLAIRs alike but for what changed. Each is blurred by the voxels of the other, so that
 * slices of both thicknesses show an edge alike; slow shading is divided out, the same tissue being
 * looked at in both; what is expected of one exam's intensity is the median of the places where the
 * other exam is as bright, taken both ways, so that exchanging the exams changes the sign of the
 * difference and nothing else. The residuals are divided by their own robust deviation at edges as
 * steep (misregistration shows there) and in the neighbourhood (noise differs between the middle and
 * the coils).
 * @param lesions probability of lesion in either exam: how bright lesions are beside tissue differs
 *   between protocols, and those that both exams have tell it
 */
export function matchFlairs(
  first: ExamHalfway,
  second: ExamHalfway,
  lesions?: readonly [first: Float32Array, second: Float32Array],
): MatchedFlairs | Mismatch {
  const grid = first.flair;
  const both = sharedBrain(first, second);
  const smaller = Math.min(countNonZero(first.brain.data), countNonZero(second.brain.data));
  const shared = countNonZero(both.data);
  if (shared === 0 || shared < leastSharedBrain * smaller) return 'too-little-overlap';
  const images = [blurred(first, second), blurred(second, first)] as const;
  const tissue = sharedTissue(images, both);
  const [a, b] = images.map((image) => withoutShading(image, tissue, both));
  if (!a || !b || correlation(a, b, both.data) < leastCorrelation) return 'contrast-not-matched';
  const edge = gradientMagnitude(
    onGrid(
      grid,
      a.map((value, at) => (value + b[at]) / 2),
    ),
  );
  const likeness = lesions && lesionLikeness(lesions, both);
  const forth = inDeviations(residual(a, b, both.data, likeness), edge, both);
  const back = inDeviations(residual(b, a, both.data, likeness), edge, both);
  return {
    both,
    difference: onGrid(
      grid,
      forth.map((value, at) => (both.data[at] === 0 ? 0 : (value - back[at]) / 2)),
    ),
  };
}

function sharedBrain(first: ExamHalfway, second: ExamHalfway): Mask {
  const both = new Uint8Array(first.flair.data.length);
  for (let at = 0; at < both.length; at++) {
    const shown = !Number.isNaN(first.flair.data[at]) && !Number.isNaN(second.flair.data[at]);
    if (shown && first.brain.data[at] !== 0 && second.brain.data[at] !== 0) both[at] = 1;
  }
  return onGrid(first.flair, both);
}

/** Along an axis of the grid below this, mm, blur is not worth applying. */
const leastBlurMm = 0.3;

/** An exam's FLAIR with the voxels of another exam averaged over; what it does not show counts as 0. */
function blurred({ flair }: ExamHalfway, { examAffine, toExam }: ExamHalfway) {
  const lengths = voxelSizeMm(examAffine);
  const sigmas = [0, 1, 2].map((axis) => {
    // A voxel is a box: its variance along each of its axes, seen along this axis of the grid.
    const variance = lengths.reduce((sum, mm, k) => {
      const along = [0, 1, 2].reduce(
        (dot, row) => dot + (examAffine[4 * row + k] / mm) * toExam[4 * row + axis],
        0,
      );
      return sum + (mm ** 2 / 12) * along ** 2;
    }, 0);
    const sigma = Math.sqrt(variance);
    return sigma < leastBlurMm ? 0 : sigma;
  });
  const filled = flair.data.map((value) => (Number.isNaN(value) ? 0 : value));
  return gaussianSmooth(onGrid(flair, filled), [sigmas[0], sigmas[1], sigmas[2]]).data;
}

/** Where both exams have values near the middle of their brains': no fluid, no lesion. */
function sharedTissue(images: readonly Float32Array[], both: Mask): Uint8Array {
  const tissue = Uint8Array.from(both.data);
  for (const image of images) {
    const { middle, deviation } = spreadOf(image, both.data);
    for (let at = 0; at < tissue.length; at++) {
      if (Math.abs(image[at] - middle) > shadingDeviations * deviation) tissue[at] = 0;
    }
  }
  return tissue;
}

/** Undefined where the image has nothing to go by. */
function withoutShading(
  image: Float32Array,
  tissue: Uint8Array,
  both: Mask,
): Float32Array | undefined {
  if (countNonZero(tissue) === 0) return undefined;
  const shading = localMean(image, tissue, both, shadingMm);
  const flat = image.map((value, at) => (both.data[at] === 0 ? 1 : value / shading[at]));
  const { middle, deviation } = spreadOf(flat, tissue);
  if (!(deviation > 0)) return undefined;
  return flat.map((value) => Math.max(-20, Math.min(20, (value - middle) / deviation)));
}

const coarseVoxels = 4;

/** The mean of the values around each voxel, weighted by a Gaussian, where `where` is not 0. */
function localMean(values: Float32Array, where: Uint8Array, grid: Grid, sigmaMm: number) {
  const [nx, ny, nz] = grid.size;
  const size = grid.size.map((n) => Math.ceil(n / coarseVoxels)) as unknown as Size;
  const sums = new Float32Array(size[0] * size[1] * size[2]);
  const weights = new Float32Array(sums.length);
  for (let k = 0, at = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++) {
      const row = size[0] * (((j / coarseVoxels) | 0) + size[1] * ((k / coarseVoxels) | 0));
      for (let i = 0; i < nx; i++, at++) {
        if (where[at] === 0) continue;
        sums[row + ((i / coarseVoxels) | 0)] += values[at];
        weights[row + ((i / coarseVoxels) | 0)]++;
      }
    }
  }
  const shift = (coarseVoxels - 1) / 2;
  const [c, s] = [coarseVoxels, shift];
  const affine = multiply(grid.affine, [c, 0, 0, s, 0, c, 0, s, 0, 0, c, s, 0, 0, 0, 1]);
  const sum = gaussianSmooth({ data: sums, size, affine }, sigmaMm).data;
  const weight = gaussianSmooth({ data: weights, size, affine }, sigmaMm).data;
  const total = where.reduce((count, value) => count + value, 0);
  const mean = sums.reduce((all, value) => all + value, 0) / total;
  const data = sum.map((value, at) => (weight[at] > 1e-3 ? value / weight[at] : mean));
  return resample({ data, size, affine }, grid, { outside: mean }).data;
}

function correlation(a: Float32Array, b: Float32Array, where: Uint8Array): number {
  let [n, sa, sb, saa, sbb, sab] = [0, 0, 0, 0, 0, 0];
  for (let at = 0; at < a.length; at += sampling) {
    if (where[at] === 0) continue;
    // What is far out is fluid or bright artefact, and must not decide.
    const [x, y] = [Math.max(-6, Math.min(6, a[at])), Math.max(-6, Math.min(6, b[at]))];
    n++;
    sa += x;
    sb += y;
    saa += x * x;
    sbb += y * y;
    sab += x * y;
  }
  return (n * sab - sa * sb) / Math.sqrt((n * saa - sa * sa) * (n * sbb - sb * sb));
}

/** A curve through points with rising x, level beyond its ends. */
function interpolated(xs: readonly number[], ys: readonly number[], x: number): number {
  const last = xs.length - 1;
  if (x <= xs[0]) return ys[0];
  if (x >= xs[last]) return ys[last];
  let [low, high] = [0, last];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle] <= x) low = middle;
    else high = middle;
  }
  return ys[low] + ((ys[high] - ys[low]) * (x - xs[low])) / (xs[high] - xs[low]);
}

/** Points of a curve, by rising x. */
interface Curve {
  readonly xs: readonly number[];
  readonly ys: readonly number[];
}

/** Medians of x and of y in bins between percentiles of x; bins without a width are left out. */
function binnedMedians(
  x: Float32Array,
  y: Float32Array,
  where: Uint8Array,
  percents: readonly number[],
): Curve {
  const sample: number[] = [];
  for (let at = 0; at < x.length; at += sampling) if (where[at] !== 0) sample.push(at);
  const order = Float64Array.from(sample, (at) => x[at]).sort();
  const edges = percents.map((percent) => order[Math.round((percent / 100) * (order.length - 1))]);
  const bins = edges.slice(1).map(() => [[] as number[], [] as number[]]);
  for (const at of sample) {
    let bin = 0;
    while (bin < bins.length - 1 && x[at] >= edges[bin + 1]) bin++;
    bins[bin][0].push(x[at]);
    bins[bin][1].push(y[at]);
  }
  const xs: number[] = [];
  const ys: number[] = [];
  for (const [of, to] of bins) {
    if (of.length < 20) continue;
    const at = percentile(Float64Array.from(of), 50);
    if (xs.length > 0 && at <= xs[xs.length - 1]) continue;
    xs.push(at);
    ys.push(percentile(Float64Array.from(to), 50));
  }
  return { xs, ys };
}

/** Where both exams have this probability of lesion, both have the lesion. */
const surelyLesion = 0.5;
/** So many such voxels say how bright lesions are. */
const leastMarked = 60;
/** Beyond the last point of a curve it goes on as steeply as before, within these bounds. */
const slopes = { least: 0.3, most: 3 } as const;

interface LesionLikeness {
  /** The larger of both probabilities. */
  readonly either: Float32Array;
  /** 1 where both exams surely have a lesion. */
  readonly inBoth: Uint8Array;
}

function lesionLikeness(
  [first, second]: readonly [Float32Array, Float32Array],
  both: Mask,
): LesionLikeness | undefined {
  const either = new Float32Array(first.length);
  const inBoth = new Uint8Array(first.length);
  for (let at = 0; at < either.length; at++) {
    if (both.data[at] === 0) continue;
    either[at] = Math.max(0, Math.min(1, Math.max(first[at], second[at])));
    if (Math.min(first[at], second[at]) >= surelyLesion) inBoth[at] = 1;
  }
  return countNonZero(inBoth) < leastMarked ? undefined : { either, inBoth };
}

/**
 * What one exam has more than the other one lets expect: by the curve of tissue, and where a lesion is
 * probable, by that of tissue and lesions.
 */
function residual(
  from: Float32Array,
  to: Float32Array,
  where: Uint8Array,
  likeness: LesionLikeness | undefined,
): Float32Array {
  const ofTissue = binnedMedians(from, to, where, intensityBins);
  const ofLesions = likeness && withLesions(ofTissue, from, to, likeness.inBoth);
  return to.map((value, at) => {
    if (where[at] === 0) return 0;
    const share = likeness?.either[at] ?? 0;
    const expected = expectedAt(ofTissue, from[at]);
    if (!ofLesions || share === 0) return value - expected;
    return value - (1 - share) * expected - share * expectedAt(ofLesions, from[at]);
  });
}

/** The curve that goes from the middle of tissue through the middle of the lesions of both exams. */
function withLesions(
  { xs, ys }: Curve,
  from: Float32Array,
  to: Float32Array,
  inBoth: Uint8Array,
): Curve | undefined {
  const [x, y] = [percentile(from, 50, inBoth), percentile(to, 50, inBoth)];
  const kept = xs.filter((value) => value <= Math.min(0, x - 1)).length;
  if (kept < 2) return undefined;
  return { xs: [...xs.slice(0, kept), x], ys: [...ys.slice(0, kept), y] };
}

function expectedAt({ xs, ys }: Curve, x: number): number {
  const last = xs.length - 1;
  const value = interpolated(xs, ys, x);
  if (x < xs[0]) return value + x - xs[0];
  if (x <= xs[last]) return value;
  const steepness = (ys[last] - ys[last - 1]) / (xs[last] - xs[last - 1]);
  return value + Math.max(slopes.least, Math.min(slopes.most, steepness)) * (x - xs[last]);
}

function inDeviations(
  residuals: Float32Array,
  edge: Volume<Float32Array>,
  both: Mask,
): Float32Array {
  const away = residuals.map((value) => 1.4826 * Math.abs(value));
  const { xs, ys } = binnedMedians(edge.data, away, both.data, edgeBins);
  const scaled = residuals.map((value, at) =>
    both.data[at] === 0 ? 0 : value / Math.max(leastNoise, interpolated(xs, ys, edge.data[at])),
  );
  const limited = scaled.map((value) => Math.min(3, Math.abs(value)));
  const local = localMean(limited, both.data, both, noiseMm);
  const middle = percentile(local, 50, both.data) || 1;
  return scaled.map((value, at) => {
    const { least, most } = noiseFactors;
    return value / Math.max(least, Math.min(most, local[at] / middle));
  });
}
