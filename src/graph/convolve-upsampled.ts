import { add, concat, reshape, scalar, slice } from './expressions.js';
import { leastVoxels } from './fast-convolutions.js';
import { weavePhases } from './phases.js';
import { axes3, positions } from './positions.js';
import { type Emitter, elementsOf, type Value } from './value.js';

/** Whether {@link convolveUpsampled} takes a kernel and strides, and gains by it. */
export const canConvolveUpsampled = (
  x: Value,
  kernel: readonly number[],
  strides: readonly number[],
): boolean =>
  elementsOf(x.shape.slice(2)) >= leastVoxels &&
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
