import { add, concat, pad, reshape, scale, slice, subtract, sumOf } from './expressions.js';
import { type Attributes, type Emitter, elementsOf, type Value, vectorOf } from './value.js';

/**
 * Writes convolutions as ONNX Runtime's CPU provider computes them fastest where the weights are part
 * of the graph: in two dimensions, for which it has a faster layout of channels. Only for graphs
 * without gradients.
 */
export const fastConvolutions = (g: Emitter): Emitter => ({
  constant: (data, shape) => g.constant(data, shape),
  op(operator, inputs, attributes = {}) {
    const convolve = operator === 'Conv' ? loweringFor(inputs, attributes) : undefined;
    return convolve ? convolve(g, inputs) : g.op(operator, inputs, attributes);
  },
});

/** Size of a layer's image: below, reading the weights, here more of them, takes longer than the arithmetic. */
export const leastVoxels = 500;
/** Channels in a block of ONNX Runtime's layout. */
const blockChannels = 16;
/** Numbers in a part of the image that is convolved at once: some megabytes, so that caches hold it. */
const slabNumbers = 2 ** 21;
/** Inputs and outputs from which on fewer multiplications are worth more additions. */
const manyChannels = 48;

type Lowering = (g: Emitter, operands: readonly Value[]) => Value;

function loweringFor([x, weight]: readonly Value[], attributes: Attributes): Lowering | undefined {
  const [outputs, inputs, ...kernel] = weight.shape;
  const voxels = x.shape.slice(2);
  const isKept =
    String(kernel) === '3,3,3' &&
    vectorOf(attributes, 'strides').every((n) => n === 1) &&
    vectorOf(attributes, 'pads').every((n) => n === 1);
  const fillsBlocks = outputs % blockChannels === 0 && inputs % blockChannels === 0;
  if (!isKept || !fillsBlocks || elementsOf(voxels) < leastVoxels) return undefined;
  const isEven = voxels[0] % 2 === 0;
  return isEven && inputs + outputs >= manyChannels ? convolveByPairs : convolveByRows;
}

/**
 * A convolution of kernel 3 x 3 x 3 that keeps the shape, as the sum of three in two dimensions, one
 * for each row of the kernel: all slices lie below each other in one image, with a row of zeros
 * between them, so that rows that lie on each other in depth are as many rows apart as a slice has.
 * @param x [batch, inputs, depth, height, width]
 * @param weight [outputs, inputs, 3, 3, 3]
 * @param bias [outputs]
 * @returns [batch, outputs, depth, height, width]
 */
export function convolveByRows(g: Emitter, [x, weight, ...bias]: readonly Value[]): Value {
  const [batch, inputs, depth, height, width] = x.shape;
  const outputs = weight.shape[0];
  const rows = height + 1;
  const padded = pad(g, x, [0, 0, 0, 0, 0], [0, 0, 0, 1, 0]);
  const stacked = reshape(g, padded, [batch, inputs, depth * rows, width]);
  const parts = [0, 1, 2].map((row) => {
    const kernel = reshape(g, slice(g, weight, 3, row, row + 1), [outputs, inputs, 3, 3]);
    return g.op('Conv', [stacked, kernel, ...(row === 0 ? bias : [])], {
      kernel_shape: [3, 3],
      strides: [1, 1],
      dilations: [rows, 1],
      pads: [rows + 1 - row, 1, rows - 1 + row, 1],
    });
  });
  const sum = reshape(g, sumOf(g, parts), [batch, outputs, depth, rows, width]);
  return slice(g, sum, 3, 0, height);
}

/**
 * A convolution of kernel 3 x 3 x 3 that keeps the shape, two slices at a time: Winograd's minimal
 * filtering F(2, 3) along the depth (Lavin and Gray 2016, arXiv 1509.09308) makes two slices of the
 * result out of four two-dimensional convolutions instead of six. The slices of each lie below each
 * other in one image, with a row of zeros between them.
 * @param x [batch, inputs, depth, height, width], the depth even
 * @param weight [outputs, inputs, 3, 3, 3]
 * @param bias [outputs]
 * @returns [batch, outputs, depth, height, width]
 */
export function convolveByPairs(g: Emitter, [x, weight, ...bias]: readonly Value[]): Value {
  const [batch, inputs, depth, height, width] = x.shape;
  const outputs = weight.shape[0];
  const [g0, g1, g2] = [0, 1, 2].map((k) =>
    reshape(g, slice(g, weight, 2, k, k + 1), [outputs, inputs, 3, 3]),
  );
  const outer = add(g, g0, g2);
  const kernels = {
    first: g0,
    sum: scale(g, add(g, outer, g1), 0.5),
    difference: scale(g, subtract(g, outer, g1), 0.5),
    last: g2,
  };
  const pairNumbers = 2 * batch * Math.max(inputs, outputs) * height * width;
  const inSlab = 2 * Math.max(1, Math.floor(slabNumbers / pairNumbers));
  const slabs: Value[] = [];
  for (let from = 0; from < depth; from += inSlab) {
    const to = Math.min(depth, from + inSlab);
    const before = Math.max(0, from - 1);
    const after = Math.min(depth, to + 1);
    const part = slice(g, x, 2, before, after);
    const padded = pad(g, part, [0, 0, before + 1 - from, 0, 0], [0, 0, to + 1 - after, 1, 0]);
    slabs.push(pairsOf(g, padded, kernels, bias));
  }
  return concat(g, slabs, 2);
}

/** @param padded with a slice before and after and a row of zeros below */
function pairsOf(
  g: Emitter,
  padded: Value,
  kernels: Readonly<Record<'first' | 'sum' | 'difference' | 'last', Value>>,
  bias: readonly Value[],
): Value {
  const [batch, inputs, slices, rows, width] = padded.shape;
  const outputs = kernels.first.shape[0];
  const depth = slices - 2;
  const pairs = depth / 2;
  /** The slices that come first, second, third and fourth for each pair. */
  const [s0, s1, s2, s3] = [0, 1, 2, 3].map((k) => slice(g, padded, 2, k, k + depth - 1, 2));
  const convolved = (transformed: Value, kernel: Value, added: readonly Value[] = []) => {
    const stacked = reshape(g, transformed, [batch, inputs, pairs * rows, width]);
    return g.op('Conv', [stacked, kernel, ...added], {
      kernel_shape: [3, 3],
      strides: [1, 1],
      pads: [1, 1, 1, 1],
    });
  };
  const first = convolved(subtract(g, s0, s2), kernels.first);
  const sum = convolved(add(g, s1, s2), kernels.sum, bias);
  const difference = convolved(subtract(g, s2, s1), kernels.difference);
  const last = convolved(subtract(g, s3, s1), kernels.last);
  // ONNX Runtime computes the sum of two convolutions together with the second one.
  const even = add(g, add(g, sum, difference), first);
  const odd = subtract(g, add(g, sum, last), difference);
  const both = concat(
    g,
    [even, odd].map((y) => reshape(g, y, [batch, outputs, pairs, 1, rows, width])),
    3,
  );
  return slice(g, reshape(g, both, [batch, outputs, depth, rows, width]), 3, 0, rows - 1);
}
