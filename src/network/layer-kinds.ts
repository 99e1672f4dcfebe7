import {
  add,
  divide,
  type Emitter,
  multiply,
  reduceMean,
  reshape,
  scalar,
  scale,
  subtract,
  type Value,
} from '../graph/index.js';
import type { WeightSource } from './weight-source.js';

/** How the values of a layer are normalised. */
export type Norm =
  | { readonly kind: 'instance' | 'batch' | 'response'; readonly epsilon: number }
  | { readonly kind: 'group'; readonly epsilon: number; readonly groups: number }
  | { readonly kind: 'none' };

export type Activation =
  /** A slope of 0 is a ReLU. */
  | { readonly kind: 'leaky-relu'; readonly slope: number }
  | { readonly kind: 'gelu' | 'mish' | 'none' };

/** What follows each convolution of a U-Net. */
export interface LayerKinds {
  readonly norm: Norm;
  readonly activation: Activation;
  /** The activation comes before the norm. */
  readonly activationFirst: boolean;
}

/** PyTorch's default, which nnU-Net uses. */
export const leakySlope = 0.01;

/** nnU-Net's own. */
export const usualLayerKinds: LayerKinds = {
  norm: { kind: 'instance', epsilon: 1e-5 },
  activation: { kind: 'leaky-relu', slope: leakySlope },
  activationFirst: false,
};

/** Above it `mish(x)` is `x` in single precision, and the square of its exponential still a number. */
const largestExponent = 20;

export function activate(g: Emitter, x: Value, activation: Activation): Value {
  switch (activation.kind) {
    case 'leaky-relu':
      return g.op('LeakyRelu', [x], { alpha: activation.slope });
    case 'gelu': {
      // x times the normal distribution up to x (Hendrycks and Gimpel 2016, arXiv 1606.08415).
      const half = scale(g, x, 0.5);
      return add(g, half, multiply(g, half, g.op('Erf', [scale(g, x, Math.SQRT1_2)])));
    }
    case 'mish': {
      // x tanh(log(1 + e)) with e = exp(x) is x n / (n + 2) with n = e (e + 2) (arXiv 1908.08681).
      const e = g.op('Exp', [g.op('Min', [x, scalar(g, largestExponent)])]);
      const n = multiply(g, e, add(g, e, scalar(g, 2)));
      return multiply(g, x, divide(g, n, add(g, n, scalar(g, 2))));
    }
    case 'none':
      return x;
  }
}

/**
 * A norm with its weights, which have PyTorch's names and shapes.
 * @param x [batch, channels, d, h, w]
 */
export function normalize(
  g: Emitter,
  x: Value,
  norm: Norm,
  name: string,
  weight: WeightSource,
): Value {
  const channels = x.shape[1];
  const perChannel = (part: string) => weight(`${name}.${part}`, [channels]);
  const spread = (value: Value) => reshape(g, value, [1, channels, 1, 1, 1]);
  switch (norm.kind) {
    case 'none':
      return x;
    case 'instance':
      return g.op('InstanceNormalization', [x, perChannel('weight'), perChannel('bias')], {
        epsilon: norm.epsilon,
      });
    case 'batch': {
      const [gamma, beta] = [perChannel('weight'), perChannel('bias')];
      const [mean, variance] = [perChannel('running_mean'), perChannel('running_var')];
      const deviation = g.op('Sqrt', [add(g, variance, scalar(g, norm.epsilon))]);
      const factor = divide(g, gamma, deviation);
      const shift = subtract(g, beta, multiply(g, mean, factor));
      return add(g, multiply(g, x, spread(factor)), spread(shift));
    }
    case 'group': {
      const [batch, , depth, ...plane] = x.shape;
      const inGroup = channels / norm.groups;
      const grouped = reshape(g, x, [batch, norm.groups, inGroup * depth, ...plane]);
      const constant = (value: number) =>
        g.constant(new Float32Array(norm.groups).fill(value), [norm.groups]);
      const normal = g.op('InstanceNormalization', [grouped, constant(1), constant(0)], {
        epsilon: norm.epsilon,
      });
      const back = reshape(g, normal, x.shape);
      return add(g, multiply(g, back, spread(perChannel('weight'))), spread(perChannel('bias')));
    }
    case 'response': {
      const [gamma, beta, least] = ['weight', 'bias', 'tau'].map((part) =>
        weight(`${name}.${part}`, [1, channels, 1, 1, 1]),
      );
      const power = reduceMean(g, multiply(g, x, x), [2, 3, 4]);
      const root = g.op('Sqrt', [add(g, power, scalar(g, norm.epsilon))]);
      const shifted = add(g, multiply(g, multiply(g, x, g.op('Reciprocal', [root])), gamma), beta);
      const negative = (value: Value) => g.op('Neg', [value]);
      return negative(g.op('Min', [negative(shifted), negative(least)]));
    }
  }
}
