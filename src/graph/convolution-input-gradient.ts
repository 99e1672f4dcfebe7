import { pad, reshape, transpose } from './expressions.js';
import { weavePhases } from './phases.js';
import { axes3, type ConvolutionGeometry, positions } from './positions.js';
import { type Emitter, elementsOf, type Value } from './value.js';

/**
 * Gradient with respect to the input of a convolution, as one convolution of the output's gradient:
 * the kernel reversed, and for strides above 1 all phases of the input side by side as channels
 * (polyphase), which are woven together afterwards. ConvTranspose would say the same in one operator,
 * at a fraction of the speed.
 * @param weight [outputs, inputs, ...kernel]
 * @param outputGradient [batch, outputs, ...]
 * @returns [batch, inputs, ...inputShape]
 */
export function convolutionInputGradient(
  g: Emitter,
  weight: Value,
  outputGradient: Value,
  inputShape: readonly number[],
  { kernel, strides, pads }: ConvolutionGeometry,
): Value {
  const [outputs, inputs] = weight.shape;
  const outputSize = outputGradient.shape.slice(2);
  const size = axes3.map((a) => Math.ceil(inputShape[2 + a] / strides[a]));
  // x[s q + r] receives w[r + p - s t] dy[q + t] for every t that keeps the tap in the kernel.
  const first = axes3.map((a) => Math.ceil((pads[a] - kernel[a] + 1) / strides[a]) + 0);
  const last = axes3.map((a) => Math.floor((strides[a] - 1 + pads[a]) / strides[a]));
  const length = axes3.map((a) => last[a] - first[a] + 1);
  const tapOf = (axis: number, phase: number, at: number) =>
    phase + pads[axis] - strides[axis] * (at + first[axis]);

  const taps = elementsOf(kernel);
  const indices: number[] = [];
  for (const phase of positions(strides)) {
    for (const at of positions(length)) {
      const tap = axes3.map((a) => tapOf(a, phase[a], at[a]));
      const inside = tap.every((k, a) => k >= 0 && k < kernel[a]);
      indices.push(inside ? (tap[0] * kernel[1] + tap[1]) * kernel[2] + tap[2] : taps);
    }
  }
  const flat = reshape(g, weight, [outputs, inputs, taps]);
  const withZero = indices.includes(taps) ? pad(g, flat, [0, 0, 0], [0, 0, 1]) : flat;
  const identical = indices.length === taps && indices.every((index, at) => index === at);
  const chosen = identical ? withZero : g.op('Gather', [withZero], { axis: 2, indices });
  const phases = elementsOf(strides);
  const phased = transpose(
    g,
    reshape(g, chosen, [outputs, inputs, phases, elementsOf(length)]),
    [2, 1, 0, 3],
  );
  const end = last.map((n, a) => n + size[a] - outputSize[a]);
  const perPhase = g.op(
    'Conv',
    [outputGradient, reshape(g, phased, [phases * inputs, outputs, ...length])],
    { kernel_shape: length, strides: [1, 1, 1], pads: [...first.map((n) => 0 - n), ...end] },
  );
  return weavePhases(g, perPhase, strides, inputShape.slice(2));
}
