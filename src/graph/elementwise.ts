import { divide, multiply, scalar, scale, subtract, sumToShape } from './expressions.js';
import {
  broadcastShape,
  bytesOf,
  type ElementType,
  type Emitter,
  elementsOf,
  type OperatorCost,
  type OperatorRow,
  requireShape,
  scalarOf,
  type TensorType,
  type Value,
} from './value.js';

/** The cost of an operator that reads its inputs once and writes its output once. */
export const streamed = (
  inputs: readonly TensorType[],
  output: TensorType,
  flops: number,
): OperatorCost => ({
  flops,
  bytes: inputs.reduce((sum, input) => sum + bytesOf(input), bytesOf(output)),
});

const perElement =
  (flops: number): OperatorRow['cost'] =>
  (inputs, output) =>
    streamed(inputs, output, flops * elementsOf(output.shape));

type Gradients = (
  g: Emitter,
  inputs: readonly Value[],
  dy: Value,
  y: Value,
) => (Value | undefined)[];

function binary(gradients: Gradients | 'none', element: ElementType = 'float32'): OperatorRow {
  return {
    shape(inputs) {
      requireShape(inputs.length === 2 && inputs[0].element === inputs[1].element, 'two tensors');
      return { element, shape: broadcastShape(inputs.map((input) => input.shape)) };
    },
    gradient:
      gradients === 'none'
        ? 'none'
        : (g, { inputs, output, outputGradient }) =>
            gradients(g, inputs, outputGradient, output).map(
              (value, i) => value && sumToShape(g, value, inputs[i].shape),
            ),
    cost: perElement(1),
  };
}

function unary(
  gradient: (g: Emitter, x: Value, dy: Value, y: Value) => Value | undefined,
): OperatorRow {
  return {
    shape(inputs) {
      requireShape(inputs.length === 1 && inputs[0].element === 'float32', 'one float32 tensor');
      return { element: 'float32', shape: inputs[0].shape };
    },
    gradient: (g, { inputs, output, outputGradient }) => [
      gradient(g, inputs[0], outputGradient, output),
    ],
    cost: perElement(1),
  };
}

/** Where `a > b` 1, else `otherwise`; as numbers. */
const stepAbove = (g: Emitter, a: Value, b: Value, otherwise: number) =>
  g.op('Where', [g.op('Greater', [a, b]), scalar(g, 1), scalar(g, otherwise)]);

/** Far below what an activation can be, and far above what float32 cannot tell from 0. */
const tiny = 2 ** -40;

export const elementwise = {
  Add: binary((_, __, dy) => [dy, dy]),
  Sub: binary((g, _, dy) => [dy, g.op('Neg', [dy])]),
  Mul: binary((g, [a, b], dy) => [multiply(g, dy, b), multiply(g, dy, a)]),
  Div: binary((g, [, b], dy, y) => [
    divide(g, dy, b),
    g.op('Neg', [divide(g, multiply(g, dy, y), b)]),
  ]),
  /** Where both are equal the gradient goes to the first. */
  Min: binary((g, [a, b], dy) => {
    const ofSecond = stepAbove(g, a, b, 0);
    return [multiply(g, dy, subtract(g, scalar(g, 1), ofSecond)), multiply(g, dy, ofSecond)];
  }),
  Neg: unary((g, _, dy) => g.op('Neg', [dy])),
  Exp: unary((g, _, dy, y) => multiply(g, dy, y)),
  Erf: unary((g, x, dy) => {
    const bell = g.op('Exp', [g.op('Neg', [multiply(g, x, x)])]);
    return multiply(g, dy, scale(g, bell, 2 / Math.sqrt(Math.PI)));
  }),
  Log: unary((g, x, dy) => divide(g, dy, x)),
  Sqrt: unary((g, _, dy, y) => divide(g, scale(g, dy, 0.5), y)),
  Reciprocal: unary((g, _, dy, y) => g.op('Neg', [multiply(g, dy, multiply(g, y, y))])),
  LeakyRelu: {
    ...unary(() => undefined),
    // The output has the sign of the input, and is what the forward pass keeps anyway. Clipped to
    // tiny numbers of the right ratio it is the slope times a power of two, in one operator.
    gradient(g, { attributes, output, outputGradient }) {
      const alpha = scalarOf(attributes, 'alpha');
      if (alpha === 0) {
        return [multiply(g, outputGradient, stepAbove(g, output, scalar(g, 0), 0))];
      }
      requireShape(alpha > 0 && alpha < 1, `a slope between 0 and 1 for a gradient, not ${alpha}`);
      const slope = g.op('Clip', [output, scalar(g, alpha * tiny), scalar(g, tiny)]);
      return [scale(g, multiply(g, outputGradient, slope), 1 / tiny)];
    },
  },
  /** Tensor, lowest and highest value. */
  Clip: {
    shape(inputs) {
      const [x, low, high] = inputs;
      const fits = inputs.length === 3 && low.shape.length === 0 && high.shape.length === 0;
      requireShape(fits, 'a tensor and two scalars');
      return { element: x.element, shape: x.shape };
    },
    gradient: 'none',
    cost: perElement(1),
  },
  /** The value, as a constant for differentiation. */
  StopGradient: { ...unary(() => undefined), onnxName: 'Identity', cost: () => free },
  Greater: binary('none', 'bool'),
  Equal: binary('none', 'bool'),
  Where: {
    shape(inputs) {
      const [condition, a, b] = inputs;
      requireShape(
        inputs.length === 3 && condition.element === 'bool' && a.element === b.element,
        'a condition and two tensors of one type',
      );
      return { element: a.element, shape: broadcastShape(inputs.map((input) => input.shape)) };
    },
    gradient: (g, { inputs: [condition, a, b], outputGradient: dy }) => [
      undefined,
      sumToShape(g, g.op('Where', [condition, dy, scalar(g, 0)]), a.shape),
      sumToShape(g, g.op('Where', [condition, scalar(g, 0), dy]), b.shape),
    ],
    cost: perElement(1),
  },
  /** To float32. */
  Cast: {
    shape(inputs) {
      requireShape(inputs.length === 1, 'one tensor');
      return { element: 'float32', shape: inputs[0].shape };
    },
    fixed: { to: 1 },
    gradient: 'none',
    cost: perElement(0),
  },
} as const satisfies Partial<Record<string, OperatorRow>>;

/** What the runtime does without touching the data. */
export const free: OperatorCost = { flops: 0, bytes: 0 };
