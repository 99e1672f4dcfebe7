import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { DawsonError } from '../errors.js';
import { type CohortColumn, type CohortRow, readCohort } from '../evaluate/cohort-table.js';
import { withLockedFolder } from '../formats/lock-folder.js';
import { isThere } from '../formats/open-file.js';
import { readJson, readJsonIfThere } from '../formats/read-json.js';
import type { ModelCard } from '../model/model-folder.js';
import {
  cascadeConfiguration,
  imagePlanOf,
  type PlannedConfiguration,
} from '../model/nnunet-plans.js';
import type { Device } from '../network/index.js';
import { type RunOptions, withRun } from '../run.js';
import { withDefaults } from '../with-defaults.js';
import { type Dataset, readDataset, withPreviousStage } from './dataset.js';
import { type Fold, givenFolds, splitCases, splitIntoFolds } from './folds.js';
import { defaultRunSettings, type EpochRecord, type Pace } from './loop.js';
import type { LossName } from './loss.js';
import { type OptimiserName, optimisers } from './optimiser.js';
import {
  plannedTraining,
  readPretrained,
  requireFound,
  requirePlansOfFolds,
  requireStage,
} from './start-training.js';
import {
  type AugmentationName,
  type TrainingChoice,
  trainFold,
  writeTrainedModel,
} from './train-fold.js';
import { type FoldName, type FoldValidation, TrainingFolder } from './training-folder.js';

/** Folds of the cross-validation. */
export const foldCount = 5;

/** How a network is trained, and on what. */
export interface TrainingSettings {
  readonly epochs: number;
  /** Steps of an epoch. */
  readonly steps: number;
  /** What the network sees; without it that of the plans there are, or `3d_fullres`. */
  readonly configuration?: PlannedConfiguration;
  /** At the start; without it the optimiser's own. */
  readonly learningRate?: number;
  readonly loss: LossName;
  readonly optimiser: OptimiserName;
  readonly augmentation: AugmentationName;
  /** Table with the patient of each case, and more columns. */
  readonly cohort?: string;
  /** What this column says is spread over the folds. */
  readonly stratify?: CohortColumn;
  /** File with folds of one's own, as nnU-Net's `splits_final.json`; drawn without it. */
  readonly splits?: string;
  readonly seed: number;
  readonly device: Device;
  readonly threads: number;
  /** Folder of prepared cases, which trainings can share; without it one in the folder of the training. */
  readonly cache?: string;
  /** Whether to go on with a run that was stopped. */
  readonly resume: boolean;
  /** Folder of `CASE.nii.gz` that the first network of a cascade found, for its second. */
  readonly previousStage?: string;
  /** Model folder to start from, or `lesions`: the network that comes with Dawson. */
  readonly init?: string;
}

export const trainingDefaults = {
  epochs: defaultRunSettings.epochs,
  steps: defaultRunSettings.stepsPerEpoch,
  loss: 'dice-and-cross-entropy',
  optimiser: 'sgd',
  augmentation: 'nnunet',
  seed: 1,
  device: 'cpu',
  threads: availableParallelism(),
  resume: false,
} as const satisfies TrainingSettings;

/** A fold that is trained, and the model that it is part of. */
export interface Training {
  readonly validation: FoldValidation;
  /** Folder of the model, for `dawson segment --model`. */
  readonly model: string;
  readonly card: ModelCard;
  /** Folds that the model has, and that it will have. */
  readonly folds: number;
  readonly allFolds: number;
  readonly classNames: readonly string[];
  readonly notes: readonly string[];
}

/**
 * Trains one fold of a cross-validation, or a network of all cases, and makes a model of the folds that
 * are done. Everything is kept in the training's folder; its plans are used where it has some.
 * @param dataset folder in nnU-Net's convention
 * @param folder of the training
 * @throws DawsonError `usage` for a fold that there is not, and for labels of a stage before that are
 *   missing or too many; `bad-dataset`, `output-exists` for a fold that was begun without `resume`,
 *   `inputs-conflict` for other folds or another configuration than those kept, `training-failed`; the signal's reason.
 */
export function train(
  dataset: string,
  folder: string,
  fold: FoldName,
  settings: Partial<TrainingSettings> = {},
  run: RunOptions & {
    readonly onEpoch?: (record: EpochRecord) => void;
    readonly onPace?: (pace: Pace) => void;
  } = {},
): Promise<Training> {
  return withRun(run, async (whole) => {
    const chosen: TrainingSettings = withDefaults(trainingDefaults, settings);
    const paths = new TrainingFolder(folder, chosen.cache);
    if (chosen.splits === undefined) requireFold(fold, foldCount);
    const table = chosen.cohort ? await readCohort(chosen.cohort) : undefined;
    const { previousStage, configuration } = chosen;
    if (configuration === cascadeConfiguration) requireStage(true, previousStage, dataset);
    const images = await readDataset(dataset);
    if (previousStage) requireFound(previousStage, images);
    const data = previousStage ? withPreviousStage(images, previousStage) : images;
    const pretrained = chosen.init ? await readPretrained(chosen.init) : undefined;
    const planned = await plannedTraining(data, paths, { ...chosen, pretrained }, whole);
    const { takesLabels } = imagePlanOf(planned.plans, planned.plansFile);
    requireStage(takesLabels === true, previousStage, planned.plansFile);
    await requirePlansOfFolds(planned.plans, paths, fold);
    const names = data.cases.map((entry) => entry.name);
    const splits = fold === 'all' ? [] : await splitsOf(data, paths, table?.rows, chosen);
    requireFold(fold, splits.length);
    const cases = fold === 'all' ? { train: names, val: [] } : splits[fold];
    const choice = { ...choiceOf(chosen, cases), pretrained };
    const { onEpoch, onPace } = run;
    const told = { ...whole, onEpoch, onPace };
    const validation = await withLockedFolder(paths.foldFolder(fold), 'a training', () =>
      trainFold(planned, fold, cases, paths, choice, told),
    );
    const model = fold === 'all' ? paths.modelOfAll : paths.model;
    const allFolds = fold === 'all' ? 1 : splits.length;
    const naming = { allFolds, name: basename(data.folder), settings: choice };
    const write = async () => {
      const folds: ReadonlyMap<FoldName, FoldValidation> =
        fold === 'all' ? new Map([[fold, validation]]) : await paths.validations(splits.length);
      return { folds, card: await writeTrainedModel(planned, paths, folds, naming, whole.signal) };
    };
    // Of two folds that end at the same time the later one has to see the other.
    const whenFree = { waits: true, signal: whole.signal };
    const { card, folds } = await withLockedFolder(model, 'a model', write, whenFree);
    return {
      validation,
      model,
      card,
      folds: folds.size,
      allFolds,
      classNames: data.classNames,
      notes: [...(table?.notes ?? (await unusedTable(dataset, fold, chosen))), ...planned.notes],
    };
  });
}

/** A note where a table beside the images says that patients have several cases, and nobody gave it. */
async function unusedTable(
  dataset: string,
  fold: FoldName,
  { splits }: TrainingSettings,
): Promise<string[]> {
  const file = join(dataset, 'cohort.csv');
  if (fold === 'all' || splits !== undefined || !(await isThere(file))) return [];
  const { rows } = await readCohort(file).catch(() => ({ rows: [] as readonly CohortRow[] }));
  const patients = rows.flatMap(({ patient }) => patient ?? []);
  if (new Set(patients).size === patients.length) return [];
  return [
    'cohort.csv in the training set says that patients have several cases, and was not used: one may be on ' +
      'both sides of a fold, and figures too good (--cohort)',
  ];
}

function choiceOf(settings: TrainingSettings, { val }: Fold): TrainingChoice {
  const { epochs, steps, learningRate, optimiser } = settings;
  const { validationSteps } = defaultRunSettings;
  return {
    ...settings,
    run: {
      ...defaultRunSettings,
      epochs,
      stepsPerEpoch: steps,
      learningRate: learningRate ?? optimisers[optimiser].learningRate,
      validationSteps: val.length > 0 ? Math.min(validationSteps, steps) : 0,
    },
  };
}

function requireFold(fold: FoldName, count: number): void {
  if (fold === 'all' || fold < count) return;
  throw new DawsonError('usage', {
    expected: `a fold from 0 to ${count - 1}`,
    found: `--fold ${fold}`,
  });
}

/** All folds: drawn once or given, and kept, so that all runs agree on them. */
async function splitsOf(
  dataset: Dataset,
  folder: TrainingFolder,
  rows: readonly CohortRow[] | undefined,
  { splits, stratify, seed }: TrainingSettings,
): Promise<readonly Fold[]> {
  const cases = splitCases(dataset, { rows, stratifyBy: stratify });
  const chosen =
    splits === undefined
      ? splitIntoFolds(cases, { folds: foldCount, seed })
      : givenFolds(await readJson(splits), cases, splits);
  const kept = await readJsonIfThere(folder.splits);
  if (kept === undefined) await folder.writeJson(folder.splits, chosen);
  else if (JSON.stringify(kept) !== JSON.stringify(chosen)) {
    throw new DawsonError('inputs-conflict', {
      file: folder.splits,
      expected: 'the folds of these cases, this table and this seed, or of --splits',
      found: 'others',
      advice:
        'Give the same --seed, --cohort, --stratify or --splits for every fold, or another folder.',
    });
  }
  return chosen;
}
