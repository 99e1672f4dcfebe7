import { type Command, InvalidArgumentError, Option } from 'commander';
import { counted } from '../counted.js';
import { cohortColumns } from '../evaluate/cohort-table.js';
import { writeWhole } from '../formats/index.js';
import { durationInWords } from '../jobs/index.js';
import { plannedConfigurations } from '../model/nnunet-plans.js';
import { devices } from '../network/index.js';
import type { Run } from '../run.js';
import { readDataset } from '../train/dataset.js';
import { type EpochRecord, type Pace, readLog } from '../train/loop.js';
import { lossNames } from '../train/loss.js';
import { optimisers } from '../train/optimiser.js';
import { augmentationNames } from '../train/train-fold.js';
import {
  type Training,
  type TrainingSettings,
  train,
  trainingDefaults,
} from '../train/training.js';
import { type FoldName, TrainingFolder } from '../train/training-folder.js';
import { below } from './below.js';
import { between, wholeNumber } from './numbers.js';
import { requireOutputs } from './outputs.js';
import { noteLines, type OutputOptions, printResult, withOutputOptions } from './terminal.js';
import { withCommandRun } from './with-run.js';

interface TrainOptions extends OutputOptions, TrainingSettings {
  readonly fold: FoldName | 'all-five';
  readonly out: string;
}

export function addTrain(program: Command): void {
  const command = program
    .command('train <dataset>')
    .summary('train a network')
    .description(
      'Trains an nnU-Net on a training set in nnU-Net’s convention. What is done is kept in the folder ' +
        'of the training; a run that was stopped goes on exactly with --resume. Each fold of a ' +
        'cross-validation is one run; the model has the folds that are done, and with the last of them ' +
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
    .addOption(
      new Option(
        '--configuration <name>',
        'what the network sees, as in dawson plan (default: that of plans.json or of --init, else 3d_fullres)',
      ).choices(plannedConfigurations),
    )
    .option('--cohort <file>', 'table with the patient of each case, and more columns (CSV or TSV)')
    .addOption(
      new Option(
        '--stratify <column>',
        'spread what this column of the table says over the folds',
      ).choices(Object.keys(cohortColumns)),
    )
    .option('--splits <file>', 'your own folds: a splits_final.json of nnU-Net (default: drawn)')
    .option(
      '--resume',
      'go on with a run that was stopped, or with more --epochs after its end',
      false,
    )
    .option(
      '--cache <folder>',
      'prepared cases are kept here; trainings on the same images can share it (default: cache in the folder of the training)',
    )
    .option(
      '--previous-stage <folder>',
      'for the second network of a cascade: the labels that its first one found',
    )
    .option(
      '--init <model>',
      'start from a trained model: a model folder (its first fold), or “lesions”, Dawson’s own network',
    )
    .addHelpText(
      'after',
      below(
        '\nWrites into the folder:\n' +
          '  plans.json, splits_final.json, cache/\n' +
          '  fold_K/  checkpoint.safetensors, weights.safetensors, log.jsonl, learning-curve.png, ' +
          'validation.json\n' +
          '  model/   (model_all/) for dawson segment --model; of a cascade for dawson predict\n' +
          '  labels_for_next_stage/  of 3d_lowres: what each fold finds in the cases that it did not see\n' +
          '\nExample:\n' +
          '  dawson train Dataset001_MS --fold 0 --out training\n' +
          '  dawson segment --flair flair.nii.gz --model training/model --out result',
      ),
    )
    .action((dataset: string, options: TrainOptions) => trainOn(dataset, options));
  withLearningOptions(command);
  withOutputOptions(command);
}

/** How the network learns, and on which machine. */
function withLearningOptions(command: Command): void {
  command
    .option(
      '--epochs <number>',
      'times that the rate falls and the network is judged; 0 for the network as it begins',
      wholeNumber(0),
      trainingDefaults.epochs,
    )
    .option(
      '--steps <number>',
      'steps of an epoch, a batch of patches each',
      wholeNumber(1),
      trainingDefaults.steps,
    )
    .option(
      '--learning-rate <number>',
      'how far a step goes, at the start; falls to 0 (default: the optimiser’s)',
      between(0, 10),
    )
    .addOption(
      new Option(
        '--loss <name>',
        'what training makes small: how far the answers are from the labels',
      )
        .choices(lossNames)
        .default(trainingDefaults.loss),
    )
    .addOption(
      new Option('--optimiser <name>', 'rule by which a step changes the weights')
        .choices(Object.keys(optimisers))
        .default(trainingDefaults.optimiser),
    )
    .addOption(
      new Option('--augmentation <name>', 'how patches are varied: as nnU-Net does, or not at all')
        .choices(augmentationNames)
        .default(trainingDefaults.augmentation),
    )
    .option(
      '--seed <number>',
      'what is drawn at random follows from it; another seed is another run',
      wholeNumber(1),
      trainingDefaults.seed,
    )
    .addOption(
      new Option('--device <name>', 'processor that the network runs on')
        .choices(devices)
        .default('cpu'),
    )
    .option(
      '--threads <number>',
      'threads of the network on the CPU',
      wholeNumber(1),
      trainingDefaults.threads,
    );
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
      [datasetFolder, options.cohort, options.splits, options.previousStage, initial],
      [
        { path: out, kind: 'shared-folder' },
        { path: options.cache, kind: 'shared-folder' },
      ],
    );
    const { classNames } = await readDataset(datasetFolder);
    const trained: TrainedFold[] = [];
    do {
      const name = fold === 'all-five' ? trained.length : fold;
      const curve = drawnCurve(new TrainingFolder(out), name, (log) =>
        learningCurvePng(log, classNames.slice(1)),
      );
      let epochs = 0;
      const training = await train(datasetFolder, out, name, options, {
        ...run,
        onEpoch: (record) => {
          epochs++;
          if (!options.quiet && !options.json) process.stderr.write(lineOf(record, options.epochs));
          curve.draw();
        },
        onPace: (pace) => {
          if (!options.quiet && !options.json) process.stderr.write(paceLine(pace));
        },
      });
      trained.push({ ...training, name, epochs, notDrawn: await curve.end() });
    } while (fold === 'all-five' && trained.length < trained[0].allFolds);
    printTraining(options, trained);
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

/** A fold that is trained and judged. */
interface TrainedFold extends Training {
  readonly name: FoldName;
  /** Those of this run, without those before it was stopped. */
  readonly epochs: number;
  /** Why the course of the training is not drawn, where it is not. */
  readonly notDrawn?: string;
}

function printTraining(options: TrainOptions, trained: readonly TrainedFold[]): void {
  const { fold, out } = options;
  const { model, card, folds, allFolds, notes: said } = trained.at(-1)!;
  const cases = trained.flatMap(({ validation }) => Object.entries(validation.cases));
  const dice = Object.fromEntries(cases.map(([id, result]) => [id, result.dice]));
  const notes = [...said, ...trained.flatMap(({ notDrawn }) => notDrawn ?? [])];
  const epochs = trained.reduce((sum, one) => sum + one.epochs, 0);
  const drawn = trained.filter((one) => one.epochs > 0 && !one.notDrawn);
  printResult(options, { fold, dice, epochs, model, card, notes }, [
    ...noteLines(notes),
    ...Object.entries(dice).map(([id, value]) => `${id}: Dice ${value.toFixed(3)}, not trained on`),
    `Model with ${folds} of ${counted(allFolds, 'network')}: ${model}`,
    ...drawn.map(({ name }) => `Course of the training: ${new TrainingFolder(out).curve(name)}`),
  ]);
}

const fresh = () => (process.stderr.isTTY ? '\r\u001b[2K' : '');

/** How long a fold will take, and the memory that it takes. */
function paceLine({ secondsPerStep, steps }: Pace): string {
  const gib = process.resourceUsage().maxRSS / 2 ** 20;
  return (
    `${fresh()}  ${steps.toLocaleString('en')} steps of ${secondsPerStep.toPrecision(2)} s, measured on the ` +
    `first ones: ${durationInWords(steps * secondsPerStep)} for this fold, without its judging; ` +
    `${gib.toFixed(1)} GiB so far\n`
  );
}

function lineOf(record: EpochRecord, epochs: number): string {
  const { epoch, trainingLoss, validationLoss, pseudoDice, seconds, waitingSeconds } = record;
  const dice = pseudoDice?.map((value) => (value === null ? '–' : value.toFixed(3))).join(' ');
  const left = durationInWords((epochs - epoch - 1) * seconds);
  return (
    `${fresh()}  epoch ${epoch + 1} of ${epochs}: loss ${trainingLoss.toFixed(4)}` +
    (validationLoss === undefined ? '' : `, validation ${validationLoss.toFixed(4)}`) +
    (dice === undefined ? '' : `, pseudo-Dice ${dice}`) +
    `; ${seconds.toFixed(0)} s, engine busy ${(100 * (1 - waitingSeconds / seconds)).toFixed(1)} %, ` +
    `${epoch + 1 < epochs ? `${left} left` : 'the last'}\n`
  );
}

function foldName(text: string): FoldName | 'all-five' {
  if (text === 'all' || text === 'all-five') return text;
  if (/^\d$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is 0 to 4, all-five, or all.');
}
