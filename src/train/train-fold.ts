import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { DawsonError } from '../errors.js';
import { makeFolder, writeNifti } from '../formats/index.js';
import { writeSafetensors } from '../formats/safetensors.js';
import { classLabels } from '../model/labels.js';
import { argmax } from '../model/lesion-rule.js';
import { type ModelCard, type NnunetModel, writeModelFolder } from '../model/model-folder.js';
import {
  configurationOf,
  type ImagePlan,
  imagePlanOf,
  nextStageField,
} from '../model/nnunet-plans.js';
import type { Predict } from '../model/sliding-window.js';
import {
  type Device,
  Engine,
  levelsOf,
  loadPredictor,
  type NetworkPlan,
  networkPlanOf,
  requireWeights,
  type Weights,
} from '../network/index.js';
import { defaultNnunetOptions, predictCase } from '../segment/nnunet/nnunet.js';
import type { Stage } from '../stage.js';
import { seededRandom } from '../volume/random.js';
import { maskWhere } from '../volume/volume.js';
import type { WorkerPool } from '../workers.js';
import { type AugmentationSettings, axesToMirror } from './augment.js';
import type { BatchesAhead } from './batches-ahead.js';
import { type CachedCase, cacheDataset } from './cache.js';
import { contentHash, readChecked, weightsOfState, writeChecked } from './checkpoint.js';
import { bestRule, candidateRules, diceByRuleInWorker } from './choose-post-processing.js';
import { badDataset, type Dataset } from './dataset.js';
import type { Fold } from './folds.js';
import { inputNames, type Pretrained, startingWeights } from './initialise.js';
import { type EpochRecord, type Pace, type RunSettings, trainNetwork } from './loop.js';
import { deepSupervisionWeights, type LossName } from './loss.js';
import { type OptimiserName, optimisers } from './optimiser.js';
import { type Batch, type PatchSettings, patchSource } from './patch-source.js';
import { readCaseInWorker } from './read-case.js';
import type { StepSettings } from './step.js';
import type { FoldName, FoldValidation, TrainingFolder } from './training-folder.js';

/** `none`: patches as they are, and no mirroring when the model is used, as nnU-Net's trainer without it. */
export const augmentationNames = ['nnunet', 'none'] as const;
export type AugmentationName = (typeof augmentationNames)[number];

/** What a training is made of, beside its cases. */
export interface TrainingChoice {
  readonly run: RunSettings;
  readonly loss: LossName;
  readonly optimiser: OptimiserName;
  readonly augmentation: AugmentationName;
  readonly seed: number;
  readonly device: Device;
  readonly threads: number;
  readonly resume: boolean;
  readonly pretrained?: Pretrained;
}

export interface TrainingRun {
  readonly pool: WorkerPool;
  readonly stage: Stage;
  readonly signal?: AbortSignal;
  readonly onEpoch?: (record: EpochRecord) => void;
  readonly onPace?: (pace: Pace) => void;
}

/** A training set with what was planned for it. */
export interface PlannedTraining {
  readonly dataset: Dataset;
  readonly plans: unknown;
  /** Name of the plans' file, for messages. */
  readonly plansFile: string;
  /** Orientation of the images, such as 'RAS'. */
  readonly orientation: string;
  /** What was assumed in reading the cases, where they were planned for now. */
  readonly notes: readonly string[];
}

/** nnU-Net's largest norm of the gradients. */
const clipNorm = 12;
/** How often a channel that cases may lack is left out of one that has it. */
const dropout = 0.2;
const mirrorAxesOf = (augmentation: AugmentationName, { patchShape }: ImagePlan) =>
  augmentation === 'nnunet' ? axesToMirror(patchShape) : [];

/**
 * Trains the network of one fold, and judges it on the cases that it was not trained on: weights, log
 * and validation go into the training's folder, and where a cascade goes on from it also the labels that
 * it finds in them.
 * @param fold the cases to train on and to judge by; none of the latter for a network of all cases
 * @throws DawsonError `bad-dataset`, `output-exists`, `training-failed`, and what {@link Engine} throws.
 */
export async function trainFold(
  { dataset, plans, plansFile, orientation }: PlannedTraining,
  name: FoldName,
  fold: Fold,
  folder: TrainingFolder,
  choice: TrainingChoice,
  { pool, stage, signal, onEpoch, onPace }: TrainingRun,
): Promise<FoldValidation> {
  if (fold.train.length === 0) throw badDataset(dataset.folder, [`fold ${name}: no cases`]);
  const plan = imagePlanOf(plans, plansFile);
  const network = trainedNetwork(plans, dataset, plansFile);
  await folder.begin(name, choice.resume);
  const cases = await stage('prepare the cases', (onProgress) =>
    cacheDataset(dataset, plan, folder.cache, { pool, signal, onProgress }),
  );
  const random = seededRandom(choice.seed);
  const engine = new Engine({ device: choice.device, threads: choice.threads }, signal);
  const sources: BatchesAhead<Batch>[] = [];
  const batches = (names: readonly string[], settings: PatchSettings) => (firstBatch: number) => {
    const chosen = names.map((case_) => cases.find((cached) => cached.name === case_)!);
    const source = patchSource(chosen, settings, { pool, signal, firstBatch });
    sources.push(source);
    return source;
  };
  const patches = patchesOf(plan, choice);
  const augmentation = augmentationOf(dataset, plan, choice);
  const mirrorAxes = mirrorAxesOf(choice.augmentation, plan);
  const inputs = inputNames(dataset.channelNames, plan, dataset.classNames.length - 1);
  const firstWeights = startingWeights(network, inputs, random, choice.pretrained);
  let ends: { wentOnAfter?: string } = {};
  try {
    const state = await stage(`train fold ${name}`, (onProgress) =>
      trainNetwork(engine, {
        plan: network,
        step: stepOf(plan, plans, network, choice),
        settings: choice.run,
        initialWeights: firstWeights,
        batches: batches(fold.train, { ...patches, augmentation }),
        validationBatches:
          fold.val.length > 0
            ? batches(fold.val, { ...patches, seed: choice.seed + 1 })
            : undefined,
        checkpointFile: folder.checkpoint(name),
        logFile: folder.log(name),
        resume: choice.resume,
        identity: identityOf(choice, firstWeights, fold, cases),
        signal,
        onStep: onProgress,
        onEpoch,
        onPace,
        onWentOn: (wentOnAfter) => {
          ends = { wentOnAfter };
        },
      }),
    );
    const weights = weightsOfState(network, state);
    await writeChecked(folder.weights(name), weights, ends);
    const validation = await stage(`judge fold ${name}`, (onProgress) =>
      validateFold(dataset, fold.val, modelOf(dataset, plan, orientation, mirrorAxes), {
        engine,
        network,
        weights,
        labels: fieldOf(plans, nextStageField) ? folder.labelsForNextStage : undefined,
        pool,
        signal,
        onProgress,
      }),
    );
    const judged = { plans: plansHash(plans), ...validation };
    await folder.writeJson(folder.validation(name), judged);
    return judged;
  } finally {
    await Promise.all(sources.map((source) => source.close()));
    await engine.close();
  }
}

/** Tells plans apart by all that training depends on: that a cascade goes on from them it does not. */
export function plansHash(plans: unknown): string {
  const text = JSON.stringify(plans, (key, value) => (key === nextStageField ? undefined : value));
  return createHash('sha256').update(text).digest('hex');
}

/** What decides the result of a fold beside its network and its course, by names for messages. */
const identityOf = (
  { seed, augmentation, threads, device }: TrainingChoice,
  firstWeights: Weights,
  fold: Fold,
  cases: readonly CachedCase[],
) => ({
  ...{ seed, augmentation, threads, device },
  firstWeights: contentHash({ tensors: firstWeights, metadata: {} }),
  casesToTrainOn: imagesHash(fold.train, cases),
  casesToJudgeBy: imagesHash(fold.val, cases),
});

const patchesOf = (
  { patchShape, batchSize, channels, input }: ImagePlan,
  { seed }: TrainingChoice,
): PatchSettings => ({
  patchShape,
  batchSize,
  maskedChannels: channels.map(({ useMask }) => useMask || input === 'brain'),
  seed,
});

function augmentationOf(
  { channelNames, optionalChannels }: Dataset,
  plan: ImagePlan,
  { augmentation }: TrainingChoice,
): AugmentationSettings | undefined {
  if (augmentation === 'none') return undefined;
  return {
    mirrorAxes: mirrorAxesOf(augmentation, plan),
    channelDropout: channelNames.map((channel) =>
      optionalChannels.includes(channel) ? dropout : 0,
    ),
  };
}

const stepOf = (
  { batchSize, patchShape }: ImagePlan,
  plans: unknown,
  network: NetworkPlan,
  { loss, optimiser }: TrainingChoice,
): StepSettings => ({
  batchSize,
  patchShape,
  loss: { name: loss, batchDice: fieldOf(plans, 'batch_dice') === true },
  levelWeights: deepSupervisionWeights(levelsOf(network)),
  optimiser,
  weightDecay: optimisers[optimiser].weightDecay,
  clipNorm,
});

/** Tells cases apart, by their names and all of their images and labels as they are prepared. */
function imagesHash(names: readonly string[], cases: readonly CachedCase[]): string {
  const keys = names.map((name) => {
    const { identity } = cases.find((cached) => cached.name === name)!;
    return [name, `${identity}.case`];
  });
  return createHash('sha256').update(JSON.stringify(keys)).digest('hex');
}

/**
 * The network that plans describe, for the channels and classes of a dataset.
 * @throws DawsonError `bad-model` for one that Dawson only runs: with batch norm, whose statistics are not
 *   trained.
 */
export function trainedNetwork(plans: unknown, dataset: Dataset, plansFile: string): NetworkPlan {
  const classes = dataset.classNames.length;
  const inputs = inputNames(dataset.channelNames, imagePlanOf(plans, plansFile), classes - 1);
  const sizes = { inputChannels: inputs.length, classes };
  const network = networkPlanOf(plans, configurationOf(plans), sizes, plansFile);
  if (network.kind === 'compact' || network.layers.norm.kind !== 'batch') return network;
  throw new DawsonError('bad-model', {
    file: plansFile,
    expected: 'a network that Dawson trains',
    found: 'one with batch norm',
    advice: 'It can be used as it is; train or start from a network with instance norm.',
  });
}

/** What the configuration that is trained says. */
function fieldOf(plans: unknown, field: string): unknown {
  const { configurations } = plans as {
    configurations: Record<string, Readonly<Record<string, unknown>>>;
  };
  return configurations[configurationOf(plans)][field];
}

function modelOf(
  dataset: Dataset,
  plan: NnunetModel['plan'],
  orientation: string,
  mirrorAxes: readonly number[],
): NnunetModel {
  return {
    plan,
    channelNames: dataset.channelNames,
    optionalChannels: dataset.optionalChannels,
    labels: classLabels(dataset.classNames),
    orientation,
    mirrorAxes,
    average: 'logits',
    rule: argmax,
    cleaning: [],
  };
}

/**
 * Segments whole cases as they are segmented in use, mirrored too, and compares them with their labels.
 * @param labels folder for what is found, `CASE.nii.gz`
 */
async function validateFold(
  dataset: Dataset,
  names: readonly string[],
  model: NnunetModel,
  {
    engine,
    network,
    weights,
    labels: labelsFolder,
    pool,
    signal,
    onProgress,
  }: {
    engine: Engine;
    network: NetworkPlan;
    weights: Weights;
    labels?: string;
    pool: WorkerPool;
    signal?: AbortSignal;
    onProgress: (done: number, all: number) => void;
  },
): Promise<FoldValidation> {
  const predictor = await loadPredictor(engine, network, weights, model.plan.patchShape);
  const predict: Predict = (patch) => predictor.predict(patch);
  const results = new Map<string, FoldValidation['cases'][string]>();
  const plain = candidateRules.findIndex(
    ({ threshold, minimumVolumeMm3, minimumPeak, keepLargest }) =>
      threshold === 0.5 && minimumVolumeMm3 === 0 && !minimumPeak && !keepLargest,
  );
  for (const [done, name] of names.entries()) {
    onProgress(done, names.length);
    const entry = dataset.cases.find((entry) => entry.name === name)!;
    const reading = await readCaseInWorker({ pool, signal }, entry, dataset.classNames.length);
    if ('problems' in reading) throw badDataset(dataset.folder, reading.problems);
    const { channels, labels, previous } = reading.images;
    const options = { ...defaultNnunetOptions, pool, signal };
    const found = await predictCase(channels, model, [predict], options, previous);
    const { lesion } = found;
    if (labelsFolder !== undefined) {
      await makeFolder(labelsFolder);
      await writeNifti(join(labelsFolder, `${name}.nii.gz`), found.labels);
    }
    const reference = maskWhere(labels, (label) => label > 0);
    const dice = await diceByRuleInWorker({ pool, signal }, lesion, reference);
    results.set(name, { dice: dice[plain], diceByRule: [...dice] });
  }
  await predictor.release();
  // Names of cases are anything, also those that plain objects have by themselves.
  return { cases: Object.fromEntries(results) };
}

/**
 * Makes a model of the folds that are trained. With every fold of a cross-validation judged, its rule
 * for lesions is the best over all cases; before that, and for a network of all cases, that of the model
 * it started from, or else probabilities from 0.5 on.
 * @param folds the numbers of the folds, with their validation
 */
export async function writeTrainedModel(
  { dataset, plans, plansFile, orientation }: PlannedTraining,
  folder: TrainingFolder,
  folds: ReadonlyMap<FoldName, FoldValidation>,
  { allFolds, name, settings }: { allFolds: number; name: string; settings: TrainingChoice },
  signal?: AbortSignal,
): Promise<ModelCard> {
  const judged = [...folds.values()].flatMap(({ cases }) => Object.values(cases));
  const isComplete = folds.size === allFolds && judged.length > 0;
  const chosen = isComplete
    ? bestRule(judged.map((result) => Float64Array.from(result.diceByRule)))
    : undefined;
  const meanDice = judged.reduce((sum, { dice }) => sum + dice, 0) / judged.length;
  const { run, loss, optimiser, augmentation, seed, threads } = settings;
  const ends = await endsOf(folder, [...folds.keys()]);
  const card: ModelCard = {
    name,
    version: '1',
    training: {
      dataset: String(dataset.description.name ?? name),
      cases: dataset.cases.length,
      channels: dataset.channelNames.join(', '),
      configuration: configurationOf(plans),
      epochs: run.epochs,
      ...(ends && { wentOnAfterEpochs: ends }),
      stepsPerEpoch: run.stepsPerEpoch,
      learningRate: run.learningRate,
      loss,
      optimiser,
      augmentation,
      seed,
      threads,
      ...(judged.length > 0 ? { judgedCases: judged.length, meanDice } : {}),
      ...(chosen ? { meanDiceOfRule: chosen.meanScore } : {}),
    },
    orientation,
    mirrorAxes: mirrorAxesOf(augmentation, imagePlanOf(plans, plansFile)),
    average: 'logits',
    rule: chosen?.rule ?? settings.pretrained?.rule ?? argmax,
  };
  const isOfAll = folds.has('all');
  const network = trainedNetwork(plans, dataset, plansFile);
  const weights = new Map(
    [...folds.keys()].map((fold) => {
      const write = async (file: string) => {
        const { tensors } = await readChecked(folder.weights(fold));
        requireWeights(tensors, network, folder.weights(fold));
        await writeSafetensors(file, { tensors, metadata: {} });
      };
      return [fold === 'all' ? 0 : fold, write] as const;
    }),
  );
  const target = isOfAll ? folder.modelOfAll : folder.model;
  await writeModelFolder(target, card, plans, dataset.description, weights, signal);
  return card;
}

/** After which epochs folds had ended before they were given more, as their weights say. */
async function endsOf(folder: TrainingFolder, folds: readonly FoldName[]): Promise<string> {
  const ends = new Set<string>();
  for (const fold of folds) {
    const { metadata } = await readChecked(folder.weights(fold));
    if (metadata.wentOnAfter !== undefined) ends.add(metadata.wentOnAfter);
  }
  return [...ends].join('; ').slice(0, 200);
}
