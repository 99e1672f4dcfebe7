import { voxelSizeMm } from '../../volume/affine.js';
import { orientationOf } from '../../volume/reorient.js';
import { strides, type Volume } from '../../volume/volume.js';
import type { BrainSamples } from './brain-samples.js';

/** Samples of the brain in a slice of which something can be said. */
const leastInSlice = 50;
/** From this share of samples with one and the same value on, a slice holds no image. */
const mostAlike = 0.5;

/**
 * Finds slices in which most of the brain has one value: saturated, or lost on the way.
 * @returns the slices, from 0, along the axis of the thickest voxels, the share of the brain that lies in
 *   them, 0 to 1, and the samples of all others.
 */
export function withoutEvenSlices(
  samples: BrainSamples,
  sequence: Volume,
): { evenSlices: number[]; evenShare: number; samples: BrainSamples } {
  const sliceOf = slicesOf(sequence);
  const valuesOf = new Map<number, number[]>();
  for (const [n, voxel] of samples.voxels.entries()) {
    const values = valuesOf.get(sliceOf(voxel)) ?? [];
    values.push(samples.values[n]);
    valuesOf.set(sliceOf(voxel), values);
  }
  const evenSlices = [...valuesOf].filter(([, values]) => isEven(values)).map(([slice]) => slice);
  if (evenSlices.length === 0) return { evenSlices, evenShare: 0, samples };
  const even = new Set(evenSlices);
  const isKept = (_: number, n: number) => !even.has(sliceOf(samples.voxels[n]));
  const kept = samples.values.filter(isKept);
  return {
    evenSlices: evenSlices.sort((a, b) => a - b),
    evenShare: 1 - kept.length / samples.values.length,
    samples: {
      values: kept,
      voxels: samples.voxels.filter(isKept),
      white: samples.white.filter(isKept),
      grey: samples.grey.filter(isKept),
      fluid: samples.fluid.filter(isKept),
    },
  };
}

function isEven(values: readonly number[]): boolean {
  if (values.length < leastInSlice) return false;
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return Math.max(...counts.values()) > mostAlike * values.length;
}

/** The slice of a voxel, from 0 in the direction of RAS, as pictures count; of axes with voxels of one size the last. */
function slicesOf({ affine, size }: Volume): (voxel: number) => number {
  const sizesMm = voxelSizeMm(affine);
  const axis = sizesMm.lastIndexOf(Math.max(...sizesMm));
  const step = strides(size)[axis];
  const isTurned = 'LPI'.includes(orientationOf(affine)[axis]);
  return (voxel) => {
    const slice = Math.floor(voxel / step) % size[axis];
    return isTurned ? size[axis] - 1 - slice : slice;
  };
}
