import { convolutionInputGradient } from './convolution-input-gradient.js';
import { convolutionWeightGradient } from './convolution-weight-gradient.js';
import { streamed } from './elementwise.js';
import {
  add,
  factored,
  multiply,
  reduceMean,
  reduceSum,
  reshape,
  scalar,
  scale,
  subtract,
} from './expressions.js';
import type { ConvolutionGeometry } from './positions.js';
import {
  type Attributes,
  type Emitter,
  elementsOf,
  type OperatorRow,
  requireShape,
  scalarOf,
  type TensorType,
  type Value,
  vectorOf,
} from './value.js';

const geometryOf = (attributes: Attributes): ConvolutionGeometry => ({
  kernel: vectorOf(attributes, 'kernel_shape'),
  strides: vectorOf(attributes, 'strides'),
  pads: vectorOf(attributes, 'pads'),
});

/** Shapes of images [batch, channels, d, h, w], or without d, and weights that go together. */
function requireLayer(
  [x, weight, bias]: readonly TensorType[],
  { kernel, strides, pads }: ConvolutionGeometry,
): void {
  requireShape(
    (x.shape.length === 5 || x.shape.length === 4) &&
      weight.shape.length === x.shape.length &&
      weight.shape[1] === x.shape[1],
    `an image and weights that fit, not [${x.shape}] and [${weight.shape}]`,
  );
  requireShape(
    [kernel.length, strides.length, pads.length / 2].every((n) => n === x.shape.length - 2),
    'kernel and strides along all axes of the image, and pads on both sides',
  );
  requireShape(
    String(weight.shape.slice(2)) === String(kernel),
    `weights of kernel ${kernel}, not [${weight.shape}]`,
  );
  requireShape(!bias || String(bias.shape) === String([weight.shape[0]]), 'a bias for each output');
}

const biasGradient = (g: Emitter, dy: Value) =>
  reshape(g, reduceSum(g, dy, [0, 2, 3, 4]), [dy.shape[1]]);

/** Size of the output; taps of the kernel are `dilations` apart. */
const windows = (
  size: readonly number[],
  { kernel, strides, pads }: ConvolutionGeometry,
  dilations: readonly number[],
) =>
  size.map((n, a) => {
    const span = (kernel[a] - 1) * dilations[a] + 1;
    return Math.floor((n + pads[a] + pads[size.length + a] - span) / strides[a]) + 1;
  });

export const layers = {
  Gemm: {
    shape([a, b], attributes) {
      const [rows, inner] = scalarOf(attributes, 'transA') ? [a.shape[1], a.shape[0]] : a.shape;
      const [innerB, columns] = scalarOf(attributes, 'transB') ? [b.shape[1], b.shape[0]] : b.shape;
      requireShape(
        a.shape.length === 2 && b.shape.length === 2 && inner === innerB,
        `two matrices that can be multiplied, not [${a.shape}] and [${b.shape}]`,
      );
      return { element: 'float32', shape: [rows, columns] };
    },
    gradient(g, { inputs: [a, b], attributes, outputGradient: dy, wanted }) {
      const transA = scalarOf(attributes, 'transA');
      const transB = scalarOf(attributes, 'transB');
      const product = (p: Value, q: Value, transP: number, transQ: number) =>
        g.op('Gemm', [p, q], { transA: transP, transB: transQ });
      return [
        wanted[0]
          ? transA
            ? product(b, dy, transB, 1)
            : product(dy, b, 0, 1 - transB)
          : undefined,
        wanted[1]
          ? transB
            ? product(dy, a, 1, transA)
            : product(a, dy, 1 - transA, 0)
          : undefined,
      ];
    },
    cost(inputs, output, attributes) {
      const inner = inputs[0].shape[scalarOf(attributes, 'transA') ? 0 : 1];
      return streamed(inputs, output, 2 * inner * elementsOf(output.shape));
    },
  },
  /**
   * Image, weight [outputs, inputs, ...kernel], and a bias where there is one; over three axes, or
   * over two without a gradient.
   */
  Conv: {
    shape(inputs, attributes) {
      const geometry = geometryOf(attributes);
      const [x, weight] = inputs;
      requireLayer(inputs, geometry);
      const dilations = attributes.dilations ? vectorOf(attributes, 'dilations') : [1, 1, 1];
      const size = windows(x.shape.slice(2), geometry, dilations);
      requireShape(
        size.every((n) => n >= 1),
        `an image of at least the kernel, not [${x.shape}]`,
      );
      return { element: 'float32', shape: [x.shape[0], weight.shape[0], ...size] };
    },
    gradient(g, { inputs: [x, weight, bias], attributes, outputGradient, wanted }) {
      if (x.shape.length !== 5 || attributes.dilations) {
        throw new RangeError('Conv over two axes, or with dilations, has no gradient');
      }
      const geometry = geometryOf(attributes);
      return [
        wanted[0]
          ? convolutionInputGradient(g, weight, outputGradient, x.shape, geometry)
          : undefined,
        wanted[1] ? convolutionWeightGradient(g, x, outputGradient, geometry) : undefined,
        bias && wanted[2] ? biasGradient(g, outputGradient) : undefined,
      ];
    },
    cost(inputs, output) {
      const perOutput = 2 * elementsOf(inputs[1].shape.slice(1));
      return streamed(inputs, output, perOutput * elementsOf(output.shape));
    },
  },
  /** Over windows that do not overlap: kernel and strides are the same and divide the image. */
  AveragePool: {
    shape([x], attributes) {
      const { kernel, strides, pads } = geometryOf(attributes);
      requireShape(
        String(kernel) === String(strides) &&
          pads.every((n) => n === 0) &&
          kernel.every((n, a) => x.shape[2 + a] % n === 0),
        `windows ${kernel} that divide [${x.shape}]`,
      );
      return {
        element: 'float32',
        shape: x.shape.map((n, axis) => (axis < 2 ? n : n / kernel[axis - 2])),
      };
    },
    gradient(g, { inputs: [x], attributes, outputGradient }) {
      const { kernel } = geometryOf(attributes);
      const [batch, channels, d, h, w] = outputGradient.shape;
      const mean = scale(g, outputGradient, 1 / elementsOf(kernel));
      const spread = g.op('Expand', [reshape(g, mean, [batch, channels, d, 1, h, 1, w, 1])], {
        shape: [batch, channels, d, kernel[0], h, kernel[1], w, kernel[2]],
      });
      return [reshape(g, spread, x.shape)];
    },
    cost: (inputs, output) => streamed(inputs, output, elementsOf(inputs[0].shape)),
  },
  /** Image, scale [channels] and shift [channels]; each channel of each sample on its own. */
  InstanceNormalization: {
    shape(inputs) {
      const [x, gamma, beta] = inputs;
      requireShape(
        inputs.length === 3 &&
          x.shape.length === 5 &&
          [gamma, beta].every(({ shape }) => String(shape) === String([x.shape[1]])),
        `an image with scale and shift for each channel, not ${inputs.map((i) => `[${i.shape}]`)}`,
      );
      return { element: 'float32', shape: x.shape };
    },
    gradient(g, { inputs: [x, gamma], attributes, outputGradient, wanted }) {
      const { value: dy, factor } = factored(outputGradient);
      const voxels = [2, 3, 4];
      const count = elementsOf(x.shape.slice(2));
      const channels = x.shape[1];
      const centred = subtract(g, x, reduceMean(g, x, voxels));
      const variance = reduceMean(g, multiply(g, centred, centred), voxels);
      const inverseDeviation = g.op('Reciprocal', [
        g.op('Sqrt', [add(g, variance, scalar(g, scalarOf(attributes, 'epsilon')))]),
      ]);
      const sumDy = scale(g, reduceSum(g, dy, voxels), factor);
      const sumDyNormal = multiply(
        g,
        scale(g, reduceSum(g, multiply(g, dy, centred), voxels), factor),
        inverseDeviation,
      );
      // dx = a dy + b centred + c with one a, b and c for each channel.
      const a = multiply(g, reshape(g, gamma, [1, channels, 1, 1, 1]), inverseDeviation);
      const b = multiply(g, multiply(g, a, inverseDeviation), scale(g, sumDyNormal, -1 / count));
      const c = multiply(g, a, scale(g, sumDy, -1 / count));
      const perChannel = (sum: Value) => reshape(g, reduceSum(g, sum, [0]), [channels]);
      return [
        wanted[0]
          ? add(g, multiply(g, dy, scale(g, a, factor)), add(g, multiply(g, centred, b), c))
          : undefined,
        perChannel(sumDyNormal),
        perChannel(sumDy),
      ];
    },
    cost: (inputs, output) => streamed(inputs, output, 8 * elementsOf(output.shape)),
  },
} as const satisfies Partial<Record<string, OperatorRow>>;
