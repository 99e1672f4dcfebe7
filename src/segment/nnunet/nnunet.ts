import { DawsonError } from '../../errors.js';
import { foregroundLabels, hasOneClass, labelNames } from '../../model/labels.js';
import { ruleForImage } from '../../model/lesion-rule.js';
import type { ModelFolder, NnunetModel } from '../../model/model-folder.js';
import { type Predict, slideWindow } from '../../model/sliding-window.js';
import {
  type Exam,
  type Sequence,
  type SequenceName,
  sequenceLabels,
  sequenceNames,
  sequencesOf,
} from '../../preprocess/exam.js';
import type { PreparedExam } from '../../preprocess/prepared-exam.js';
import { type Remark, remark } from '../../remarks.js';
import type { Run } from '../../run.js';
import { clamp } from '../../volume/outliers.js';
import { orientationOf, reorient } from '../../volume/reorient.js';
import {
  countNonZero,
  gridDifference,
  onesWhere,
  onGrid,
  type Volume,
} from '../../volume/volume.js';
import { brainBounds, emptyBrain } from '../brain-contrast.js';
import { brainOfCase } from '../lesions/brain-case.js';
import { predictInBrain } from '../lesions/lesion-network.js';
import type { Segmentation } from '../segmenter.js';
import { otherAxes, turned } from './case-axes.js';
import { cleanedInPlace } from './clean-labels.js';
import { oneHot } from './one-hot.js';
import { type Channels, type PreparedCase, preprocessCaseInWorker } from './preprocess.js';
import {
  type CasePrediction,
  predictionFromScoresInWorker,
  probabilitiesOf,
} from './probability.js';

export interface NnunetOptions extends Pick<Run, 'pool' | 'signal' | 'onProgress'> {
  /** Distance between windows, as a part of the patch. */
  readonly stepSize: number;
  readonly mirror: boolean;
}

/** nnU-Net's own. */
export const defaultNnunetOptions = { stepSize: 0.5, mirror: true } as const;

/**
 * Segments an exam with a trained network, or with the mean of several folds. The brain is cut out,
 * its box goes through the network at the plan's spacing, and the mean scores return to the exam's
 * grid by interpolation before they become probabilities. The probability is that of any class but
 * the background. Peak memory is a small multiple of the exam's size times the number of classes.
 * @param folds networks that give logits
 * @throws DawsonError `inputs-conflict` where a channel that the model needs is missing;
 *   `segmentation-failed` without a brain, `bad-intensities` as {@link brainBounds} does; the signal's
 *   reason.
 */
export async function segmentNnunet(
  exam: PreparedExam,
  model: NnunetModel,
  folds: readonly Predict[],
  options: NnunetOptions,
): Promise<Segmentation> {
  if (countNonZero(exam.brain.data) === 0) throw emptyBrain();
  if (model.plan.input === 'brain') return segmentInBrain(exam, model, folds, options);
  const { channels, notes } = channelsOf(exam, model);
  const oriented = channels.map((volume) => volume && reorient(volume, model.orientation));
  const prediction = await predictCase(oriented, model, folds, options);
  const inBrain = <T extends Float32Array | Uint8Array>(volume: Volume<T>): Volume<T> => {
    const { data } = reorient(volume, orientationOf(exam.flair.affine));
    const kept = data.map((value, at) => (exam.brain.data[at] === 0 ? 0 : value));
    return onGrid(exam.flair, kept as T);
  };
  return segmentationOf(prediction, model, notes, inBrain);
}

/**
 * The same with the images as they are in their files, voxel by voxel, as nnU-Net does: whole heads,
 * nothing cut out, limited or turned, nothing thrown away outside of the brain.
 * @throws DawsonError `inputs-conflict` for images on several grids, and as {@link segmentNnunet}.
 */
export async function segmentAsRead(
  exam: Exam,
  opened: ModelFolder,
  folds: readonly Predict[],
  options: NnunetOptions,
): Promise<Segmentation> {
  const { model } = opened;
  const { volume: flair } = exam.flair;
  const matched = matchedChannels(exam, model);
  const channels = matched.map(({ sequence }) => sequence && onGridOf(flair, exam[sequence]!));
  const axes = otherAxes(flair, opened);
  const missing = matched.filter(({ sequence }) => !sequence);
  const notes = [
    ...missing.map(({ name }) => missingRemark(name)),
    ...notUsed(exam, model),
    ...(axes ? [remark('axes-as-they-lie', axes)] : []),
  ];
  const prediction = await predictCase(turned(channels, opened), model, folds, options);
  const back = <T extends Float32Array | Uint8Array>(volume: Volume<T>): Volume<T> =>
    onGrid(flair, reorient(volume, orientationOf(flair.affine)).data);
  return segmentationOf(prediction, model, notes, back);
}

/** @throws DawsonError `inputs-conflict` where a sequence of the model is on another grid than the FLAIR. */
export function requireOneGrid(exam: Exam, model: NnunetModel): void {
  for (const { sequence } of matchedChannels(exam, model)) {
    if (sequence) onGridOf(exam.flair.volume, exam[sequence]!);
  }
}

/** An image that lies over the FLAIR, voxel by voxel. */
function onGridOf(flair: Volume, { volume, file }: Sequence): Volume {
  const difference = gridDifference(flair, volume);
  if (!difference) return volume;
  throw new DawsonError('inputs-conflict', {
    file,
    expected: 'images on the grid of the FLAIR, which a model sees as they are (--no-preparation)',
    found: difference,
    advice:
      'Leave --no-preparation out, or bring the images onto one grid first (dawson register).',
  });
}

/** @param placed what lies on the case's grid, on that of the exam */
function segmentationOf(
  { lesion, labels: found, outputs }: CasePrediction,
  model: NnunetModel,
  notes: readonly Remark[],
  placed: <T extends Float32Array | Uint8Array>(volume: Volume<T>) => Volume<T>,
): Segmentation {
  const probability = placed(lesion);
  const segmentation = { probability, rule: ruleForImage(model.rule, probability), notes };
  if (hasOneClass(model.labels)) return segmentation;
  const named = model.labels.outputs.map(({ name }, output) => ({
    name,
    probability: placed(outputs[output]),
  }));
  const { nonlinearity, lesionLabels } = model.labels;
  return {
    ...segmentation,
    classes: {
      labels: { ...placed(found), names: labelNames(model.labels) },
      lesionLabels,
      probabilities: nonlinearity === 'softmax' ? named.slice(1) : named,
    },
  };
}

/** The same for a network whose input is the brain, as Dawson's own is. */
async function segmentInBrain(
  exam: PreparedExam,
  model: NnunetModel,
  folds: readonly Predict[],
  options: NnunetOptions,
): Promise<Segmentation> {
  const matched = matchedChannels(exam, model);
  const channels = matched.map(({ name, sequence }) => ({
    label: sequence ? sequenceLabels[sequence] : name,
    volume: sequence && exam[sequence],
  }));
  const missing = matched.filter(({ sequence }) => !sequence);
  return {
    probability: await predictInBrain(channels, exam.brain, folds, options),
    rule: ruleForImage(model.rule, exam.flair),
    notes: [...missing.map(({ name }) => missingRemark(name)), ...notUsed(exam, model)],
  };
}

/** The sequence that a channel's name means; 'T1w' is the T1. */
const sequenceOf = (channelName: string): string => channelName.toLowerCase().replace(/w$/, '');

/** Says that the exam lacks a channel which the model was trained to do without. */
function missingRemark(channelName: string): Remark {
  const sequence = sequenceNames.find((name) => name === sequenceOf(channelName));
  return remark('sequence-missing', { label: sequence ? sequenceLabels[sequence] : channelName });
}

/**
 * Checks that an exam has every sequence that a model cannot do without.
 * @throws DawsonError `inputs-conflict` naming the sequence.
 */
export function requireChannels(
  sequences: readonly SequenceName[],
  { channelNames, optionalChannels }: Pick<NnunetModel, 'channelNames' | 'optionalChannels'>,
): void {
  const names: readonly string[] = sequences;
  const missing = channelNames.filter(
    (name) => !names.includes(sequenceOf(name)) && !optionalChannels.includes(name),
  );
  if (missing.length === 0 && channelNames.some((name) => names.includes(sequenceOf(name)))) return;
  const lacking = missing.length > 0 ? missing : channelNames;
  const known: readonly string[] = sequenceNames;
  const foreign = lacking.filter((name) => !known.includes(sequenceOf(name)));
  throw new DawsonError('inputs-conflict', {
    expected: `the sequences of the model: ${channelNames.join(', ')}`,
    found: `an exam without ${lacking.join(', ')}`,
    advice:
      foreign.length === 0
        ? 'Add the sequence, or choose a model that works without it.'
        : `dawson segment does not know ${foreign.join(', ')}: run the model with dawson predict, which takes ` +
          'any channels, or say what they are when it is imported (dawson model import --channels).',
  });
}

/** What the other schemes are not independent of, as deviations from the mean are. */
const dependsOn = {
  RescaleTo01Normalization: 'extremes',
  CTNormalization: 'zeroAndUnit',
  RGBTo01Normalization: 'zeroAndUnit',
  NoNormalization: 'zeroAndUnit',
} as const;

/** The exam's sequences in the model's order, without outliers, 0 outside of the brain. */
function channelsOf(
  exam: PreparedExam,
  model: NnunetModel,
): { channels: Channels; notes: Remark[] } {
  const notes: Remark[] = [];
  const channels = matchedChannels(exam, model).map(({ name, sequence }, channel) => {
    const volume = sequence && exam[sequence];
    if (!volume) {
      notes.push(missingRemark(name));
      return undefined;
    }
    const { scheme } = model.plan.channels[channel];
    if (scheme !== 'ZScoreNormalization') {
      notes.push(
        remark('normalisation-of-extremes', { label: name, scheme, dependsOn: dependsOn[scheme] }),
      );
    }
    const inside = exam.brain.data;
    const bounds = brainBounds(volume.data, inside, sequenceLabels[sequence]);
    return onGrid(
      volume,
      volume.data.map((value, at) => (inside[at] === 0 ? 0 : clamp(value, bounds))),
    );
  });
  return { channels, notes: [...notes, ...notUsed(exam, model)] };
}

/** Each channel of a model with the sequence that it shows, where the exam has it. */
function matchedChannels(
  exam: { readonly [name in SequenceName]?: unknown },
  model: NnunetModel,
): { readonly name: string; readonly sequence?: SequenceName }[] {
  const sequences = sequencesOf(exam);
  requireChannels(sequences, model);
  return model.channelNames.map((name) => ({
    name,
    sequence: sequences.find((sequence) => sequence === sequenceOf(name)),
  }));
}

const notUsed = (
  exam: Parameters<typeof sequencesOf>[0],
  { channelNames }: NnunetModel,
): Remark[] =>
  sequencesOf(exam)
    .filter((sequence) => !channelNames.some((name) => sequenceOf(name) === sequence))
    .map((sequence) =>
      remark('sequence-not-used', {
        label: sequenceLabels[sequence],
        channels: channelNames.join(', '),
      }),
    );

/**
 * What a model finds in images on one grid, in the orientation of the training set; nothing outside
 * of the box of what is not 0.
 * @param previous what the first network of a cascade found, for the second, on the same grid
 * @throws RangeError where only one of a model and its caller knows of a cascade.
 */
export async function predictCase(
  channels: Channels,
  model: NnunetModel,
  folds: readonly Predict[],
  options: NnunetOptions,
  previous?: Volume,
): Promise<CasePrediction> {
  const { stepSize, mirror, signal, onProgress } = options;
  const { plan, labels } = model;
  const grid = channels.find((volume) => volume !== undefined);
  if (!grid || channels.every((volume) => !volume || volume.data.every((value) => value === 0))) {
    throw new DawsonError('segmentation-failed', {
      expected: 'a brain to segment',
      found: 'images that are 0 everywhere',
    });
  }
  if (plan.input === 'brain') {
    const seen = brainOfCase(channels, model.channelNames);
    return ofTwoClasses(await predictInBrain(seen.channels, seen.brain, folds, options), model);
  }
  if ((plan.takesLabels === true) !== (previous !== undefined)) {
    throw new RangeError('labels of a first network go with the second of a cascade');
  }
  const prepared = await preprocessCaseInWorker(options, channels, plan, previous);
  const image = previous ? withLabels(prepared, foregroundLabels(labels)) : prepared;
  const networks =
    model.average === 'logits'
      ? folds
      : folds.map(
          (predict): Predict =>
            async (patch) =>
              probabilitiesOf(await predict(patch), labels),
        );
  const { shape, geometry } = prepared;
  const scores = await slideWindow(
    { data: image.image, channels: image.channels, shape },
    networks,
    {
      patchShape: plan.patchShape,
      classes: labels.outputs.length,
      stepSize,
      mirrorAxes: mirror ? model.mirrorAxes : [],
      signal,
      onProgress,
    },
  );
  const { size, affine } = grid;
  return predictionFromScoresInWorker(options, scores, shape, geometry, model, { size, affine });
}

/** A channel for each label, 1 where it is, after those of the images: what a cascade's second network takes. */
function withLabels(
  prepared: PreparedCase,
  labels: readonly number[],
): Pick<PreparedCase, 'image' | 'channels'> {
  const voxels = prepared.labels.length;
  const image = new Float32Array((prepared.channels + labels.length) * voxels);
  image.set(prepared.image);
  image.set(oneHot(prepared.labels, labels), prepared.image.length);
  return { image, channels: prepared.channels + labels.length };
}

/** What a probability of lesion says of two classes. */
function ofTwoClasses(lesion: Volume<Float32Array>, { cleaning }: NnunetModel): CasePrediction {
  const labels = onGrid(
    lesion,
    onesWhere(lesion.data, (value) => value > 0.5),
  );
  cleanedInPlace(labels, cleaning);
  const background = lesion.data.map((value) => 1 - value);
  return { lesion, labels, outputs: [onGrid(lesion, background), lesion] };
}
