import { free, streamed } from './elementwise.js';
import { concat, pad, reshape, scale, slice, sumToShape, transpose } from './expressions.js';
import {
  broadcastShape,
  elementsOf,
  type OperatorRow,
  requireShape,
  scalarOf,
  vectorOf,
} from './value.js';

const moved: OperatorRow['cost'] = (inputs, output) => streamed(inputs, output, 0);
/** Parts of an input are read, as many elements as the output has. */
const movedPart: OperatorRow['cost'] = (_, output) => streamed([output], output, 0);

function reducedShape(
  shape: readonly number[],
  axes: readonly number[],
  keepdims: boolean,
): number[] {
  requireShape(
    axes.every((axis) => Number.isInteger(axis) && axis >= 0 && axis < shape.length),
    `axes of [${shape}], not ${axes}`,
  );
  return keepdims
    ? shape.map((n, axis) => (axes.includes(axis) ? 1 : n))
    : shape.filter((_, axis) => !axes.includes(axis));
}

function reduction(gradient: OperatorRow['gradient']): OperatorRow {
  return {
    vectors: ['axes'],
    shape: ([x], attributes) => ({
      element: x.element,
      shape: reducedShape(
        x.shape,
        vectorOf(attributes, 'axes'),
        scalarOf(attributes, 'keepdims') === 1,
      ),
    }),
    gradient,
    cost: (inputs, output) => streamed(inputs, output, elementsOf(inputs[0].shape)),
  };
}

const spread =
  (isMean: boolean): OperatorRow['gradient'] =>
  (g, { inputs: [x], attributes, output, outputGradient }) => {
    const kept = reducedShape(x.shape, vectorOf(attributes, 'axes'), true);
    const count = elementsOf(x.shape) / elementsOf(output.shape);
    const gradient = scale(g, reshape(g, outputGradient, kept), isMean ? 1 / count : 1);
    return [g.op('Expand', [gradient], { shape: x.shape })];
  };

export const arrange = {
  ReduceSum: reduction(spread(false)),
  ReduceMean: reduction(spread(true)),
  ReduceMax: reduction('none'),
  ReduceSumSquare: reduction('none'),
  Reshape: {
    vectors: ['shape'],
    shape([x], attributes) {
      const shape = vectorOf(attributes, 'shape');
      requireShape(
        elementsOf(shape) === elementsOf(x.shape),
        `as many elements as [${x.shape}], not [${shape}]`,
      );
      return { element: x.element, shape };
    },
    gradient: (g, { inputs: [x], outputGradient }) => [reshape(g, outputGradient, x.shape)],
    cost: () => free,
  },
  Transpose: {
    shape([x], attributes) {
      const perm = vectorOf(attributes, 'perm');
      requireShape(
        perm.length === x.shape.length && new Set(perm).size === perm.length,
        `a permutation of the axes of [${x.shape}], not ${perm}`,
      );
      return { element: x.element, shape: perm.map((axis) => x.shape[axis]) };
    },
    gradient(g, { attributes, outputGradient }) {
      const perm = vectorOf(attributes, 'perm');
      return [
        transpose(
          g,
          outputGradient,
          perm.map((_, axis) => perm.indexOf(axis)),
        ),
      ];
    },
    cost: moved,
  },
  Expand: {
    vectors: ['shape'],
    shape([x], attributes) {
      const shape = vectorOf(attributes, 'shape');
      const result = broadcastShape([x.shape, shape]);
      requireShape(String(result) === String(shape), `[${x.shape}] to fit into [${shape}]`);
      return { element: x.element, shape };
    },
    gradient: (g, { inputs: [x], outputGradient }) => [sumToShape(g, outputGradient, x.shape)],
    cost: moved,
  },
  /** Positive steps, within bounds. */
  Slice: {
    vectors: ['starts', 'ends', 'axes', 'steps'],
    shape([x], attributes) {
      const [starts, ends, axes, steps] = ['starts', 'ends', 'axes', 'steps'].map((name) =>
        vectorOf(attributes, name),
      );
      const shape = [...x.shape];
      for (const [i, axis] of axes.entries()) {
        requireShape(
          starts[i] >= 0 && starts[i] < ends[i] && ends[i] <= x.shape[axis] && steps[i] >= 1,
          `a part of axis ${axis} of [${x.shape}], not ${starts[i]}:${ends[i]}:${steps[i]}`,
        );
        shape[axis] = Math.ceil((ends[i] - starts[i]) / steps[i]);
      }
      return { element: x.element, shape };
    },
    gradient(g, { inputs: [x], attributes, outputGradient }) {
      if (vectorOf(attributes, 'steps').some((step) => step !== 1)) {
        throw new RangeError('Slice with a step has no gradient');
      }
      const before = x.shape.map(() => 0);
      const after = x.shape.map(() => 0);
      for (const [i, axis] of vectorOf(attributes, 'axes').entries()) {
        before[axis] = vectorOf(attributes, 'starts')[i];
        after[axis] = x.shape[axis] - vectorOf(attributes, 'ends')[i];
      }
      return [pad(g, outputGradient, before, after)];
    },
    cost: movedPart,
  },
  /** With zeros. */
  Pad: {
    vectors: ['pads'],
    shape([x], attributes) {
      const pads = vectorOf(attributes, 'pads');
      const rank = x.shape.length;
      requireShape(
        pads.length === 2 * rank && pads.every((n) => Number.isInteger(n) && n >= 0),
        `two widths for each axis of [${x.shape}], not ${pads}`,
      );
      return {
        element: x.element,
        shape: x.shape.map((n, axis) => n + pads[axis] + pads[rank + axis]),
      };
    },
    gradient(g, { inputs: [x], attributes, outputGradient }) {
      const pads = vectorOf(attributes, 'pads');
      return [
        x.shape.reduce(
          (part, n, axis) => slice(g, part, axis, pads[axis], pads[axis] + n),
          outputGradient,
        ),
      ];
    },
    cost: moved,
  },
  Concat: {
    shape(inputs, attributes) {
      const axis = scalarOf(attributes, 'axis');
      const [{ element, shape }] = inputs;
      for (const input of inputs) {
        requireShape(
          input.element === element &&
            input.shape.length === shape.length &&
            input.shape.every((n, i) => i === axis || n === shape[i]),
          `shapes that differ along axis ${axis} only, not [${shape}] and [${input.shape}]`,
        );
      }
      const length = inputs.reduce((sum, input) => sum + input.shape[axis], 0);
      return { element, shape: shape.map((n, i) => (i === axis ? length : n)) };
    },
    gradient(g, { inputs, attributes, outputGradient }) {
      const axis = scalarOf(attributes, 'axis');
      let start = 0;
      return inputs.map(({ shape }) => {
        const part = slice(g, outputGradient, axis, start, start + shape[axis]);
        start += shape[axis];
        return part;
      });
    },
    cost: moved,
  },
  /** Rows along an axis in another order, by a list of indices. */
  Gather: {
    vectors: ['indices'],
    shape([x], attributes) {
      const axis = scalarOf(attributes, 'axis');
      const indices = vectorOf(attributes, 'indices');
      requireShape(
        indices.every((i) => Number.isInteger(i) && i >= 0 && i < x.shape[axis]),
        `indices below ${x.shape[axis]}, not ${indices}`,
      );
      return {
        element: x.element,
        shape: x.shape.map((n, i) => (i === axis ? indices.length : n)),
      };
    },
    gradient(g, { inputs: [x], attributes, outputGradient }) {
      const axis = scalarOf(attributes, 'axis');
      const indices = vectorOf(attributes, 'indices');
      const count = x.shape[axis];
      const row = (at: number) => slice(g, outputGradient, axis, at, at + 1);
      const zero = scale(g, row(0), 0);
      const rows = Array.from({ length: count }, (_, index) =>
        indices.reduce<undefined | ReturnType<typeof row>>(
          (sum, chosen, at) =>
            chosen !== index ? sum : sum ? g.op('Add', [sum, row(at)]) : row(at),
          undefined,
        ),
      );
      return [
        concat(
          g,
          rows.map((value) => value ?? zero),
          axis,
        ),
      ];
    },
    cost: movedPart,
  },
} as const satisfies Partial<Record<string, OperatorRow>>;
