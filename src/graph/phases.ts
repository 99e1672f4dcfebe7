import { add, concat, reshape, scalar, slice, transpose } from './expressions.js';
import { axes3, positions } from './positions.js';
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
  const cut = [0, 1].reduce(
    (image, axis) => slice(g, image, 2 + axis, start[axis], start[axis] + size[axis]),
    beside,
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

/** Whether {@link convolveUpsampled} takes a kernel and strides. */
export const canConvolveUpsampled = (kernel: readonly number[], strides: readonly number[]) =>
  kernel.every((n, axis) => n % 2 === 1 && (n - 1) % strides[axis] === 0);

/**
 * A convolution, which keeps the shape, of the upsampled image and a skip connection side by side,
 * without the upsampled image: both steps are linear, so that what a phase of the result sees of the
 * small image is one kernel, 2 x 2 x 2 for a kernel of 3 and strides of 2. That is less than half of
 * the multiplications, and all phases are the outputs of one convolution. With margin m = (kernel - 1)
 * / 2 along an axis, the result at stride * j - m + r reads what is upsampled at stride * j - 2 m + r
 * + tap, so that phase r's kernel is that of the convolution moved by r, convolved in strides with
 * the weights of the upsampling.
 * @param x [batch, inputs, ...]
 * @param upsampling weight [inputs, middle, ...strides] and perhaps bias [middle]
 * @param skip [batch, skipped, ...], larger by the strides
 * @param convolution weight [outputs, middle + skipped, ...kernel] and perhaps bias [outputs]
 * @returns [batch, outputs, ...], as large as skip
 */
export function convolveUpsampled(
  g: Emitter,
  x: Value,
  upsampling: readonly Value[],
  skip: Value,
  [weight, ...bias]: readonly Value[],
): Value {
  const [, middle, ...strides] = upsampling[0].shape;
  const [, channels, ...kernel] = weight.shape;
  const margin = kernel.map((n) => (n - 1) / 2);
  const ofSkip = g.op('Conv', [skip, slice(g, weight, 1, middle, channels), ...bias], {
    kernel_shape: kernel,
    strides: [1, 1, 1],
    pads: [...margin, ...margin],
  });

  // The first j whose voxels are not all before the image.
  const first = axes3.map((a) => Math.max(0, Math.ceil((margin[a] - strides[a] + 1) / strides[a])));
  const before = axes3.map((a) => (2 * margin[a]) / strides[a] - first[a]);
  const reach = axes3.map((a) => Math.ceil((strides[a] + kernel[a] - 1) / strides[a]));
  const ofUpsampled = slice(g, weight, 1, 0, middle);
  const [small, widened] = withBias(g, x, upsampling);
  const perPhase = positions(strides).map((r) => {
    const after = axes3.map((a) => strides[a] * reach[a] - kernel[a] - r[a]);
    const pads = [...r, ...after];
    return g.op('Conv', [ofUpsampled, widened], { kernel_shape: strides, strides, pads });
  });
  const start = axes3.map((a) => margin[a] - strides[a] * first[a]);
  const size = skip.shape.slice(2);
  const blocks = axes3.map((a) => Math.ceil((start[a] + size[a]) / strides[a]));
  const after = axes3.map((a) => blocks[a] - 1 + reach[a] - before[a] - x.shape[2 + a]);
  const phases = g.op('Conv', [small, concat(g, perPhase, 0)], {
    kernel_shape: reach,
    strides: [1, 1, 1],
    pads: [...before, ...after],
  });
  return add(g, weavePhases(g, phases, strides, size, start), ofSkip);
}

/** A bias as the weight of one more channel that is 1 in the image and 0 around it. */
function withBias(g: Emitter, x: Value, [weight, bias]: readonly Value[]): readonly Value[] {
  if (!bias) return [x, weight];
  const [batch, , ...size] = x.shape;
  const [, outputs, ...strides] = weight.shape;
  const ones = g.op('Expand', [scalar(g, 1)], { shape: [batch, 1, ...size] });
  const row = g.op('Expand', [reshape(g, bias, [1, outputs, 1, 1, 1])], {
    shape: [1, outputs, ...strides],
  });
  return [concat(g, [x, ones], 1), concat(g, [weight, row], 0)];
}
