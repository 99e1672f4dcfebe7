import { concat, pad, reshape, slice, transpose } from './expressions.js';
import { type Emitter, elementsOf, type Value } from './value.js';

/** Geometry of a convolution over three axes, without dilation and groups. */
export interface ConvolutionGeometry {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  /** Zeros before and after each axis: three and three numbers. */
  readonly pads: readonly number[];
}

const axes3 = [0, 1, 2];

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
  const [batch, , ...outputSize] = outputGradient.shape;
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
  const woven = transpose(
    g,
    reshape(g, perPhase, [batch, ...strides, inputs, ...size]),
    [0, 4, 5, 1, 6, 2, 7, 3],
  );
  const covered = size.map((n, a) => n * strides[a]);
  return axes3.reduce(
    (part, a) => slice(g, part, 2 + a, 0, inputShape[2 + a]),
    reshape(g, woven, [batch, inputs, ...covered]),
  );
}

/**
 * Gradient with respect to the weight of a convolution, as one matrix product. Input and output
 * gradient are padded to one grid and made flat, so that each tap of the kernel is an offset between
 * them; zeros make the wrapping at the borders harmless, also from one sample of the batch to the
 * next. Where the convolution keeps the shape the taps of the inner axes shift the input and those of the outer axes the
 * gradient, divided so that the fewest bytes are copied. Otherwise the phases of the input lie
 * side by side, and all taps shift the input.
 * @param input [batch, inputs, ...]
 * @param outputGradient [batch, outputs, ...]
 * @returns [outputs, inputs, ...kernel]
 */
export function convolutionWeightGradient(
  g: Emitter,
  input: Value,
  outputGradient: Value,
  geometry: ConvolutionGeometry,
): Value {
  const { kernel, strides, pads } = geometry;
  const keepsShape = axes3.every(
    (a) => strides[a] === 1 && 2 * pads[a] === kernel[a] - 1 && pads[a] === pads[a + 3],
  );
  return keepsShape
    ? weightGradientOfShifts(g, input, outputGradient, kernel)
    : weightGradientOfPhases(g, input, outputGradient, geometry);
}

function weightGradientOfShifts(
  g: Emitter,
  input: Value,
  outputGradient: Value,
  kernel: readonly number[],
): Value {
  const inputs = input.shape[1];
  const outputs = outputGradient.shape[1];
  const margin = kernel.map((n) => (n - 1) / 2);
  const grid = margin.map((n, a) => input.shape[2 + a] + 2 * n);
  const widened = (x: Value) => flattened(g, pad(g, x, [0, 0, ...margin], [0, 0, ...margin]));
  const x = widened(input);
  const dy = widened(outputGradient);
  const offset = (tap: readonly number[]) =>
    offsetIn(
      grid,
      tap.map((k, a) => k - margin[a]),
    );

  const split = cheapestSplit(kernel, inputs, outputs);
  const inner = positions(kernel.map((n, a) => (a >= split ? n : 1)));
  const outer = positions(kernel.map((n, a) => (a < split ? n : 1)));
  const innerOffsets = inner.map((tap) => offset(tap.map((k, a) => (a >= split ? k : margin[a]))));
  const outerOffsets = outer.map((tap) => offset(tap.map((k, a) => (a < split ? k : margin[a]))));
  // All voxels lie here, and no shift leads out of the whole.
  const low = offsetIn(grid, margin);
  const high = x.shape[1] - low;
  const shifted = (rows: Value, by: number) => slice(g, rows, 1, low + by, high + by);
  const xs = concat(
    g,
    innerOffsets.map((by) => shifted(x, by)),
    0,
  );
  const dys = concat(
    g,
    outerOffsets.map((by) => shifted(dy, 0 - by)),
    0,
  );
  const product = g.op('Gemm', [dys, xs], { transA: 0, transB: 1 });
  const taps = reshape(g, product, [outer.length, outputs, inner.length, inputs]);
  return reshape(g, transpose(g, taps, [1, 3, 0, 2]), [outputs, inputs, ...kernel]);
}

function weightGradientOfPhases(
  g: Emitter,
  input: Value,
  outputGradient: Value,
  { kernel, strides, pads }: ConvolutionGeometry,
): Value {
  const [batch, inputs, ...inputSize] = input.shape;
  const [, outputs, ...size] = outputGradient.shape;
  const reach = axes3.map((a) => Math.floor((kernel[a] - 1) / strides[a]));
  const grid = axes3.map((a) => size[a] + reach[a]);
  const surplus = axes3.map((a) => strides[a] * grid[a] - pads[a] - inputSize[a]);
  const cut = axes3.reduce(
    (part, a) => slice(g, part, 2 + a, 0, inputSize[a] + Math.min(0, surplus[a])),
    input,
  );
  const padded = pad(
    g,
    cut,
    [0, 0, ...pads.slice(0, 3)],
    [0, 0, ...surplus.map((n) => Math.max(0, n))],
  );
  const columns = batch * elementsOf(grid);
  // One slice for each phase: Transpose does the same at half the speed.
  const perPhase = positions(strides).map((phase) =>
    reshape(g, flattened(g, everyNth(g, padded, phase, strides)), [1, inputs, columns]),
  );
  const phases = concat(g, perPhase, 0);
  const dy = flattened(g, pad(g, outputGradient, [0, 0, 0, 0, 0], [0, 0, ...reach]));
  const width = columns - offsetIn(grid, reach);
  const taps = positions(kernel);
  const isPhase = taps.length === elementsOf(strides) && reach.every((n) => n === 0);
  const xs = isPhase
    ? phases
    : concat(
        g,
        taps.map((tap) => {
          const phase = tap.map((k, a) => k % strides[a]);
          const row = (phase[0] * strides[1] + phase[1]) * strides[2] + phase[2];
          const start = offsetIn(
            grid,
            tap.map((k, a) => Math.floor(k / strides[a])),
          );
          return g.op('Slice', [phases], {
            starts: [row, start],
            ends: [row + 1, start + width],
            axes: [0, 2],
            steps: [1, 1],
          });
        }),
        0,
      );
  const product = g.op(
    'Gemm',
    [slice(g, dy, 1, 0, width), reshape(g, xs, [taps.length * inputs, width])],
    { transA: 0, transB: 1 },
  );
  const perTap = reshape(g, product, [outputs, taps.length, inputs]);
  return reshape(g, transpose(g, perTap, [0, 2, 1]), [outputs, inputs, ...kernel]);
}

/**
 * First axis whose taps shift the input rather than the gradient: the copies of both take the fewest
 * bytes. Measured against other lowerings in docs/decisions/0041-weight-gradient.md.
 */
function cheapestSplit(kernel: readonly number[], inputs: number, outputs: number): number {
  const copied = (split: number) =>
    elementsOf(kernel.slice(split)) * inputs + elementsOf(kernel.slice(0, split)) * outputs;
  return [0, 1, 2, 3].reduce((best, split) => (copied(split) < copied(best) ? split : best));
}

/** The voxels of one phase of a grid with strides. */
function everyNth(
  g: Emitter,
  x: Value,
  phase: readonly number[],
  strides: readonly number[],
): Value {
  if (strides.every((n) => n === 1)) return x;
  return g.op('Slice', [x], {
    starts: phase,
    ends: x.shape.slice(2),
    axes: [2, 3, 4],
    steps: strides,
  });
}

/** [batch, channels, ...] as [channels, batch * voxels]. */
function flattened(g: Emitter, x: Value): Value {
  const [, channels, ...rest] = x.shape;
  const channelsFirst = transpose(g, x, [1, 0, ...rest.map((_, axis) => axis + 2)]);
  return reshape(g, channelsFirst, [channels, x.shape[0] * elementsOf(rest)]);
}

const offsetIn = (grid: readonly number[], at: readonly number[]) =>
  (at[0] * grid[1] + at[1]) * grid[2] + at[2];

/** All positions in a box, the last axis fastest. */
function positions(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (rows, n) => rows.flatMap((row) => Array.from({ length: n }, (_, i) => [...row, i])),
    [[]],
  );
}
