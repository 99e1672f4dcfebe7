import type { Run } from '../run.js';
import { mapAxes } from '../volume/affine.js';
import { type Axes3, copyOverlap, roundHalfToEven, voxelsIn } from '../volume/arrays.js';

/**
 * A network for one patch: from [channels, ...patchShape] to scores [classes, ...patchShape]. The
 * patch may be reused after the promise is settled; the result is read at once.
 */
export type Predict = (patch: Float32Array) => Promise<Float32Array>;

export interface SlidingWindowOptions extends Pick<Run, 'signal' | 'onProgress'> {
  readonly patchShape: Axes3;
  readonly classes: number;
  /** Distance between windows, as a part of the patch; nnU-Net's is 0.5. */
  readonly stepSize: number;
  /** Axes along which patches are mirrored too, and the scores averaged; none for one pass. */
  readonly mirrorAxes: readonly number[];
  /**
   * Instead: windows are mirrored along this axis as the black fields of a chessboard, each seen once,
   * so that neighbours which overlap see both ways.
   */
  readonly chessboardAxis?: number;
}

/** An image [channels, ...shape], slowest axis first. */
export interface Image {
  readonly data: Float32Array;
  readonly channels: number;
  readonly shape: Axes3;
}

/**
 * Scores of a whole image, [classes, ...shape]: windows at even steps, weighted by a Gaussian around
 * their centres, averaged over windows, mirrorings and networks, as nnU-Net v2 does. An image that
 * is smaller than the patch is padded with 0. One network runs over all windows before the next one
 * is asked for anything. Holds `classes` + 1 arrays of the (padded) image and a few of the patch,
 * whatever the number of windows.
 * @throws RangeError for a step outside of (0, 1], or scores of another length; the signal's reason.
 */
export async function slideWindow(
  image: Image,
  networks: readonly Predict[],
  options: SlidingWindowOptions,
): Promise<Float32Array> {
  const { patchShape, classes, stepSize, mirrorAxes, chessboardAxis, signal, onProgress } = options;
  const padded = mapAxes(image.shape, (n, axis) => Math.max(n, patchShape[axis]));
  const before = mapAxes(image.shape, (n, axis) => (padded[axis] - n) >> 1);
  const windows = windowsOf(padded, patchShape, stepSize);
  const weights = gaussianWeights(patchShape);
  const voxels = voxelsIn(padded);
  const scores = new Float32Array(classes * voxels);
  const weightSum = new Float32Array(voxels);
  const all = windows.length * networks.length;
  let done = 0;
  for (const [index, predict] of networks.entries()) {
    for (const { start, isBlack } of windows) {
      signal?.throwIfAborted();
      const patch = cutPatch(
        image,
        mapAxes(start, (n, axis) => n - before[axis]),
        patchShape,
      );
      const mirrorings =
        chessboardAxis === undefined ? subsetsOf(mirrorAxes) : [isBlack ? [chessboardAxis] : []];
      const patchScores = await predictMirrored(predict, patch, image.channels, {
        patchShape,
        classes,
        mirrorings,
      });
      addWeighted(scores, patchScores, weights, padded, start, patchShape, classes);
      if (index === 0) addWeighted(weightSum, undefined, weights, padded, start, patchShape, 1);
      onProgress?.(++done, all);
    }
  }
  for (let at = 0; at < scores.length; at++) scores[at] /= weightSum[at % voxels] * networks.length;
  return cutPatch({ data: scores, channels: classes, shape: padded }, before, image.shape);
}

/** A box of an image, [channels, ...shape]; what lies outside of the image is 0. */
export function cutPatch(image: Image, start: Axes3, shape: Axes3): Float32Array {
  const patch = new Float32Array(image.channels * voxelsIn(shape));
  for (let channel = 0; channel < image.channels; channel++) {
    const source = image.data.subarray(
      channel * voxelsIn(image.shape),
      (channel + 1) * voxelsIn(image.shape),
    );
    const target = patch.subarray(channel * voxelsIn(shape), (channel + 1) * voxelsIn(shape));
    copyOverlap(source, image.shape, target, shape, start);
  }
  return patch;
}

/**
 * First voxels of the windows: from border to border in equal steps, whole voxels, none longer than
 * the patch times `stepSize`, or than one voxel.
 */
export function windowStarts(shape: Axes3, patchShape: Axes3, stepSize: number): Axes3[] {
  return windowsOf(shape, patchShape, stepSize).map(({ start }) => start);
}

/** {@link windowStarts}, and which windows are the black fields if they lie as on a chessboard. */
function windowsOf(shape: Axes3, patchShape: Axes3, stepSize: number) {
  const [inD, inH, inW] = windowSteps(shape, patchShape, stepSize);
  return inD.flatMap((d, i) =>
    inH.flatMap((h, j) =>
      inW.map((w, k) => ({ start: [d, h, w] as Axes3, isBlack: (i + j + k) % 2 === 1 })),
    ),
  );
}

export function windowSteps(shape: Axes3, patchShape: Axes3, stepSize: number): number[][] {
  if (!(stepSize > 0 && stepSize <= 1))
    throw new RangeError(`step size ${stepSize}: not in (0, 1]`);
  return shape.map((n, axis) => {
    const last = n - patchShape[axis];
    const count = Math.ceil(last / Math.max(patchShape[axis] * stepSize, 1)) + 1;
    return Array.from({ length: count }, (_, i) =>
      count === 1 ? 0 : roundHalfToEven((last / (count - 1)) * i),
    );
  });
}

/**
 * Weights of a patch: a Gaussian whose standard deviation is an eighth of each edge, 10 in the
 * middle.
 */
export function gaussianWeights(patchShape: Axes3): Float32Array {
  const [d, h, w] = patchShape.map((n) =>
    Float64Array.from({ length: n }, (_, i) => Math.exp(-0.5 * ((i - (n >> 1)) / (n / 8)) ** 2)),
  );
  const weights = new Float32Array(voxelsIn(patchShape));
  let at = 0;
  for (const inD of d)
    for (const inH of h) for (const inW of w) weights[at++] = 10 * inD * inH * inW;
  return weights;
}

/** All combinations of axes, none of them first. */
const subsetsOf = (axes: readonly number[]): number[][] =>
  Array.from({ length: 2 ** axes.length }, (_, combination) =>
    axes.filter((_, index) => (combination >> index) & 1),
  );

/** Mean score over the patch mirrored along each of these sets of axes. */
async function predictMirrored(
  predict: Predict,
  patch: Float32Array,
  channels: number,
  {
    patchShape,
    classes,
    mirrorings,
  }: Pick<SlidingWindowOptions, 'patchShape' | 'classes'> & {
    readonly mirrorings: readonly (readonly number[])[];
  },
): Promise<Float32Array> {
  const length = classes * voxelsIn(patchShape);
  const mean = new Float32Array(length);
  for (const axes of mirrorings) {
    const scores = await predict(mirrored(patch, channels, patchShape, axes));
    if (scores.length !== length) {
      throw new RangeError(`${scores.length} scores for a patch that has ${length}`);
    }
    const back = mirrored(scores, classes, patchShape, axes);
    if (mirrorings.length === 1) return back;
    for (let at = 0; at < length; at++) mean[at] += back[at] / mirrorings.length;
  }
  return mean;
}

/** [channels, ...shape] with some of its three axes reversed; the same array for none. */
export function mirrored<T extends Float32Array | Int8Array>(
  data: T,
  channels: number,
  shape: Axes3,
  axes: readonly number[],
): T {
  if (axes.length === 0) return data;
  const [nd, nh, nw] = shape;
  const [flipD, flipH, flipW] = [0, 1, 2].map((axis) => axes.includes(axis));
  const result = data.slice() as T;
  let to = 0;
  for (let channel = 0; channel < channels; channel++) {
    for (let d = 0; d < nd; d++) {
      for (let h = 0; h < nh; h++, to += nw) {
        const fromD = channel * nd + (flipD ? nd - 1 - d : d);
        const from = (fromD * nh + (flipH ? nh - 1 - h : h)) * nw;
        result.set(data.subarray(from, from + nw), to);
        if (flipW) result.subarray(to, to + nw).reverse();
      }
    }
  }
  return result;
}

/** Adds weights, times the scores of a patch where there are any, to the window at `start`. */
function addWeighted(
  target: Float32Array,
  scores: Float32Array | undefined,
  weights: Float32Array,
  shape: Axes3,
  start: Axes3,
  [nd, nh, nw]: Axes3,
  classes: number,
): void {
  let at = 0;
  for (let c = 0; c < classes; c++) {
    for (let d = 0; d < nd; d++) {
      for (let h = 0; h < nh; h++) {
        let to = ((c * shape[0] + start[0] + d) * shape[1] + start[1] + h) * shape[2] + start[2];
        let weightAt = (d * nh + h) * nw;
        for (let w = 0; w < nw; w++, at++, to++, weightAt++) {
          target[to] += scores ? weights[weightAt] * scores[at] : weights[weightAt];
        }
      }
    }
  }
}
