import { type Size, strides, type VoxelData } from './volume.js';

const pole = Math.sqrt(3) - 2;

/**
 * Coefficients of the cubic B-spline that passes through all values, with the image mirrored at the
 * centres of its outermost voxels (Unser 1999, doi 10.1109/79.799930, box 2). Single precision.
 */
export function bsplineCoefficients(data: VoxelData, size: Size): Float32Array {
  const coefficients = Float32Array.from(data);
  for (let axis = 0; axis < 3; axis++) filterAxisInPlace(coefficients, size, axis);
  return coefficients;
}

/**
 * The recursive filter along one axis. All lines that lie side by side in memory advance together,
 * so that memory is read in order along every axis.
 */
function filterAxisInPlace(data: Float32Array, size: Size, axis: number): void {
  const n = size[axis];
  if (n === 1) return;
  const stride = strides(size)[axis];
  const startWeights = causalStartWeights(n);
  const end = pole / (pole * pole - 1);
  const sums = new Float64Array(stride);
  for (let block = 0; block < data.length; block += n * stride) {
    sums.fill(0);
    for (let p = 0; p < startWeights.length; p++) {
      const from = block + p * stride;
      for (let line = 0; line < stride; line++) sums[line] += startWeights[p] * data[from + line];
    }
    for (let line = 0; line < stride; line++) data[block + line] = 6 * sums[line];
    const last = block + (n - 1) * stride;
    for (let at = block + stride; at < last + stride; at++) {
      data[at] = 6 * data[at] + pole * data[at - stride];
    }
    for (let at = last; at < last + stride; at++) {
      data[at] = end * (data[at] + pole * data[at - stride]);
    }
    for (let at = last - 1; at >= block; at--) data[at] = pole * (data[at + stride] - data[at]);
  }
}

/** Weights of a line's values in the first value of the causal filter, for mirrored borders. */
function causalStartWeights(n: number): Float64Array {
  const period = 2 * n - 2;
  const weights = new Float64Array(n);
  let used = 0;
  for (let p = 0; p < n; p++) {
    const mirrored = p === 0 || p === n - 1 ? 0 : pole ** (period - p);
    weights[p] = (pole ** p + mirrored) / (1 - pole ** period);
    if (Math.abs(weights[p]) > 1e-12) used = p + 1;
  }
  return weights.subarray(0, used);
}
