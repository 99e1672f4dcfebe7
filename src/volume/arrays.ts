import { mapAxes } from './affine.js';
import type { Volume, VoxelData } from './volume.js';
import { emptyLike } from './volume.js';

/**
 * Axes are in the order of nnU-Net's arrays: the one that runs slowest in memory first. A volume of
 * size [nx, ny, nz] is an array of shape [nz, ny, nx] over the same memory.
 */
export type Axes3 = readonly [number, number, number];

export const axesOf = (xyz: readonly [number, number, number]): Axes3 => [xyz[2], xyz[1], xyz[0]];

export const voxelsIn = (shape: Axes3): number => shape[0] * shape[1] * shape[2];

/** `values[order[0]], values[order[1]], values[order[2]]`. */
export function permuteAxes(values: Axes3, order: Axes3): Axes3 {
  return [values[order[0]], values[order[1]], values[order[2]]];
}

/** The order that undoes another. */
export function inverseOrder(order: Axes3): Axes3 {
  return [order.indexOf(0), order.indexOf(1), order.indexOf(2)] as unknown as Axes3;
}

/**
 * An array with its axes in another order, as NumPy's `transpose(order)`: axis a of the result is
 * axis `order[a]` of the argument. The same array where the order changes nothing.
 */
export function transposed<T extends VoxelData>(data: T, shape: Axes3, order: Axes3): T {
  if (order[0] === 0 && order[1] === 1) return data;
  const steps = permuteAxes([shape[1] * shape[2], shape[2], 1], order);
  const [nd, nh, nw] = permuteAxes(shape, order);
  const result = emptyLike(data, data.length);
  let at = 0;
  for (let d = 0; d < nd; d++) {
    for (let h = 0; h < nh; h++) {
      const row = d * steps[0] + h * steps[1];
      for (let w = 0; w < nw; w++) result[at++] = data[row + w * steps[2]];
    }
  }
  return result;
}

/** A box in an array, slowest axis first: its first voxel and its shape. */
export interface ArrayBox {
  readonly start: Axes3;
  readonly shape: Axes3;
}

/** The part of an array that lies in a box; 0 where the box reaches beyond the array. */
export function cropped<T extends VoxelData>(
  data: T,
  shape: Axes3,
  { start, shape: to }: ArrayBox,
): T {
  const result = emptyLike(data, voxelsIn(to));
  copyOverlap(data, shape, result, to, start);
  return result;
}

/** An array of zeros of this shape with another one in a box: undoes {@link cropped}. */
export function uncropped<T extends VoxelData>(
  data: T,
  { start, shape: from }: ArrayBox,
  shape: Axes3,
): T {
  const result = emptyLike(data, voxelsIn(shape));
  copyOverlap(data, from, result, shape, [-start[0], -start[1], -start[2]]);
  return result;
}

/**
 * Copies the part of an array that another one shows, whose first voxel is the source's voxel
 * `start` (which may lie outside). The rest of the target stays as it is.
 */
export function copyOverlap<T extends VoxelData>(
  source: T,
  from: Axes3,
  target: T,
  to: Axes3,
  start: Axes3,
): void {
  const [d0, h0, w0] = start.map((n) => Math.max(0, -n));
  const [d1, h1, w1] = start.map((n, axis) => Math.min(to[axis], from[axis] - n));
  if (w1 <= w0) return;
  for (let d = d0; d < d1; d++) {
    for (let h = h0; h < h1; h++) {
      const row = ((d + start[0]) * from[1] + h + start[1]) * from[2] + start[2];
      target.set(source.subarray(row + w0, row + w1) as never, (d * to[1] + h) * to[2] + w0);
    }
  }
}

/** The shape of a volume's data as nnU-Net sees it. */
export const shapeOf = (volume: Pick<Volume, 'size'>): Axes3 => axesOf(volume.size);

/** To the nearest whole number, halves to the even one, as Python's `round`. */
export function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

/** The shape that keeps the extent when the distance between voxels changes (nnU-Net's rule). */
export function shapeAtSpacing(shape: Axes3, fromMm: Axes3, toMm: Axes3): Axes3 {
  return mapAxes([0, 1, 2], (axis) => roundHalfToEven((fromMm[axis] / toMm[axis]) * shape[axis]));
}
