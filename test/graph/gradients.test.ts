import { describe, expect, it } from 'vitest';
import {
  type Emitter,
  elementsOf,
  Graph,
  gradients,
  multiply,
  operatorNames,
  operators,
  reshape,
  sumOf,
  upsample,
  type Value,
} from '../../src/graph/index.js';
import { seededRandom } from '../../src/volume/random.js';
import { runGraph } from './run-graph.js';

interface Case {
  /** Shapes of the inputs that are differentiated. */
  readonly shapes: readonly (readonly number[])[];
  readonly build: (g: Emitter, inputs: readonly Value[]) => Value;
  /** Values are drawn away from 0 and positive. */
  readonly positive?: boolean;
}

const conv =
  (kernel: number[], strides: number[], pads: number[]) => (g: Emitter, x: readonly Value[]) =>
    g.op('Conv', x, { kernel_shape: kernel, strides, pads: [...pads, ...pads] });
const gemm = (transA: number, transB: number) => (g: Emitter, x: readonly Value[]) =>
  g.op('Gemm', x, { transA, transB });
const same =
  (
    operator:
      | 'Add'
      | 'Sub'
      | 'Mul'
      | 'Div'
      | 'Min'
      | 'Neg'
      | 'Exp'
      | 'Erf'
      | 'Log'
      | 'Sqrt'
      | 'Reciprocal',
  ) =>
  (g: Emitter, x: readonly Value[]) =>
    g.op(operator, x);

const cases: Record<string, Case> = {
  'Add with broadcasting': {
    shapes: [
      [2, 3, 4],
      [3, 1],
    ],
    build: same('Add'),
  },
  Sub: {
    shapes: [
      [2, 3],
      [2, 3],
    ],
    build: same('Sub'),
  },
  'Mul with broadcasting': {
    shapes: [
      [1, 3, 1],
      [2, 3, 4],
    ],
    build: same('Mul'),
  },
  'Mul of a value with itself': { shapes: [[5]], build: (g, [x]) => g.op('Mul', [x, x]) },
  'Div with broadcasting': { shapes: [[2, 3], [3]], build: same('Div'), positive: true },
  Min: { shapes: [[6], [6]], build: same('Min') },
  Neg: { shapes: [[4]], build: same('Neg') },
  Exp: { shapes: [[4]], build: same('Exp') },
  Erf: { shapes: [[4]], build: same('Erf') },
  Log: { shapes: [[4]], build: same('Log'), positive: true },
  Sqrt: { shapes: [[4]], build: same('Sqrt'), positive: true },
  Reciprocal: { shapes: [[4]], build: same('Reciprocal'), positive: true },
  LeakyRelu: { shapes: [[8]], build: (g, x) => g.op('LeakyRelu', x, { alpha: 0.01 }) },
  Where: {
    shapes: [[2, 3], [3], [2, 1]],
    build: (g, [c, a, b]) =>
      g.op('Where', [g.op('Greater', [c, g.constant(Float32Array.of(0), [])]), a, b]),
  },
  ReduceSum: {
    shapes: [[2, 3, 4]],
    build: (g, x) => g.op('ReduceSum', x, { axes: [0, 2], keepdims: 0 }),
  },
  ReduceMean: {
    shapes: [[2, 3, 4]],
    build: (g, x) => g.op('ReduceMean', x, { axes: [1], keepdims: 1 }),
  },
  Reshape: { shapes: [[2, 6]], build: (g, [x]) => reshape(g, x, [3, 4]) },
  Transpose: { shapes: [[2, 3, 4]], build: (g, x) => g.op('Transpose', x, { perm: [2, 0, 1] }) },
  Expand: { shapes: [[3, 1]], build: (g, x) => g.op('Expand', x, { shape: [2, 3, 4] }) },
  Slice: {
    shapes: [[4, 5]],
    build: (g, x) =>
      g.op('Slice', x, { starts: [1, 0], ends: [3, 4], axes: [0, 1], steps: [1, 1] }),
  },
  Pad: { shapes: [[2, 3]], build: (g, x) => g.op('Pad', x, { pads: [0, 1, 2, 0] }) },
  Concat: {
    shapes: [
      [2, 1],
      [2, 3],
    ],
    build: (g, x) => g.op('Concat', x, { axis: 1 }),
  },
  'Gather with an index twice and one left out': {
    shapes: [[2, 4]],
    build: (g, x) => g.op('Gather', x, { axis: 1, indices: [3, 1, 1] }),
  },
  'Gemm of A B': {
    shapes: [
      [2, 3],
      [3, 4],
    ],
    build: gemm(0, 0),
  },
  "Gemm of A' B": {
    shapes: [
      [3, 2],
      [3, 4],
    ],
    build: gemm(1, 0),
  },
  "Gemm of A B'": {
    shapes: [
      [2, 3],
      [4, 3],
    ],
    build: gemm(0, 1),
  },
  "Gemm of A' B'": {
    shapes: [
      [3, 2],
      [4, 3],
    ],
    build: gemm(1, 1),
  },
  'Conv of kernel 3 with a bias': {
    shapes: [[2, 2, 3, 4, 3], [3, 2, 3, 3, 3], [3]],
    build: conv([3, 3, 3], [1, 1, 1], [1, 1, 1]),
  },
  'Conv of many inputs and few outputs': {
    shapes: [
      [2, 7, 3, 3, 4],
      [1, 7, 3, 3, 3],
    ],
    build: conv([3, 3, 3], [1, 1, 1], [1, 1, 1]),
  },
  'Conv of an anisotropic kernel': {
    shapes: [
      [2, 2, 3, 4, 5],
      [2, 2, 1, 3, 3],
    ],
    build: conv([1, 3, 3], [1, 1, 1], [0, 1, 1]),
  },
  'Conv without padding': {
    shapes: [
      [1, 2, 4, 4, 5],
      [2, 2, 3, 3, 3],
    ],
    build: conv([3, 3, 3], [1, 1, 1], [0, 0, 0]),
  },
  'Conv of stride 2': {
    shapes: [
      [2, 2, 4, 4, 6],
      [3, 2, 3, 3, 3],
    ],
    build: conv([3, 3, 3], [2, 2, 2], [1, 1, 1]),
  },
  'Conv of stride 2 on an odd number of voxels': {
    shapes: [
      [1, 2, 5, 3, 5],
      [2, 2, 3, 3, 3],
    ],
    build: conv([3, 3, 3], [2, 2, 2], [1, 1, 1]),
  },
  'Conv of anisotropic kernel and stride': {
    shapes: [
      [2, 2, 3, 4, 4],
      [2, 2, 1, 3, 3],
    ],
    build: conv([1, 3, 3], [1, 2, 2], [0, 1, 1]),
  },
  'Conv of kernel 1': {
    shapes: [
      [2, 3, 2, 3, 2],
      [2, 3, 1, 1, 1],
    ],
    build: conv([1, 1, 1], [1, 1, 1], [0, 0, 0]),
  },
  'Conv of kernel 1 and stride 2': {
    shapes: [
      [1, 2, 4, 4, 4],
      [2, 2, 1, 1, 1],
    ],
    build: conv([1, 1, 1], [2, 2, 2], [0, 0, 0]),
  },
  'Conv as upsampling with a bias': {
    shapes: [[2, 3, 2, 2, 3], [3, 2, 2, 2, 2], [2]],
    build: (g, [x, weight, bias]) => upsample(g, x, weight, bias),
  },
  'Conv as upsampling by anisotropic strides': {
    shapes: [
      [2, 2, 3, 2, 2],
      [2, 3, 1, 2, 3],
    ],
    build: (g, [x, weight]) => upsample(g, x, weight),
  },
  AveragePool: {
    shapes: [[2, 2, 2, 4, 4]],
    build: (g, x) =>
      g.op('AveragePool', x, {
        kernel_shape: [1, 2, 2],
        strides: [1, 2, 2],
        pads: [0, 0, 0, 0, 0, 0],
      }),
  },
  InstanceNormalization: {
    shapes: [[2, 3, 2, 3, 4], [3], [3]],
    build: (g, x) => g.op('InstanceNormalization', x, { epsilon: 1e-5 }),
  },
};

/** Drawn in (0.5, 1.5), with a random sign unless positive: nothing lies near a kink. */
function draw(count: number, seed: number, positive = false): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length: count }, () => {
    const size = 0.5 + random.uniform();
    return positive || random.uniform() < 0.5 ? size : -size;
  });
}

describe('the gradient of every operator', () => {
  it.each(Object.entries(cases))(
    'agrees with finite differences: %s',
    async (_, { shapes, build, positive }) => {
      const g = new Graph();
      const inputs = shapes.map((shape, i) => g.input(`x${i}`, shape));
      const y = build(g, inputs);
      const weights = g.input('weights', y.shape);
      const axes = y.shape.map((_, axis) => axis);
      const loss = g.op('ReduceSum', [multiply(g, y, weights)], { axes, keepdims: 0 });
      const found = gradients(g, loss, inputs);
      const feeds: Record<string, Float32Array> = { weights: draw(elementsOf(y.shape), 1) };
      for (const [i, shape] of shapes.entries())
        feeds[`x${i}`] = draw(elementsOf(shape), 2 + i, positive);

      const outputs = Object.fromEntries(
        found.flatMap((value, i) => (value ? [[`d${i}`, value]] : [])),
      );
      const analytic = await (await runGraph(outputs, feeds))();
      const run = await runGraph({ y }, feeds);
      const step = 1e-2;
      for (const [i, shape] of shapes.entries()) {
        const numeric = new Float32Array(elementsOf(shape));
        for (let at = 0; at < numeric.length; at++) {
          const lossAt = async (by: number) => {
            const moved = feeds[`x${i}`].slice();
            moved[at] += by;
            const result = (await run({ [`x${i}`]: moved })).y;
            return result.reduce((sum, value, j) => sum + value * feeds.weights[j], 0);
          };
          // Richardson's extrapolation: the error of the central difference falls with step^4.
          const wide = ((await lossAt(step * 2)) - (await lossAt(-step * 2))) / (4 * step);
          const narrow = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
          numeric[at] = (4 * narrow - wide) / 3;
        }
        if (!found[i]) {
          expect(Math.max(...numeric.map(Math.abs))).toBe(0);
          continue;
        }
        const given = analytic[`d${i}`];
        const largest = Math.max(...numeric.map(Math.abs), 1e-3);
        for (const [at, value] of numeric.entries()) {
          expect(Math.abs(given[at] - value) / largest).toBeLessThan(2e-3);
        }
      }
    },
  );

  it('has a case above for every row with a gradient', () => {
    const tested = new Set(Object.keys(cases).map((name) => name.split(' ')[0]));
    const without = operatorNames.filter(
      (name) => operators[name].gradient !== 'none' && name !== 'StopGradient' && !tested.has(name),
    );
    expect(without).toEqual([]);
  });

  it('is absent behind StopGradient', () => {
    const g = new Graph();
    const x = g.input('x', []);
    const stopped = g.op('StopGradient', [multiply(g, x, x)]);
    expect(gradients(g, stopped, [x])).toEqual([undefined]);
    const [d] = gradients(g, sumOf(g, [stopped, x]), [x]);
    expect(d?.source).toMatchObject({ kind: 'constant' });
  });

  it('names an operator that has none', () => {
    const g = new Graph();
    const x = g.input('x', [3]);
    const loss = g.op('ReduceMax', [x], { axes: [0], keepdims: 0 });
    expect(() => gradients(g, loss, [x])).toThrow('ReduceMax has no gradient');
  });
});
