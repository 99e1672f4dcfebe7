import { type Command, InvalidArgumentError, Option } from 'commander';
import { cohortColumns } from '../evaluate/cohort-table.js';
import { writeWhole } from '../formats/index.js';
import { devices } from '../network/index.js';
import type { Run } from '../run.js';
import { readDataset } from '../train/dataset.js';
import { type EpochRecord, readLog } from '../train/loop.js';
import { lossNames } from '../train/loss.js';
import { optimisers } from '../train/optimiser.js';
import { augmentationNames } from '../train/train-fold.js';
import {
  foldCount,
  type Training,
  type TrainingSettings,
  train,
  trainingDefaults,
} from '../train/training.js';
import { type FoldName, TrainingFolder } from '../train/training-folder.js';
import { requireOutputs } from './outputs.js';
import { noteLines, type OutputOptions, printResult, withOutputOptions } from './terminal.js';
import { withCommandRun } from './with-run.js';

interface TrainOptions extends OutputOptions, TrainingSettings {
  readonly fold: FoldName;
  readonly out: string;
}

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
    .requiredOption('--fold <K>', 'fold 0 to 4 of five, or all: one network of all cases', foldName)
    .option(
      '--epochs <number>',
      'epochs; 0 for the network as it begins',
      wholeOrNone,
      trainingDefaults.epochs,
    )
    .option('--steps <number>', 'steps of an epoch', whole, trainingDefaults.steps)
    .option('--learning-rate <number>', 'at the start; falls to 0 (default: the optimiser’s)', rate)
    .addOption(
      new Option('--loss <name>', 'what is made small')
        .choices(lossNames)
        .default(trainingDefaults.loss),
    )
    .addOption(
      new Option('--optimiser <name>', 'how')
        .choices(Object.keys(optimisers))
        .default(trainingDefaults.optimiser),
    )
    .addOption(
      new Option('--augmentation <name>', 'how patches are varied')
        .choices(augmentationNames)
        .default(trainingDefaults.augmentation),
    )
    .option('--cohort <file>', 'table with the patient of each case, and more columns (CSV or TSV)')
    .addOption(
      new Option(
        '--stratify <column>',
        'spread what this column of the table says over the folds',
      ).choices(Object.keys(cohortColumns)),
    )
    .option('--seed <number>', 'another seed is another run', whole, trainingDefaults.seed)
    .addOption(new Option('--device <name>', 'where it runs').choices(devices).default('cpu'))
    .option('--threads <number>', 'of the network on the CPU', whole, trainingDefaults.threads)
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
    .action((dataset: string, options: TrainOptions) => trainOn(dataset, options));
  withOutputOptions(command);
}

async function trainOn(datasetFolder: string, options: TrainOptions): Promise<void> {
  // Charts are large modules, which other commands need not wait for.
  const { learningCurvePng } = await import('../report/learning-curve.js');
  const { fold, out } = options;
  const kept =
    `What was prepared and trained so far is kept in ${out}: the same command with --resume ` +
    'goes on from the last checkpoint.';
  const work = async (run: Run) => {
    const initial = options.init === 'lesions' ? undefined : options.init;
    await requireOutputs(
      [datasetFolder, options.cohort, initial],
      [{ path: out, kind: 'shared-folder' }],
    );
    const { classNames } = await readDataset(datasetFolder);
    const curve = drawnCurve(new TrainingFolder(out), fold, (log) =>
      learningCurvePng(log, classNames.slice(1)),
    );
    let epochs = 0;
    const training = await train(datasetFolder, out, fold, options, {
      ...run,
      onEpoch: (record) => {
        epochs++;
        if (!options.quiet && !options.json) process.stderr.write(lineOf(record, options.epochs));
        curve.draw();
      },
    });
    const notDrawn = await curve.end();
    printTraining(options, training, epochs, notDrawn);
  };
  await withCommandRun(options, work, kept);
}

/**
 * The picture of a training's course, drawn anew at each epoch from the whole log, that of a resumed
 * run's earlier epochs too. One that cannot be drawn or written is no reason to end a training.
 */
function drawnCurve(
  folder: TrainingFolder,
  fold: FoldName,
  picture: (log: readonly EpochRecord[]) => Promise<Uint8Array>,
) {
  let drawing: Promise<string | undefined> = Promise.resolve(undefined);
  const draw = async () => {
    try {
      await writeWhole(folder.curve(fold), await picture(await readLog(folder.log(fold))));
      return undefined;
    } catch (error) {
      return `The course of the training is not drawn: ${(error as Error).message}`;
    }
  };
  return {
    draw: () => {
      drawing = drawing.then(draw);
    },
    /** @returns why the last one was not drawn, where it was not. */
    end: () => drawing,
  };
}

function printTraining(
  options: TrainOptions,
  { validation, model, card, folds, notes: said }: Training,
  epochs: number,
  notDrawn: string | undefined,
): void {
  const { fold, out } = options;
  const dice = Object.fromEntries(
    Object.entries(validation.cases).map(([id, result]) => [id, result.dice]),
  );
  const notes = [...said, ...(notDrawn ? [notDrawn] : [])];
  const isDrawn = epochs > 0 && !notDrawn;
  printResult(options, { fold, dice, epochs, model, card, notes }, [
    ...noteLines(notes),
    ...Object.entries(dice).map(([id, value]) => `${id}: Dice ${value.toFixed(3)}, not trained on`),
    `Model with ${folds} of ${fold === 'all' ? 1 : foldCount} networks: ${model}`,
    ...(isDrawn ? [`Course of the training: ${new TrainingFolder(out).curve(fold)}`] : []),
  ]);
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

function foldName(text: string): FoldName {
  if (text === 'all') return 'all';
  if (/^[0-4]$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is 0 to 4, or all.');
}

function whole(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > 1e9) {
    throw new InvalidArgumentError('It is a whole number from 1.');
  }
  return value;
}

function wholeOrNone(text: string): number {
  return text === '0' ? 0 : whole(text);
}

function rate(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 10)) throw new InvalidArgumentError('It is between 0 and 10.');
  return value;
}
