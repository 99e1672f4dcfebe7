import {
  add,
  divide,
  type Emitter,
  multiply,
  reshape,
  scalar,
  scale,
  subtract,
  sumOf,
  type Value,
} from '../graph/index.js';

/** One weight in an update: as it is, its gradient, and what the optimiser keeps about it. */
interface Parameter {
  readonly weight: Value;
  readonly gradient: Value;
  readonly memory: readonly Value[];
}

interface Update {
  readonly weight: Value;
  readonly memory: readonly Value[];
}

/** An optimiser, as a part of the training step's graph. */
interface OptimiserRow {
  /** What is kept for each weight, of its shape, 0 at the start. */
  readonly memory: readonly string[];
  readonly learningRate: number;
  readonly weightDecay: number;
  /** Scalars that change from step to step; the graph has an input for each. @param step from 0 */
  scalars(step: number, learningRate: number): Readonly<Record<string, number>>;
  update(
    g: Emitter,
    parameter: Parameter,
    scalars: Readonly<Record<string, Value>>,
    weightDecay: number,
  ): Update;
}

const momentum = 0.99;
const beta1 = 0.9;
const beta2 = 0.999;
const adamEpsilon = 1e-8;

/** The optimisers with the numbers of nnU-Net (SGD) and PyTorch (AdamW). */
export const optimisers = {
  /** Stochastic gradient descent with Nesterov's momentum, as PyTorch's SGD. */
  sgd: {
    memory: ['momentum'],
    learningRate: 0.01,
    weightDecay: 3e-5,
    scalars: (_, learningRate) => ({ learningRate }),
    update(g, { weight, gradient, memory: [velocity] }, { learningRate }, weightDecay) {
      const decayed = add(g, gradient, scale(g, weight, weightDecay));
      const next = add(g, scale(g, velocity, momentum), decayed);
      const step = add(g, decayed, scale(g, next, momentum));
      return { weight: subtract(g, weight, multiply(g, step, learningRate)), memory: [next] };
    },
  },
  /** Loshchilov and Hutter 2019 (arXiv 1711.05101), as PyTorch's AdamW. */
  adamw: {
    memory: ['first moment', 'second moment'],
    learningRate: 1e-3,
    weightDecay: 0.01,
    scalars: (step, learningRate) => ({
      learningRate,
      // The moments start at 0; these factors take that bias out.
      firstFactor: 1 / (1 - beta1 ** (step + 1)),
      secondFactor: 1 / (1 - beta2 ** (step + 1)),
    }),
    update(g, { weight, gradient, memory: [first, second] }, scalars, weightDecay) {
      const { learningRate, firstFactor, secondFactor } = scalars;
      const mean = add(g, scale(g, first, beta1), scale(g, gradient, 1 - beta1));
      const square = multiply(g, gradient, gradient);
      const meanSquare = add(g, scale(g, second, beta2), scale(g, square, 1 - beta2));
      const deviation = g.op('Sqrt', [multiply(g, meanSquare, secondFactor)]);
      const step = divide(
        g,
        multiply(g, mean, firstFactor),
        add(g, deviation, scalar(g, adamEpsilon)),
      );
      const decayed = add(g, step, scale(g, weight, weightDecay));
      return {
        weight: subtract(g, weight, multiply(g, decayed, learningRate)),
        memory: [mean, meanSquare],
      };
    },
  },
} as const satisfies Record<string, OptimiserRow>;
export type OptimiserName = keyof typeof optimisers;

/**
 * Scales gradients so that the norm of all of them together is at most `largestNorm` (PyTorch's
 * `clip_grad_norm_`, as nnU-Net has it with 12).
 */
export function clipped(
  g: Emitter,
  gradients: readonly Value[],
  largestNorm: number,
): { readonly gradients: readonly Value[]; readonly norm: Value } {
  const squares = gradients.map((gradient) => {
    const flat = reshape(g, gradient, [gradient.shape.reduce((product, n) => product * n, 1)]);
    return g.op('ReduceSum', [multiply(g, flat, flat)], { axes: [0], keepdims: 0 });
  });
  const norm = g.op('Sqrt', [sumOf(g, squares)]);
  const ratio = divide(g, scalar(g, largestNorm), add(g, norm, scalar(g, 1e-6)));
  const factor = g.op('Min', [ratio, scalar(g, 1)]);
  return { gradients: gradients.map((gradient) => multiply(g, gradient, factor)), norm };
}
