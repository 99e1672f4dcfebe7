import {
  add,
  divide,
  type Emitter,
  elementsOf,
  multiply,
  reduceSum,
  reshape,
  scalar,
  scale,
  slice,
  subtract,
  sumOf,
  type Value,
} from '../graph/index.js';

/** Losses by name. All have their minimum where the softmax of the logits is the truth. */
export const lossNames = ['dice-and-cross-entropy', 'dice', 'tversky'] as const;
export type LossName = (typeof lossNames)[number];

export interface LossSettings {
  readonly name: LossName;
  /** The overlap of all samples of a batch together rather than of each one. */
  readonly batchDice: boolean;
  /**
   * Voxels counted as found beside those that are, 1e-5 by default, which keeps the overlap of two
   * empty sets at 1. Some voxels more, and a few false ones in a patch without truth cost little.
   */
  readonly smoothVoxels?: number;
  /** Weight of the cross-entropy beside the overlap; 1 by default. */
  readonly crossEntropyWeight?: number;
  /** Whether batches say how much the cross-entropy of each voxel counts (`StepInput.voxelWeights`). */
  readonly weighsVoxels?: boolean;
}

/** Weights of what is found in excess and of what is missed (Salehi et al. 2017, arXiv 1706.05721). */
const tverskyExcess = 0.3;
const tverskyMissed = 0.7;

/** Overlap of prediction and truth, elementwise from the sums of their product and of each. */
type Overlap = (
  g: Emitter,
  sums: { both: Value; predicted: Value; truth: Value },
  smooth: number,
) => Value;

const dice: Overlap = (g, { both, predicted, truth }, smooth) =>
  divide(
    g,
    add(g, scale(g, both, 2), scalar(g, smooth)),
    add(g, add(g, predicted, truth), scalar(g, smooth)),
  );

const tversky: Overlap = (g, { both, predicted, truth }, smooth) => {
  const excess = scale(g, subtract(g, predicted, both), tverskyExcess);
  const missed = scale(g, subtract(g, truth, both), tverskyMissed);
  const counted = add(g, both, scalar(g, smooth));
  return divide(g, counted, sumOf(g, [counted, excess, missed]));
};

const overlaps: Readonly<Record<LossName, { overlap: Overlap; crossEntropy: boolean }>> = {
  'dice-and-cross-entropy': { overlap: dice, crossEntropy: true },
  dice: { overlap: dice, crossEntropy: false },
  tversky: { overlap: tversky, crossEntropy: false },
};

/**
 * The loss of one resolution: minus the mean soft overlap of the classes but the background, over
 * samples or the batch, plus the mean cross-entropy where the name has it (nnU-Net v2's
 * DC_and_CE_loss).
 * @param logits [batch, classes, d, h, w]
 * @param truth of the same shape, 1 at the class of each voxel and 0 elsewhere
 * @param voxelWeights of the cross-entropy, [batch, 1, d, h, w]; absent, each voxel counts as 1
 * @returns a scalar
 */
export function segmentationLoss(
  g: Emitter,
  { name, batchDice, smoothVoxels = 1e-5, crossEntropyWeight = 1 }: LossSettings,
  logits: Value,
  truth: Value,
  voxelWeights?: Value,
): Value {
  const [batch, classes, ...size] = logits.shape;
  const voxels = elementsOf(size);
  const flat = [batch, classes, voxels];
  const x = reshape(g, logits, flat);
  const t = reshape(g, truth, flat);
  const highest = g.op('StopGradient', [g.op('ReduceMax', [x], { axes: [1], keepdims: 1 })]);
  const shifted = subtract(g, x, highest);
  const exponentials = g.op('Exp', [shifted]);
  const total = reduceSum(g, exponentials, [1]);
  const probability = divide(g, exponentials, total);

  const { overlap, crossEntropy } = overlaps[name];
  const sumAxes = batchDice ? [0, 2] : [2];
  const sums = (value: Value) => slice(g, reduceSum(g, value, sumAxes), 1, 1, classes);
  const both = sums(multiply(g, probability, t));
  const perClass = overlap(g, { both, predicted: sums(probability), truth: sums(t) }, smoothVoxels);
  const loss = scale(g, scalarSum(g, perClass), -1 / elementsOf(perClass.shape));
  if (!crossEntropy) return loss;
  const counted = voxelWeights ? multiply(g, t, reshape(g, voxelWeights, [batch, 1, voxels])) : t;
  const ofTruth = multiply(g, counted, subtract(g, shifted, g.op('Log', [total])));
  return add(g, loss, scale(g, scalarSum(g, ofTruth), -crossEntropyWeight / (batch * voxels)));
}

/**
 * The weighted sum of the losses of all resolutions of a decoder.
 * @param logits full resolution first
 * @param labels [batch, 1, d, h, w] of full resolution, uint8 classes
 * @param weights one for each resolution; those with 0 are left out
 * @param voxelWeights of full resolution, as `labels`; absent, each voxel counts as 1
 */
export function deepLoss(
  g: Emitter,
  settings: LossSettings,
  logits: readonly Value[],
  labels: Value,
  weights: readonly number[],
  voxelWeights?: Value,
): Value {
  if (weights.length !== logits.length) {
    throw new RangeError(`${weights.length} weights for ${logits.length} resolutions`);
  }
  const losses = logits.flatMap((level, i) =>
    weights[i] === 0
      ? []
      : [
          scale(
            g,
            segmentationLoss(
              g,
              settings,
              level,
              truthAt(g, labels, level),
              voxelWeights && centresAt(g, voxelWeights, level),
            ),
            weights[i],
          ),
        ],
  );
  return sumOf(g, losses);
}

/** nnU-Net's weights: halved with each resolution, none for the coarsest of several, sum 1. */
export function deepSupervisionWeights(levels: number): number[] {
  const weights = Array.from({ length: levels }, (_, level) =>
    level === levels - 1 && levels > 1 ? 0 : 2 ** -level,
  );
  const sum = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / sum);
}

/** One-hot classes at the resolution of some logits: of each block the voxel at its centre. */
export function truthAt(g: Emitter, labels: Value, logits: Value): Value {
  const classes = logits.shape[1];
  const reduced = centresAt(g, g.op('Cast', [labels]), logits);
  const class_ = g.constant(
    Float32Array.from({ length: classes }, (_, i) => i),
    [1, classes, 1, 1, 1],
  );
  return g.op('Cast', [g.op('Equal', [reduced, class_])]);
}

/** Values of full resolution at that of some logits: of each block the voxel at its centre. */
function centresAt(g: Emitter, values: Value, logits: Value): Value {
  return [2, 3, 4].reduce((part, axis) => {
    const step = values.shape[axis] / logits.shape[axis];
    return slice(g, part, axis, Math.floor(step / 2), values.shape[axis], step);
  }, values);
}

function scalarSum(g: Emitter, x: Value): Value {
  return g.op('ReduceSum', [x], { axes: x.shape.map((_, axis) => axis), keepdims: 0 });
}
