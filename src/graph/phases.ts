import { crop, reshape, transpose } from './expressions.js';
import { type Emitter, elementsOf, type Value } from './value.js';

/**
 * Columns of the last axis: column i of the result is column `indices[i]` of x, or 0 where that is
 * negative. As a product with a matrix of zeros and ones, which moves single numbers several times as
 * fast as strided slices and transpositions do in ONNX Runtime.
 */
export function selectColumns(g: Emitter, x: Value, indices: readonly number[]): Value {
  const width = x.shape[x.shape.length - 1];
  if (indices.length === width && indices.every((index, i) => index === i)) return x;
  const matrix = new Float32Array(width * indices.length);
  for (const [i, index] of indices.entries()) {
    if (index >= 0) matrix[index * indices.length + i] = 1;
  }
  const rows = reshape(g, x, [elementsOf(x.shape) / width, width]);
  const chosen = g.op('Gemm', [rows, g.constant(matrix, [width, indices.length])], {
    transA: 0,
    transB: 0,
  });
  return reshape(g, chosen, [...x.shape.slice(0, -1), indices.length]);
}

/**
 * Weaves the phases of an image together.
 * @param x [batch, phases * channels, ...], of each phase all channels, the phases of the last axis
 *   fastest
 * @param strides phases along each axis
 * @param size of the image
 * @param start voxels left out before the image along each axis; with it at most strides times the
 *   size of x
 * @returns [batch, channels, ...size]
 */
export function weavePhases(
  g: Emitter,
  x: Value,
  strides: readonly number[],
  size: readonly number[],
  start: readonly number[] = [0, 0, 0],
): Value {
  const [batch, rows, depth, height, width] = x.shape;
  const channels = rows / elementsOf(strides);
  const phases = reshape(g, x, [batch, ...strides, channels, depth, height, width]);
  const beside = reshape(g, transpose(g, phases, [0, 4, 5, 1, 6, 2, 3, 7]), [
    batch,
    channels,
    depth * strides[0],
    height * strides[1],
    strides[2] * width,
  ]);
  const cut = crop(
    g,
    beside,
    [0, 0, start[0], start[1], 0],
    [batch, channels, size[0], size[1], strides[2] * width],
  );
  const columns = Array.from({ length: size[2] }, (_, i) => {
    const at = start[2] + i;
    return (at % strides[2]) * width + Math.floor(at / strides[2]);
  });
  return selectColumns(g, cut, columns);
}

/**
 * A transposed convolution whose kernel is as large as its strides, so that no two inputs meet: a
 * convolution of kernel 1 gives all phases of the image.
 * @param x [batch, inputs, ...]
 * @param weight [inputs, outputs, ...strides]
 * @param bias [outputs]
 * @returns [batch, outputs, ...], larger by the strides
 */
export function upsample(g: Emitter, x: Value, weight: Value, bias?: Value): Value {
  const [inputs, outputs, ...strides] = weight.shape;
  const phases = elementsOf(strides);
  const perPhase = transpose(g, reshape(g, weight, [inputs, outputs, phases]), [2, 1, 0]);
  const operands = [x, reshape(g, perPhase, [phases * outputs, inputs, 1, 1, 1])];
  if (bias) {
    const repeated = g.op('Expand', [bias], { shape: [phases, outputs] });
    operands.push(reshape(g, repeated, [phases * outputs]));
  }
  const ones = [1, 1, 1];
  const flat = g.op('Conv', operands, {
    kernel_shape: ones,
    strides: ones,
    pads: [0, 0, 0, 0, 0, 0],
  });
  const size = strides.map((n, axis) => n * x.shape[2 + axis]);
  return weavePhases(g, flat, strides, size);
}
