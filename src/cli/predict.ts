import { availableParallelism } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { counted } from '../counted.js';
import { openModel } from '../model/open-model.js';
import { type Device, devices } from '../network/index.js';
import type { Run } from '../run.js';
import { casesIn, fileEndingOf } from '../segment/nnunet/case-files.js';
import { defaultNnunetOptions } from '../segment/nnunet/nnunet.js';
import { predictCases } from '../segment/nnunet/predict-folder.js';
import { stepSize } from './numbers.js';
import { requireOutputs } from './outputs.js';
import {
  naming,
  noteLines,
  type OutputOptions,
  printResult,
  withOutputOptions,
} from './terminal.js';
import { withCommandRun } from './with-run.js';

interface PredictCommandOptions extends OutputOptions {
  readonly in: string;
  readonly out: string;
  readonly folds?: readonly number[];
  readonly stepSize: number;
  readonly mirror: boolean;
  readonly probabilities: boolean;
  readonly previousStage?: string;
  readonly device: Device;
  readonly threads: number;
}

export function addPredict(program: Command): void {
  const command = program
    .command('predict <model>')
    .summary('run a trained model on a folder of cases, as nnU-Net does')
    .description(
      'Runs a trained model on images as they are, as nnUNetv2_predict does: nothing is registered, no ' +
        'brain is cut out. Writes the labels that nnU-Net would give, on the grid of each case.',
    )
    .requiredOption('--in <folder>', 'images named CASE_0000.nii.gz, CASE_0001.nii.gz, …')
    .requiredOption('--out <folder>', 'for CASE.nii.gz with the labels of each case')
    .option('--folds <numbers>', 'which folds of the model, such as 0,1 (default: all)', numbers)
    .option(
      '--step-size <part>',
      'distance between windows, as a part of the patch',
      stepSize,
      defaultNnunetOptions.stepSize,
    )
    .option('--no-mirror', 'without mirrored images; up to 8 times as fast')
    .option('--probabilities', 'also CASE_class-K.nii.gz, the probability of each class', false)
    .option(
      '--previous-stage <folder>',
      'for the second network of a cascade: the labels that its first one found',
    )
    .addOption(new Option('--device <name>', 'where networks run').choices(devices).default('cpu'))
    .option(
      '--threads <number>',
      'threads of a network on the CPU',
      threadCount,
      availableParallelism(),
    )
    .addHelpText(
      'after',
      '\nExample:\n  dawson model import nnunet-results --orientation LPS --out model\n' +
        '  dawson predict model --in imagesTs --out labels',
    )
    .action((model: string, options: PredictCommandOptions) => predict(model, options));
  withOutputOptions(command);
}

async function predict(model: string, options: PredictCommandOptions): Promise<void> {
  const { in: folder, out, device, threads } = options;
  await requireOutputs(
    [model, folder, options.previousStage],
    [{ path: out, kind: 'shared-folder' }],
  );
  const kept = `Labels of the cases that are done are kept in ${out}; the same command does all again.`;
  const work = async (run: Run) => {
    const opened = await run.stage('open the model', () => openModel(model));
    const cases = await casesIn(folder, opened.model, fileEndingOf(opened.dataset));
    const engine = { device, threads };
    const done = await predictCases(cases, out, opened, { ...options, engine }, run);
    const notes = done.flatMap((entry) => naming(entry.name, entry.notes));
    const { name, version } = opened.card;
    const result = { model: { name, version, sha256: opened.sha256 }, cases: done };
    printResult(options, result, [
      ...noteLines(notes),
      ...done.map(({ name, voxels }) => `${name}: ${voxelsInWords(voxels)}`),
      `Labels of ${counted(done.length, 'case')}: ${out}`,
    ]);
  };
  await withCommandRun(options, work, kept);
}

const voxelsInWords = (voxels: Readonly<Record<number, number>>): string =>
  Object.entries(voxels)
    .map(([label, count]) => `${counted(count, 'voxel')} of label ${label}`)
    .join(', ') || 'nothing found';

function numbers(text: string): number[] {
  const found = text.split(',').map(Number);
  if (found.every((fold) => Number.isInteger(fold) && fold >= 0 && fold < 100)) return found;
  throw new InvalidArgumentError('It is numbers of folds, such as 0,1,2.');
}

function threadCount(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 1024) return value;
  throw new InvalidArgumentError('It is a whole number from 1 to 1024.');
}
