import { DawsonError } from '../errors.js';
import type { PreparedExam } from '../preprocess/prepared-exam.js';
import { orientationOf, reorient } from '../volume/reorient.js';
import { onGrid, type Volume } from '../volume/volume.js';
import type { PostProcessing } from './lesion-rule.js';
import { voxelsIn } from './nnunet-grid.js';
import type { ImagePlan } from './nnunet-plans.js';
import { type Channels, preprocessCase, toBoxGrid, toNativeGrid } from './nnunet-preprocess.js';
import type { Segmentation } from './segmenter.js';
import { type Predict, slideWindow } from './sliding-window.js';

/** What is known about a trained model, beside its weights. */
export interface NnunetModel {
  readonly plan: ImagePlan;
  /** In the order of the network's input. */
  readonly channelNames: readonly string[];
  /** Channels that may be missing: the network was trained with them left out. */
  readonly optionalChannels: readonly string[];
  readonly classCount: number;
  /** Orientation of the training images, such as 'RAS'. */
  readonly orientation: string;
  /** Axes along which the network was trained with mirrored patches. */
  readonly mirrorAxes: readonly number[];
  /** What windows and folds are averaged as: logits in nnU-Net v2, probabilities in v1. */
  readonly average: 'logits' | 'probabilities';
  readonly postProcessing: PostProcessing;
}

export interface NnunetOptions {
  /** Distance between windows, as a part of the patch. */
  readonly stepSize: number;
  readonly mirror: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, all: number) => void;
}

/** nnU-Net's own. */
export const defaultNnunetOptions: NnunetOptions = { stepSize: 0.5, mirror: true };

/**
 * Segments an exam with a trained network, or with the mean of several folds. The brain is cut out,
 * its box goes through the network at the plan's spacing, and the mean scores return to the exam's
 * grid by interpolation before they become probabilities. The probability is that of any class but
 * the background. Peak memory is a small multiple of the exam's size times the number of classes.
 * @param folds networks that give logits
 * @throws DawsonError `inputs-conflict` where a channel that the model needs is missing; the
 *   signal's reason.
 */
export async function segmentNnunet(
  exam: PreparedExam,
  model: NnunetModel,
  folds: readonly Predict[],
  options: NnunetOptions = defaultNnunetOptions,
): Promise<Segmentation & { readonly postProcessing: PostProcessing }> {
  const { channels, notes } = channelsOf(exam, model);
  const oriented = channels.map((volume) => volume && reorient(volume, model.orientation));
  const probability = await predictProbability(oriented, model, folds, options);
  const { data } = reorient(probability, orientationOf(exam.flair.affine));
  return {
    probability: onGrid(
      exam.flair,
      data.map((value, at) => (exam.brain.data[at] === 0 ? 0 : value)),
    ),
    threshold: model.postProcessing.threshold,
    postProcessing: model.postProcessing,
    notes,
  };
}

/** The exam's sequences in the model's order ('T1w' is the T1), 0 outside of the brain. */
function channelsOf(
  exam: PreparedExam,
  { channelNames, optionalChannels }: NnunetModel,
): { channels: Channels; notes: string[] } {
  const notes: string[] = [];
  const sequences: Readonly<Record<string, Volume | undefined>> = {
    flair: exam.flair,
    t1: exam.t1,
    t2: exam.t2,
  };
  const channels = channelNames.map((name) => {
    const volume = sequences[name.toLowerCase().replace(/w$/, '')];
    if (volume) {
      return onGrid(
        volume,
        Float32Array.from(volume.data, (value, at) => (exam.brain.data[at] === 0 ? 0 : value)),
      );
    }
    if (optionalChannels.includes(name)) {
      notes.push(`the model also takes ${name}, which is missing: segmented without it`);
      return undefined;
    }
    throw new DawsonError('inputs-conflict', {
      expected: `the sequences of the model: ${channelNames.join(', ')}`,
      found: `an exam without ${name}`,
      advice: 'Add the sequence, or choose a model that works without it.',
    });
  });
  return { channels, notes };
}

/**
 * Probability of any foreground class for images on one grid, in the orientation of the training
 * set, 0 outside of the box of what is not 0.
 */
export async function predictProbability(
  channels: Channels,
  model: NnunetModel,
  folds: readonly Predict[],
  { stepSize, mirror, signal, onProgress }: NnunetOptions = defaultNnunetOptions,
): Promise<Volume<Float32Array>> {
  const { plan, classCount } = model;
  const grid = channels.find((volume) => volume !== undefined);
  if (!grid || channels.every((volume) => !volume || volume.data.every((value) => value === 0))) {
    throw new DawsonError('segmentation-failed', {
      expected: 'a brain to segment',
      found: 'images that are 0 everywhere',
    });
  }
  const prepared = preprocessCase(channels, plan);
  const averagesProbabilities = model.average === 'probabilities';
  const networks = averagesProbabilities
    ? folds.map(
        (predict): Predict =>
          async (patch) =>
            softmax(await predict(patch), classCount),
      )
    : folds;
  const scores = await slideWindow(
    { data: prepared.image, channels: prepared.channels, shape: prepared.shape },
    networks,
    {
      patchShape: plan.patchShape,
      classes: classCount,
      stepSize,
      mirrorAxes: mirror ? model.mirrorAxes : [],
      signal,
      onProgress,
    },
  );
  const voxels = voxelsIn(prepared.shape);
  const { geometry, shape } = prepared;
  const boxVoxels = voxelsIn(geometry.box.shape);
  const inBox = new Float32Array(classCount * boxVoxels);
  for (let c = 0; c < classCount; c++) {
    const scoresOfClass = scores.slice(c * voxels, (c + 1) * voxels);
    inBox.set(toBoxGrid(scoresOfClass, shape, geometry, plan), c * boxVoxels);
  }
  const probabilities = averagesProbabilities ? inBox : softmax(inBox, classCount);
  const foreground = new Float32Array(boxVoxels);
  for (let at = 0; at < boxVoxels; at++) {
    foreground[at] = Math.min(1, Math.max(0, 1 - probabilities[at]));
  }
  return toNativeGrid(foreground, geometry, plan, grid);
}

/** Softmax over the first axis of [classes, voxels]. */
export function softmax(logits: Float32Array, classes: number): Float32Array {
  const voxels = logits.length / classes;
  const result = new Float32Array(logits.length);
  for (let at = 0; at < voxels; at++) {
    let highest = -Infinity;
    for (let c = 0; c < classes; c++) highest = Math.max(highest, logits[c * voxels + at]);
    let sum = 0;
    for (let c = 0; c < classes; c++) {
      result[c * voxels + at] = Math.exp(logits[c * voxels + at] - highest);
      sum += result[c * voxels + at];
    }
    for (let c = 0; c < classes; c++) result[c * voxels + at] /= sum;
  }
  return result;
}
