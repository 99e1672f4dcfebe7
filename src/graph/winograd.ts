import { add, concat, pad, reshape, scale, slice, subtract } from './expressions.js';
import type { Attributes, Emitter, Value } from './value.js';

/**
 * Writes convolutions as ONNX Runtime's CPU provider computes them fastest where the weights are part
 * of the graph: see {@link convolveByPairs}. Only for graphs without gradients.
 */
export const fastConvolutions = (g: Emitter): Emitter => ({
  constant: (data, shape) => g.constant(data, shape),
  op: (operator, inputs, attributes) =>
    operator === 'Conv' && attributes && isPairwise(inputs, attributes)
      ? convolveByPairs(g, inputs[0], inputs[1], inputs[2])
      : g.op(operator, inputs, attributes),
});

/** Least sum of input and output channels for which fewer multiplications pay for more additions. */
const leastChannels = 32;

function isPairwise([x, weight]: readonly Value[], attributes: Attributes): boolean {
  const all = (name: string, n: number) =>
    (attributes[name] as readonly number[]).every((value) => value === n);
  return (
    all('kernel_shape', 3) &&
    all('strides', 1) &&
    all('pads', 1) &&
    x.shape[2] % 2 === 0 &&
    weight.shape[0] % 16 === 0 && weight.shape[1] % 8 === 0 &&
    weight.shape[0] + weight.shape[1] >= leastChannels
  );
}

/**
 * A convolution of kernel 3 x 3 x 3 that keeps the shape, two slices at a time: Winograd's minimal
 * filtering F(2, 3) along the depth (Lavin and Gray 2016, arXiv 1509.09308) makes two slices of the
 * result out of four two-dimensional convolutions instead of six. ONNX Runtime has a faster layout
 * of channels for those in two dimensions. All slices lie below each other in one image, with a row
 * of zeros between them.
 * @param x [batch, inputs, depth, height, width], the depth even
 * @param weight [outputs, inputs, 3, 3, 3]
 * @param bias [outputs]
 * @returns [batch, outputs, depth, height, width]
 */
export function convolveByPairs(g: Emitter, x: Value, weight: Value, bias?: Value): Value {
  const [batch, inputs, depth, height, width] = x.shape;
  const outputs = weight.shape[0];
  const pairs = depth / 2;
  const rows = height + 1;
  const padded = pad(g, x, [0, 0, 1, 0, 0], [0, 0, 1, 1, 0]);
  /** Slice k of the four that each pair of slices of the result depends on. */
  const slices = [0, 1, 2, 3].map((k) => slice(g, padded, 2, k, k + depth - 1, 2));
  const kernels = [0, 1, 2].map((k) =>
    reshape(g, slice(g, weight, 2, k, k + 1), [outputs, inputs, 3, 3]),
  );
  const convolved = (transformed: Value, kernel: Value, added: readonly Value[] = []) =>
    g.op('Conv', [reshape(g, transformed, [batch, inputs, pairs * rows, width]), kernel, ...added], {
      kernel_shape: [3, 3],
      strides: [1, 1],
      pads: [1, 1, 1, 1],
    });
  const outer = add(g, kernels[0], kernels[2]);
  const first = convolved(subtract(g, slices[0], slices[2]), kernels[0]);
  const sum = convolved(
    add(g, slices[1], slices[2]),
    scale(g, add(g, outer, kernels[1]), 0.5),
    bias ? [bias] : [],
  );
  const difference = convolved(
    subtract(g, slices[2], slices[1]),
    scale(g, subtract(g, outer, kernels[1]), 0.5),
  );
  const last = convolved(subtract(g, slices[3], slices[1]), kernels[2]);
  // Sums of convolutions are computed together with them.
  const even = add(g, add(g, sum, difference), first);
  const odd = subtract(g, add(g, sum, last), difference);
  const both = concat(
    g,
    [even, odd].map((y) => reshape(g, y, [batch, outputs, pairs, 1, rows, width])),
    3,
  );
  return slice(g, reshape(g, both, [batch, outputs, depth, rows, width]), 3, 0, height);
}
