import { mapAxes } from '../volume/affine.js';
import { type Axes3, roundHalfToEven } from '../volume/arrays.js';
import type { Random } from '../volume/random.js';
import { isSlice } from './augment.js';

/** Part of each batch that is sure to show foreground, nnU-Net's. */
const foregroundPart = 0.33;

/** Whether a place in the batch is one of those that are sure to show foreground: the last third. */
export function showsForeground(place: number, batchSize: number): boolean {
  return place >= roundHalfToEven(batchSize * (1 - foregroundPart));
}

/** Pairs of axes that a turn mixes, of slices the one in their plane. */
const planes = [
  [1, 2],
  [0, 2],
  [0, 1],
] as const;

/**
 * The largest part of an image that a rotated and scaled patch is drawn around: nnU-Net's
 * `get_patch_size`. It decides how far patches reach beyond the borders.
 */
export function drawnShape(patchShape: Axes3, largestAngle: number, flat: boolean): Axes3 {
  const angle = Math.min(Math.PI / 2, largestAngle);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const largest = [...patchShape] as number[];
  for (const [a, b] of isSlice(patchShape) ? planes.slice(0, 1) : planes) {
    const [p, q] = [patchShape[a], patchShape[b]];
    // The corner of the patch, turned about the third axis as nnU-Net turns it.
    const sense = a === 0 && b === 2 ? -1 : 1;
    const turned = [p * cos + sense * q * sin, q * cos - sense * p * sin];
    largest[a] = Math.max(largest[a], Math.abs(turned[0]));
    largest[b] = Math.max(largest[b], Math.abs(turned[1]));
  }
  const shape = largest.map((n) => Math.floor(n / 0.85));
  if (flat) shape[0] = patchShape[0];
  return shape as unknown as Axes3;
}

/**
 * Draws where a patch lies, by nnU-Net's rule: anywhere such that it reaches at most `drawn` minus
 * the patch beyond the image in all, or around a voxel.
 * @param drawn see {@link drawnShape}
 * @param around a voxel of the image to centre the patch on, as far as its lower border allows
 * @returns the patch's first voxel; it may lie outside of the image
 */
export function drawStart(
  random: Random,
  shape: Axes3,
  patchShape: Axes3,
  drawn: Axes3,
  around?: Axes3,
): Axes3 {
  return mapAxes(shape, (n, axis) => {
    const beyond = Math.max(drawn[axis] - patchShape[axis], drawn[axis] - n);
    const lowest = -Math.ceil(beyond / 2);
    const highest = n + Math.floor(beyond / 2) + (beyond % 2) - drawn[axis];
    const start = around
      ? Math.max(lowest, around[axis] - (drawn[axis] >> 1))
      : lowest + random.integer(highest - lowest + 1);
    return start + (drawn[axis] >> 1) - (patchShape[axis] >> 1);
  });
}
