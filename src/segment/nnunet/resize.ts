import type { SplineOrder } from '../../model/nnunet-plans.js';
import { mapAxes } from '../../volume/affine.js';
import { type Axes3, voxelsIn } from '../../volume/arrays.js';

export interface ResizeOptions {
  readonly order: SplineOrder;
  /** Degree along the axis that is resized apart from the two others, where there is one. */
  readonly orderAcross: SplineOrder;
  /** That axis; without it the three axes are resized alike. */
  readonly separateAxis?: number;
}

/** Spacings differ too much for one interpolation in all directions from this ratio on. */
export const anisotropyThreshold = 3;

const isAnisotropic = (spacing: Axes3) =>
  Math.max(...spacing) / Math.min(...spacing) > anisotropyThreshold;

/**
 * The axis along which an image has to be resampled apart, in nnU-Net's rule: the one axis with the
 * largest spacing, where the image or else the target is anisotropic (ratio above 3).
 * `undefined` where neither is, or where two axes share the largest spacing.
 */
export function separateAxis(fromMm: Axes3, toMm: Axes3): number | undefined {
  const spacing = isAnisotropic(fromMm) ? fromMm : isAnisotropic(toMm) ? toMm : undefined;
  if (!spacing) return undefined;
  const largest = Math.max(...spacing);
  const axes = [0, 1, 2].filter((axis) => spacing[axis] === largest);
  return axes.length === 1 ? axes[0] : undefined;
}

const pole = Math.sqrt(3) - 2;
/** Voxels with which lines are continued: the pole's power 12 is below single precision. */
const margin = 12;

/**
 * Resizes along one axis of an array seen as [outer, n, inner]. Borders are repeated outwards; voxel
 * centres lie at (o + 0.5) n / length - 0.5, as in scipy.ndimage.zoom with `grid_mode`. All lines
 * that lie side by side in memory advance together.
 */
function resizeAxis(
  data: Float32Array,
  [outer, n, inner]: Axes3,
  length: number,
  order: SplineOrder,
): Float32Array {
  const result = new Float32Array(outer * length * inner);
  const taps = tapsOf(n, length, order);
  const line = new Float32Array((n + 2 * margin) * inner);
  const [width, border] = order === 3 ? [4, margin] : [2, 0];
  for (let block = 0; block < outer; block++) {
    const source = data.subarray(block * n * inner, (block + 1) * n * inner);
    if (order === 3) coefficientsInto(line, source, n, inner);
    const values = order === 3 ? line : source;
    for (let o = 0; o < length; o++) {
      const to = (block * length + o) * inner;
      const first = taps.first[o] + border;
      if (order === 0) {
        for (let i = 0; i < inner; i++) result[to + i] = values[first * inner + i];
      } else if (width === 2) {
        const a = first * inner;
        const b = Math.min(first + 1, n - 1) * inner;
        const weight = taps.weights[2 * o];
        const next = taps.weights[2 * o + 1];
        for (let i = 0; i < inner; i++) {
          result[to + i] = weight * values[a + i] + next * values[b + i];
        }
      } else {
        const a = first * inner;
        const [w0, w1, w2, w3] = taps.weights.subarray(4 * o, 4 * o + 4);
        for (let i = 0; i < inner; i++) {
          const at = a + i;
          result[to + i] =
            w0 * values[at] +
            w1 * values[at + inner] +
            w2 * values[at + 2 * inner] +
            w3 * values[at + 3 * inner];
        }
      }
    }
  }
  return result;
}

/** For every output voxel the first input voxel that it draws on, and the weights from there on. */
function tapsOf(n: number, length: number, order: SplineOrder) {
  const first = new Int32Array(length);
  const weights = new Float64Array(length * (order === 3 ? 4 : 2));
  const zoom = n / length;
  for (let o = 0; o < length; o++) {
    const centre = (o + 0.5) * zoom - 0.5;
    if (order === 0) {
      first[o] = Math.min(Math.max(Math.floor(centre + 0.5), 0), n - 1);
    } else if (order === 1) {
      const within = Math.min(Math.max(centre, 0), n - 1);
      first[o] = Math.floor(within);
      weights[2 * o] = 1 - (within - first[o]);
      weights[2 * o + 1] = within - first[o];
    } else {
      const below = Math.floor(centre);
      const f = centre - below;
      first[o] = below - 1;
      weights[4 * o] = (1 - f) ** 3 / 6;
      weights[4 * o + 1] = 2 / 3 - 0.5 * f * f * (2 - f);
      weights[4 * o + 3] = f ** 3 / 6;
      weights[4 * o + 2] = 1 - weights[4 * o] - weights[4 * o + 1] - weights[4 * o + 3];
    }
  }
  return { first, weights };
}

/**
 * Cubic B-spline coefficients of lines that are continued by their border values (Unser 1999, doi
 * 10.1109/79.799930, box 2; a constant line is its own coefficients).
 */
function coefficientsInto(
  line: Float32Array,
  source: Float32Array,
  n: number,
  inner: number,
): void {
  for (let p = 0; p < n + 2 * margin; p++) {
    const from = Math.min(Math.max(p - margin, 0), n - 1) * inner;
    line.set(source.subarray(from, from + inner), p * inner);
  }
  const end = (n + 2 * margin - 1) * inner;
  const last = line.slice(end, end + inner);
  for (let i = 0; i < inner; i++) line[i] *= 6 / (1 - pole);
  for (let at = inner; at < end + inner; at++) line[at] = 6 * line[at] + pole * line[at - inner];
  line.set(last, end);
  for (let at = end - 1; at >= 0; at--) line[at] = pole * (line[at + inner] - line[at]);
}

function resizeAxes(
  data: Float32Array,
  from: Axes3,
  to: Axes3,
  axes: readonly number[],
  order: SplineOrder,
): { data: Float32Array; shape: Axes3 } {
  const shape = [...from];
  for (const axis of axes) {
    if (shape[axis] === to[axis]) continue;
    const outer = shape.slice(0, axis).reduce((product, n) => product * n, 1);
    const inner = shape.slice(axis + 1).reduce((product, n) => product * n, 1);
    data = resizeAxis(data, [outer, shape[axis], inner], to[axis], order);
    shape[axis] = to[axis];
  }
  return { data, shape: shape as unknown as Axes3 };
}

/**
 * An image at another shape over the same extent, as nnU-Net v2's `resample_data_or_seg` with
 * skimage's `resize` gives it: spline interpolation with repeated borders, and no value beyond the
 * range of what was interpolated (the volume, or each slice where an axis is kept apart). The
 * argument itself where the shape is the same.
 */
export function resizeImage(
  data: Float32Array,
  from: Axes3,
  to: Axes3,
  { order, orderAcross, separateAxis: apart }: ResizeOptions,
): Float32Array {
  if (apart === undefined) {
    const resized = resizeAxes(data, from, to, [0, 1, 2], order).data;
    if (resized !== data) clampInPlace(resized, [1, 1, resized.length], data, [1, 1, data.length]);
    return resized;
  }
  const inPlane = [0, 1, 2].filter((axis) => axis !== apart);
  const resized = resizeAxes(data, from, to, inPlane, order);
  if (resized.data !== data) {
    clampInPlace(resized.data, around(resized.shape, apart), data, around(from, apart));
  }
  return resizeAxes(resized.data, resized.shape, to, [apart], orderAcross).data;
}

/** A shape seen from one axis: [voxels of the slower axes, of this one, of the faster ones]. */
function around(shape: Axes3, axis: number): Axes3 {
  return [
    shape.slice(0, axis).reduce((product, n) => product * n, 1),
    shape[axis],
    shape.slice(axis + 1).reduce((product, n) => product * n, 1),
  ];
}

/** Limits each slice (the middle index) to the range of the same slice of the source. */
function clampInPlace(data: Float32Array, view: Axes3, source: Float32Array, from: Axes3): void {
  const slices = view[1];
  for (let slice = 0; slice < slices; slice++) {
    let low = Infinity;
    let high = -Infinity;
    for (let outer = 0; outer < from[0]; outer++) {
      const start = (outer * slices + slice) * from[2];
      for (let at = start; at < start + from[2]; at++) {
        if (source[at] < low) low = source[at];
        if (source[at] > high) high = source[at];
      }
    }
    for (let outer = 0; outer < view[0]; outer++) {
      const start = (outer * slices + slice) * view[2];
      for (let at = start; at < start + view[2]; at++) {
        if (data[at] < low) data[at] = low;
        else if (data[at] > high) data[at] = high;
      }
    }
  }
}

/** Scores this close are equal but for rounding. */
const scoreTolerance = 1e-6;

/**
 * Labels at another shape, as nnU-Net v2's `resize_segmentation`: each label's indicator is resized,
 * and a voxel takes the label with the largest. Where several share it, as between two voxels, the
 * label of the nearest voxel decides if it is one of them, else the smallest. Along a separate axis
 * labels are copied from the nearest slice.
 */
export function resizeLabels(
  labels: Int8Array,
  from: Axes3,
  to: Axes3,
  { order, separateAxis: apart }: Omit<ResizeOptions, 'orderAcross'>,
): Int8Array {
  if (from.every((n, axis) => n === to[axis])) return labels;
  const axes = [0, 1, 2].filter((axis) => axis !== apart);
  const inPlane = mapAxes([0, 1, 2], (axis) => (axis === apart ? from : to)[axis]);
  const winner = resizeAxes(Float32Array.from(labels), from, to, axes, 0).data.slice();
  const nearest = winner.slice();
  const best = new Float32Array(voxelsIn(inPlane)).fill(-1);
  const indicator = new Float32Array(labels.length);
  for (const label of [...new Set(labels)].sort((a, b) => a - b)) {
    for (let at = 0; at < labels.length; at++) indicator[at] = labels[at] === label ? 1 : 0;
    const score = resizeAxes(indicator, from, to, axes, order).data;
    for (let at = 0; at < best.length; at++) {
      const lead = score[at] - best[at];
      if (lead < -scoreTolerance) continue;
      if (lead > scoreTolerance || label === nearest[at]) winner[at] = label;
      best[at] = Math.max(best[at], score[at]);
    }
  }
  return Int8Array.from(
    apart === undefined ? winner : resizeAxes(winner, inPlane, to, [apart], 0).data,
  );
}
