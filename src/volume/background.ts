import { type Bounds, clamp } from './outliers.js';
import { toFloat32, type Volume, type VoxelData } from './volume.js';

/** What an image's intensities mean, whatever their zero and their unit. */
export interface IntensityScale {
  /** The value that fills most of the image's border; of one that none fills, the darkest usual one. */
  readonly background: number;
  /** The darkest intensity: the background, but where images were normalised around it. */
  readonly darkest: number;
  /** From the darkest to the brightest usual intensity. */
  readonly usual: Bounds;
  /** No tissue is darker or brighter: what lies beyond is damage. */
  readonly bounds: Bounds;
}

/** So many voxels are ranked, at most: every n-th. */
const mostRanked = 2 ** 18;
/** Percentiles between which intensities are usual. */
const usualPercent = { low: 0.1, high: 99.9 } as const;
/** Share of the voxels, in percent, that undershoot beside the edge of an extracted brain, at most. */
const undershootPercent = 2;
/** Bounds lie so many usual ranges beyond it. Fat, eyes and vessels reach 3 in extracted brains. */
const outlyingRanges = 10;

/**
 * Finds the scale of an image's intensities by ranks, so that no voxel alone can change it. With
 * values added to the image or scaled by a positive constant it changes alike.
 */
export function intensityScale(volume: Volume): IntensityScale {
  const fill = fillOfBorder(volume);
  const ranked = sortedSample(volume.data, fill);
  const last = ranked.length - 1;
  // Never the very first or last: even of few voxels, one alone decides nothing.
  const rank = (percent: number) =>
    ranked[Math.max(Math.min(1, last), Math.min(last - 1, Math.floor((percent / 100) * last)))];
  if (ranked.length === 0) {
    const value = fill ?? Number.NaN;
    const one = { low: value, high: value };
    return { background: value, darkest: value, usual: one, bounds: one };
  }
  const usual = { low: rank(usualPercent.low), high: rank(usualPercent.high) };
  const background = fill ?? usual.low;
  // An image of two values, such as a mask, has no range but no outliers either.
  const reach = outlyingRanges * (usual.high - usual.low) || Number.POSITIVE_INFINITY;
  return {
    background,
    darkest: Math.min(background, rank(undershootPercent)),
    usual,
    bounds: { low: usual.low - reach, high: usual.high + reach },
  };
}

/** {@link IntensityScale.background} */
export function backgroundOf(volume: Volume): number {
  return intensityScale(volume).background;
}

/**
 * The image with 0 for its background, intensities above the darkest, and outliers set to the
 * bounds of what is usual: what the program computes with, since there 0 is no voxel. The same
 * object where an image is so already, as the scanner makes it.
 */
export function aboveBackground(
  volume: Volume,
  { background, darkest, bounds }: IntensityScale = intensityScale(volume),
): Volume<Float32Array> {
  const image = toFloat32(volume);
  if (background === 0 && darkest === 0 && !image.data.some((value) => isBeyond(value, bounds))) {
    return image;
  }
  return {
    ...image,
    data: image.data.map((value) => (value === background ? 0 : clamp(value, bounds) - darkest)),
  };
}

export function isBeyond(value: number, { low, high }: Bounds): boolean {
  return value < low || value > high;
}

/** The finite values, but for those of one value, in ascending order; of large images every n-th. */
function sortedSample(data: VoxelData, without?: number): Float32Array {
  // An odd step does not always meet the same columns.
  const step = Math.floor(data.length / mostRanked) | 1;
  const sample = new Float32Array(Math.ceil(data.length / step));
  let count = 0;
  for (let at = 0; at < data.length; at += step) {
    if (data[at] !== without && Number.isFinite(data[at])) sample[count++] = data[at];
  }
  return sample.subarray(0, count).sort();
}

/** The value of more than half of the outermost voxels, by majority vote (Boyer and Moore 1981). */
function fillOfBorder(volume: Volume): number | undefined {
  let [candidate, lead] = [Number.NaN, 0];
  forEachOutermost(volume, (value) => {
    if (lead === 0) candidate = value;
    lead += value === candidate ? 1 : -1;
  });
  let [same, all] = [0, 0];
  forEachOutermost(volume, (value) => {
    all++;
    if (value === candidate) same++;
  });
  return same > all / 2 ? candidate : undefined;
}

function forEachOutermost({ data, size }: Volume, visit: (value: number) => void): void {
  const [nx, ny, nz] = size;
  for (let k = 0, row = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++, row += nx) {
      const inner = k > 0 && k < nz - 1 && j > 0 && j < ny - 1;
      const step = inner && nx > 1 ? nx - 1 : 1;
      for (let i = 0; i < nx; i += step) visit(data[row + i]);
    }
  }
}
