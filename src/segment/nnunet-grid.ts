import type { Volume, VoxelData } from '../volume/volume.js';
import { emptyLike } from '../volume/volume.js';

/**
 * Three numbers, one an axis, in the order of nnU-Net's arrays: the axis that runs slowest in memory
 * first. A volume of size [nx, ny, nz] is an array of shape [nz, ny, nx] over the same memory.
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

/** A box in an array: its first voxel and its shape. */
export interface Box {
  readonly start: Axes3;
  readonly shape: Axes3;
}

/** The part of an array that lies in a box inside of it. */
export function cropped<T extends VoxelData>(data: T, shape: Axes3, box: Box): T {
  const [nd, nh, nw] = box.shape;
  const result = emptyLike(data, voxelsIn(box.shape));
  for (let d = 0; d < nd; d++) {
    for (let h = 0; h < nh; h++) {
      const from = ((d + box.start[0]) * shape[1] + h + box.start[1]) * shape[2] + box.start[2];
      result.set(data.subarray(from, from + nw) as never, (d * nh + h) * nw);
    }
  }
  return result;
}

/** An array of zeros of this shape with another one in a box: undoes {@link cropped}. */
export function uncropped<T extends VoxelData>(data: T, box: Box, shape: Axes3): T {
  const [nd, nh, nw] = box.shape;
  const result = emptyLike(data, voxelsIn(shape));
  for (let d = 0; d < nd; d++) {
    for (let h = 0; h < nh; h++) {
      const to = ((d + box.start[0]) * shape[1] + h + box.start[1]) * shape[2] + box.start[2];
      const from = (d * nh + h) * nw;
      result.set(data.subarray(from, from + nw) as never, to);
    }
  }
  return result;
}

/** The shape of a volume's data as nnU-Net sees it. */
export const shapeOf = (volume: Volume): Axes3 => axesOf(volume.size);

/** To the nearest whole number, halves to the even one, as Python's `round`. */
export function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

/** The shape that keeps the extent when the distance between voxels changes (nnU-Net's rule). */
export function shapeAtSpacing(shape: Axes3, fromMm: Axes3, toMm: Axes3): Axes3 {
  return [0, 1, 2].map((axis) =>
    roundHalfToEven((fromMm[axis] / toMm[axis]) * shape[axis]),
  ) as unknown as Axes3;
}
