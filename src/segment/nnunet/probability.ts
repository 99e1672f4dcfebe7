import type { OutputLabels } from '../../model/labels.js';
import type { Cleaning } from '../../model/model-folder.js';
import type { ImagePlan } from '../../model/nnunet-plans.js';
import { sigmoid, softmax } from '../../network/index.js';
import { type Axes3, voxelsIn } from '../../volume/arrays.js';
import { type Grid, onGrid, type Volume } from '../../volume/volume.js';
import { inWorker } from '../../workers.js';
import { cleanedInPlace } from './clean-labels.js';
import { type CaseGeometry, toBoxGrid, toNativeGrid } from './preprocess.js';

/** What a network found in a case, on the case's own grid. */
export interface CasePrediction {
  /** Probability of any lesion, 0 to 1; 0 outside of the case's box. */
  readonly lesion: Volume<Float32Array>;
  /** nnU-Net's own segmentation: a label for each voxel, cleaned as the model says. */
  readonly labels: Volume<Uint8Array>;
  /** Probability of each output of the network; outside of the box all is background. */
  readonly outputs: readonly Volume<Float32Array>[];
}

/** The part of a model that says what its scores mean. */
export interface ScoreMeaning {
  readonly plan: ImagePlan;
  readonly labels: OutputLabels;
  readonly average: 'logits' | 'probabilities';
  readonly cleaning: readonly Cleaning[];
}

/**
 * Brings the scores of a network back to the case's grid: interpolated as they are, and made
 * probabilities only then. Slow.
 * @param scores [outputs, ...shape], logits or probabilities as the model averages them
 */
export function predictionFromScores(
  scores: Float32Array,
  shape: Axes3,
  geometry: CaseGeometry,
  { plan, labels, average, cleaning }: ScoreMeaning,
  grid: Grid,
): CasePrediction {
  const count = labels.outputs.length;
  const voxels = voxelsIn(shape);
  const boxVoxels = voxelsIn(geometry.box.shape);
  const inBox = new Float32Array(count * boxVoxels);
  for (let c = 0; c < count; c++) {
    const scoresOfOutput = scores.slice(c * voxels, (c + 1) * voxels);
    inBox.set(toBoxGrid(scoresOfOutput, shape, geometry, plan), c * boxVoxels);
  }
  const found = average === 'probabilities' ? inBox : probabilitiesOf(inBox, labels);
  const onCase = <T extends Float32Array | Uint8Array>(values: T): Volume<T> =>
    toNativeGrid(values, geometry, plan, grid);
  const labelled = onCase(
    labels.nonlinearity === 'softmax'
      ? mostProbable(inBox, boxVoxels)
      : labelsOfRegions(found, boxVoxels, labels.regionLabels),
  );
  cleanedInPlace(labelled, cleaning);
  return {
    lesion: onCase(lesionProbability(found, boxVoxels, labels)),
    labels: labelled,
    outputs: labels.outputs.map((_, output) => {
      const values = onCase(found.slice(output * boxVoxels, (output + 1) * boxVoxels));
      if (labels.nonlinearity === 'sigmoid' || output > 0) return values;
      const inside = onCase(new Uint8Array(boxVoxels).fill(1)).data;
      return onGrid(
        grid,
        values.data.map((value, at) => (inside[at] === 0 ? 1 : value)),
      );
    }),
  };
}

export const predictionFromScoresInWorker = inWorker<typeof predictionFromScores>(
  import.meta.url,
  'predictionFromScores',
);

/** @param logits [outputs, voxels] */
export const probabilitiesOf = (
  logits: Float32Array,
  { outputs, nonlinearity }: OutputLabels,
): Float32Array => (nonlinearity === 'softmax' ? softmax(logits, outputs.length) : sigmoid(logits));

/** The output with the highest score; the first of equal ones. */
function mostProbable(scores: Float32Array, voxels: number): Uint8Array {
  const best = new Uint8Array(voxels);
  for (let start = voxels; start < scores.length; start += voxels) {
    for (let at = 0; at < voxels; at++) {
      if (scores[start + at] > scores[best[at] * voxels + at]) best[at] = start / voxels;
    }
  }
  return best;
}

function labelsOfRegions(
  probabilities: Float32Array,
  voxels: number,
  regionLabels: readonly number[],
): Uint8Array {
  const labels = new Uint8Array(voxels);
  for (const [region, label] of regionLabels.entries()) {
    for (let at = 0; at < voxels; at++) {
      if (probabilities[region * voxels + at] > 0.5) labels[at] = label;
    }
  }
  return labels;
}

/**
 * Probability of any label that is lesion: the sum over classes; of regions, which overlap, the largest.
 */
function lesionProbability(
  probabilities: Float32Array,
  voxels: number,
  { outputs, nonlinearity, regionLabels, lesionLabels }: OutputLabels,
): Float32Array {
  const lesion = new Float32Array(voxels);
  if (nonlinearity === 'softmax' && lesionLabels.length === outputs.length - 1) {
    for (let at = 0; at < voxels; at++) {
      lesion[at] = Math.min(1, Math.max(0, 1 - probabilities[at]));
    }
    return lesion;
  }
  for (let output = 0; output < outputs.length; output++) {
    const label = nonlinearity === 'softmax' ? output : regionLabels[output];
    if (!lesionLabels.includes(label)) continue;
    for (let at = 0; at < voxels; at++) {
      const value = probabilities[output * voxels + at];
      lesion[at] =
        nonlinearity === 'softmax' ? Math.min(1, lesion[at] + value) : Math.max(lesion[at], value);
    }
  }
  return lesion;
}
