import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { DawsonError } from '../errors.js';
import {
  type CohortColumn,
  type CohortRow,
  cohortColumns,
  readCohort,
} from '../evaluate/cohort-table.js';
import { writeWhole } from '../formats/index.js';
import { readJson, readJsonIfThere } from '../formats/read-json.js';
import type { ModelCard } from '../model/model-folder.js';
import { type Device, devices } from '../network/index.js';
import type { Run } from '../run.js';
import { readDataset } from '../train/dataset.js';
import { type Fold, givenFolds, splitCases, splitIntoFolds } from '../train/folds.js';
import { defaultRunSettings, type EpochRecord, readLog } from '../train/loop.js';
import { type LossName, lossNames } from '../train/loss.js';
import { type OptimiserName, optimisers } from '../train/optimiser.js';
import {
  type AugmentationName,
  augmentationNames,
  type PlannedTraining,
  type TrainingChoice,
  trainFold,
  writeTrainedModel,
} from '../train/train-fold.js';
import { type FoldName, type FoldValidation, TrainingFolder } from '../train/training-folder.js';
import { requireOutputs } from './outputs.js';
import { noteLines, type OutputOptions, printResult, withOutputOptions } from './terminal.js';
import { plannedTraining, readPretrained } from './train-start.js';
import { withCommandRun } from './with-run.js';

interface TrainOptions extends OutputOptions {
  readonly fold: FoldName | 'all-five';
  readonly out: string;
  readonly epochs: number;
  readonly steps: number;
  readonly learningRate?: number;
  readonly loss: LossName;
  readonly optimiser: OptimiserName;
  readonly augmentation: AugmentationName;
  readonly cohort?: string;
  readonly stratify?: CohortColumn;
  readonly splits?: string;
  readonly seed: number;
  readonly device: Device;
  readonly threads: number;
  readonly resume: boolean;
  readonly init?: string;
}

/** Folds of the cross-validation. */
const foldCount = 5;

export function addTrain(program: Command): void {
  const command = program
    .command('train <dataset>')
    .summary('train a network')
    .description(
      'Trains an nnU-Net on a training set in nnU-Net’s convention. What is done is kept in the folder\n' +
        'of the training; a run that was stopped goes on exactly with --resume. Each fold of a\n' +
        'cross-validation is one run; the model has the folds that are done, and with the last of them\n' +
        'its rule for lesions is chosen.',
    )
    .requiredOption(
      '--out <folder>',
      'folder of the training; its plans.json is used if there is one',
    )
    .requiredOption(
      '--fold <K>',
      'fold 0 to 4 of five; all-five: one after another; all: one network of all cases',
      foldName,
    )
    .option('--epochs <number>', 'epochs', whole, defaultRunSettings.epochs)
    .option('--steps <number>', 'steps of an epoch', whole, defaultRunSettings.stepsPerEpoch)
    .option('--learning-rate <number>', 'at the start; falls to 0 (default: the optimiser’s)', rate)
    .addOption(
      new Option('--loss <name>', 'what is made small')
        .choices(lossNames)
        .default('dice-and-cross-entropy'),
    )
    .addOption(
      new Option('--optimiser <name>', 'how').choices(Object.keys(optimisers)).default('sgd'),
    )
    .addOption(
      new Option('--augmentation <name>', 'how patches are varied')
        .choices(augmentationNames)
        .default('nnunet'),
    )
    .option('--cohort <file>', 'table with the patient of each case, and more columns (CSV or TSV)')
    .addOption(
      new Option(
        '--stratify <column>',
        'spread what this column of the table says over the folds',
      ).choices(Object.keys(cohortColumns)),
    )
    .option('--splits <file>', 'your own folds: a splits_final.json of nnU-Net (default: drawn)')
    .option('--seed <number>', 'another seed is another run', whole, 1)
    .addOption(new Option('--device <name>', 'where it runs').choices(devices).default('cpu'))
    .option('--threads <number>', 'of the network on the CPU', whole, availableParallelism())
    .option('--resume', 'go on with a run that was stopped', false)
    .option(
      '--init <model>',
      'start from a trained model: a model folder (its first fold), or “lesions”, Dawson’s own network',
    )
    .addHelpText(
      'after',
      '\nWrites into the folder:\n' +
        '  plans.json, splits_final.json, cache/\n' +
        '  fold_K/  checkpoint.safetensors, weights.safetensors, log.jsonl, learning-curve.png,\n' +
        '           validation.json\n' +
        '  model/   (model_all/) for dawson segment --model\n' +
        '\nExample:\n' +
        '  dawson train Dataset001_MS --fold 0 --out training\n' +
        '  dawson segment --flair flair.nii.gz --model training/model --out result',
    )
    .action((dataset: string, options: TrainOptions) => train(dataset, options));
  withOutputOptions(command);
}

async function train(datasetFolder: string, options: TrainOptions): Promise<void> {
  if (typeof options.fold === 'number' && options.fold >= foldCount && !options.splits) {
    failFold(options.fold, foldCount);
  }
  const folder = new TrainingFolder(options.out);
  const kept =
    `What was prepared and trained so far is kept in ${options.out}: the same command with --resume ` +
    'goes on from the last checkpoint.';
  await withCommandRun(
    options,
    async (run) => {
      const initial = options.init === 'lesions' ? undefined : options.init;
      await requireOutputs(
        [datasetFolder, options.cohort, options.splits, initial],
        [{ path: options.out, kind: 'shared-folder' }],
      );
      const table = options.cohort ? await readCohort(options.cohort) : undefined;
      const dataset = await readDataset(datasetFolder);
      const pretrained = options.init ? await readPretrained(options.init) : undefined;
      const planned = await plannedTraining(dataset, folder, pretrained, run);
      const splits =
        options.fold === 'all' ? [] : await splitsOf(dataset, folder, table?.rows, options);
      const trained: TrainedFold[] = [];
      for (const name of namesOf(options.fold, splits)) {
        const fold =
          name === 'all'
            ? { train: dataset.cases.map((entry) => entry.name), val: [] }
            : (splits[name] ?? failFold(name, splits.length));
        const choice = choiceOf(options, fold, pretrained);
        trained.push(await trainOne(planned, name, fold, folder, choice, options, run));
        const folds =
          name === 'all'
            ? new Map([['all' as const, trained[0].validation]])
            : await folder.validations(splits.length);
        const of = { allFolds: splits.length, name: basename(dataset.folder), settings: choice };
        const card = await writeTrainedModel(planned, folder, folds, of, run.signal);
        const count = `${folds.size} of ${name === 'all' ? 1 : splits.length} networks`;
        if (trained.length < namesOf(options.fold, splits).length) continue;
        printTrained(options, trained, { folder, card, count, notes: table?.notes ?? [] });
      }
    },
    kept,
  );
}

/** The folds that are asked for, in the order in which they are trained. */
const namesOf = (fold: FoldName | 'all-five', splits: readonly Fold[]): FoldName[] =>
  fold === 'all-five' ? splits.map((_, index) => index) : [fold];

function failFold(name: number, count: number): never {
  throw new DawsonError('usage', {
    expected: `a fold from 0 to ${count - 1}`,
    found: `--fold ${name}`,
  });
}

const choiceOf = (
  options: TrainOptions,
  fold: Fold,
  pretrained: TrainingChoice['pretrained'],
): TrainingChoice => ({
  run: {
    ...defaultRunSettings,
    epochs: options.epochs,
    stepsPerEpoch: options.steps,
    learningRate: options.learningRate ?? optimisers[options.optimiser].learningRate,
    validationSteps:
      fold.val.length > 0 ? Math.min(defaultRunSettings.validationSteps, options.steps) : 0,
  },
  ...options,
  pretrained,
});

/** A fold that is trained and judged. */
interface TrainedFold {
  readonly name: FoldName;
  readonly validation: FoldValidation;
  /** Of this run, without those before it was stopped. */
  readonly epochs: number;
  /** Why the course of the training is not drawn, where it is not. */
  readonly notDrawn?: string;
}

async function trainOne(
  planned: PlannedTraining,
  name: FoldName,
  fold: Fold,
  folder: TrainingFolder,
  choice: TrainingChoice,
  options: TrainOptions,
  run: Run,
): Promise<TrainedFold> {
  // Charts are large modules, which other commands need not wait for.
  const { learningCurvePng } = await import('../report/learning-curve.js');
  // The log of earlier epochs is read again: a resumed run draws its whole course.
  let epochs = 0;
  let drawing = Promise.resolve();
  let notDrawn: string | undefined;
  const draw = async () => {
    const log = await readLog(folder.log(name));
    const classes = planned.dataset.classNames.slice(1);
    await writeWhole(folder.curve(name), await learningCurvePng(log, classes));
    notDrawn = undefined;
  };
  // A picture that cannot be drawn or written is no reason to end a training.
  const drawOrNote = () =>
    draw().catch((error: unknown) => {
      notDrawn = `The course of the training is not drawn: ${(error as Error).message}`;
    });
  const validation = await trainFold(planned, name, fold, folder, choice, {
    ...run,
    onEpoch: (record) => {
      epochs++;
      if (!options.quiet && !options.json) process.stderr.write(lineOf(record, options.epochs));
      drawing = drawing.then(drawOrNote);
    },
  });
  await drawing;
  return { name, validation, epochs, notDrawn };
}

function printTrained(
  options: TrainOptions,
  trained: readonly TrainedFold[],
  { folder, card, count, notes: tableNotes }: PrintedModel,
): void {
  const model = options.fold === 'all' ? folder.modelOfAll : folder.model;
  const cases = trained.flatMap(({ validation }) => Object.entries(validation.cases));
  const dice = Object.fromEntries(cases.map(([id, result]) => [id, result.dice]));
  const notDrawn = trained.flatMap((fold) => fold.notDrawn ?? []);
  const notes = [...tableNotes, ...notDrawn];
  const epochs = trained.reduce((sum, fold) => sum + fold.epochs, 0);
  printResult(options, { fold: options.fold, dice, epochs, model, card, notes }, [
    ...noteLines(notes),
    ...Object.entries(dice).map(([id, value]) => `${id}: Dice ${value.toFixed(3)}, not trained on`),
    `Model with ${count}: ${model}`,
    ...trained
      .filter((fold) => !fold.notDrawn)
      .map(({ name }) => `Course of the training: ${folder.curve(name)}`),
  ]);
}

interface PrintedModel {
  readonly folder: TrainingFolder;
  readonly card: ModelCard;
  readonly count: string;
  readonly notes: readonly string[];
}

/** All folds: drawn once or given, and kept, so that all runs agree on them. */
async function splitsOf(
  dataset: PlannedTraining['dataset'],
  folder: TrainingFolder,
  rows: readonly CohortRow[] | undefined,
  { splits, stratify, seed }: TrainOptions,
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

function lineOf(record: EpochRecord, epochs: number): string {
  const { epoch, trainingLoss, validationLoss, pseudoDice, seconds, waitingSeconds } = record;
  const dice = pseudoDice?.map((value) => (value === null ? '–' : value.toFixed(3))).join(' ');
  const left = ((epochs - epoch - 1) * seconds) / 60;
  return (
    `${process.stderr.isTTY ? '\r\u001b[2K' : ''}  epoch ${epoch + 1} of ${epochs}: loss ${trainingLoss.toFixed(4)}` +
    (validationLoss === undefined ? '' : `, validation ${validationLoss.toFixed(4)}`) +
    (dice === undefined ? '' : `, pseudo-Dice ${dice}`) +
    `; ${seconds.toFixed(0)} s, engine busy ${(100 * (1 - waitingSeconds / seconds)).toFixed(1)} %, ` +
    `${left.toFixed(0)} min left\n`
  );
}

function foldName(text: string): FoldName | 'all-five' {
  if (text === 'all' || text === 'all-five') return text;
  if (/^\d$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is 0 to 4, all-five, or all.');
}

function whole(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > 1e9) {
    throw new InvalidArgumentError('It is a whole number from 1.');
  }
  return value;
}

function rate(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 10)) throw new InvalidArgumentError('It is between 0 and 10.');
  return value;
}
