import { add, divide, multiply, reduceMean, reshape, scalar, subtract } from './expressions.js';
import { type Emitter, elementsOf, scalarOf, type Value } from './value.js';

/**
 * Writes instance norms of large images so that their statistics are exact in single precision. ONNX
 * Runtime's CPU provider adds up all voxels of a channel one after another: of 128 x 128 x 128 its variance
 * is off by 6e-5 of itself, and a network of 22 norms by 3e-3 in its probabilities. Only for graphs without
 * gradients.
 */
export const preciseNorms = (g: Emitter): Emitter => ({
  constant: (data, shape) => g.constant(data, shape),
  op(operator, inputs, attributes = {}) {
    const isLarge =
      operator === 'InstanceNormalization' &&
      elementsOf(inputs[0].shape.slice(2)) > mostVoxelsAtOnce;
    return isLarge
      ? normalizeInParts(g, inputs, scalarOf(attributes, 'epsilon'))
      : g.op(operator, inputs, attributes);
  },
});

/** Up to 16 x 16 x 16 voxels, ONNX Runtime's own norm is as exact, in one pass. */
export const mostVoxelsAtOnce = 2 ** 12;

/**
 * Mean and variance as means of rows, of planes and of the volume: few numbers are added up at a time.
 * @param x [batch, channels, depth, height, width]
 * @param gamma [channels]
 * @param beta [channels]
 */
export function normalizeInParts(
  g: Emitter,
  [x, gamma, beta]: readonly Value[],
  epsilon: number,
): Value {
  const [channels, , , width] = x.shape.slice(1);
  const perChannel = (value: Value) => reshape(g, value, [1, channels, 1, 1, 1]);
  const ofPlanes = (rows: Value) => reduceMean(g, reduceMean(g, rows, [3]), [2]);
  const centred = subtract(g, x, ofPlanes(reduceMean(g, x, [4])));
  const squares = g.op('ReduceSumSquare', [centred], { axes: [4], keepdims: 1 });
  const variance = divide(g, ofPlanes(squares), scalar(g, width));
  const deviation = g.op('Sqrt', [add(g, variance, scalar(g, epsilon))]);
  const factor = divide(g, perChannel(gamma), deviation);
  return add(g, multiply(g, centred, factor), perChannel(beta));
}
