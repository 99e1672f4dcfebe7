import { type Command, Option } from 'commander';
import { counted } from '../counted.js';
import { costOf } from '../graph/index.js';
import { durationInWords } from '../jobs/index.js';
import {
  configurationName,
  type PlannedConfiguration,
  plannedConfigurations,
} from '../model/nnunet-plans.js';
import { weightShapes } from '../network/index.js';
import type { Run } from '../run.js';
import { architectures } from '../train/architecture.js';
import { readDataset } from '../train/dataset.js';
import { type MeasuredStep, measureStep } from '../train/measure-step.js';
import type { PlanOptions } from '../train/plan.js';
import { planTraining, type TrainingPlan } from '../train/plan-training.js';
import { requirePlannable, requirePlansOfFolds } from '../train/start-training.js';
import { trainingDefaults } from '../train/training.js';
import { TrainingFolder } from '../train/training-folder.js';
import { below } from './below.js';
import { between } from './numbers.js';
import { requireOutputs } from './outputs.js';
import { noteLines, type OutputOptions, printResult, withOutputOptions } from './terminal.js';
import { withCommandRun } from './with-run.js';

interface PlanCommandOptions extends OutputOptions {
  readonly out: string;
  readonly architecture: PlanOptions['architecture'];
  readonly memory: number;
  readonly configuration: PlannedConfiguration;
}

export function addPlan(program: Command): void {
  const command = program
    .command('plan <dataset>')
    .summary('plan the training of a network')
    .description(
      'Reads every case of a training set in nnU-Net’s convention (dataset.json, imagesTr, labelsTr), ' +
        'and plans preprocessing and network by nnU-Net v2’s rules. Takes a few steps with made-up images, ' +
        'to say how long a training will take on this machine.',
    )
    .requiredOption('--out <folder>', 'folder of the training; gets plans.json')
    .addOption(
      new Option(
        '--architecture <name>',
        'kind of network; compact is Dawson’s own, for training without a GPU: always at 1 mm',
      )
        .choices([...Object.keys(architectures), 'compact'])
        .default('plain'),
    )
    .addOption(
      new Option(
        '--configuration <name>',
        'what the network sees: 3d_fullres patches of volumes; 2d slices, one by one; 3d_lowres more of ' +
          'the image in larger voxels, and 3d_cascade_fullres patches with what that one found, where ' +
          'nnU-Net plans them',
      )
        .choices(plannedConfigurations)
        .default(configurationName),
    )
    .option(
      '--memory <GB>',
      'how much a training step may take, in nnU-Net’s GB of graphics memory; smaller gives smaller patches',
      between(0, 1024),
      8,
    )
    .addHelpText(
      'after',
      below(
        '\nExample:\n  dawson plan Dataset001_MS --memory 2 --out training\n' +
          '  dawson train Dataset001_MS --fold 0 --out training',
      ),
    )
    .action((dataset: string, options: PlanCommandOptions) => plan(dataset, options));
  withOutputOptions(command);
}

async function plan(datasetFolder: string, options: PlanCommandOptions): Promise<void> {
  const kept = `Plans that were complete are kept in ${options.out}; the same command plans again.`;
  const work = async (run: Run) => {
    await requireOutputs([datasetFolder], [{ path: options.out, kind: 'shared-folder' }]);
    const dataset = await readDataset(datasetFolder);
    const { architecture, configuration, memory } = options;
    const folder = new TrainingFolder(options.out);
    await requirePlannable(folder, configuration);
    const planned = await run.stage('read all cases', (onProgress) =>
      planTraining(
        dataset,
        { architecture, configuration, memoryGb: memory },
        { ...run, onProgress },
      ),
    );
    const { plans, image, network, step, notes } = planned;
    await requirePlansOfFolds(plans, folder);
    const file = folder.plans;
    await folder.writeJson(file, plans);
    const parameters = [...weightShapes(network).values()].reduce(
      (sum, shape) => sum + shape.reduce((product, n) => product * n, 1),
      0,
    );
    const cost = costOf(Object.values(step));
    // Who reads nothing waits for nothing.
    const pace = options.quiet ? undefined : await paceOf(planned, cost.peakLiveBytes, run);
    const summary = {
      cases: dataset.cases.length,
      configuration,
      spacingMm: image.spacingMm.slice(image.bySlice ? 1 : 0),
      patchVoxels: image.patchShape,
      batchSize: image.batchSize,
      features: network.features,
      parameters,
      stepGflop: cost.flops / 1e9,
      stepBytes: cost.peakLiveBytes,
      ...(pace && { ...pace, stepsPerFold, secondsPerFold: stepsPerFold * pace.secondsPerStep }),
      file,
      notes,
    };
    printResult(options, summary, [
      ...noteLines(notes),
      `${counted(summary.cases, 'case')}; patches of ${image.patchShape.join(' x ')} voxels of ${summary.spacingMm
        .map((mm) => mm.toFixed(2))
        .join(' x ')} mm, ${image.batchSize} a step (axes slowest first)`,
      `Network: features ${network.features.join(', ')}; ${(parameters / 1e6).toFixed(1)} million weights`,
      `A training step: ${summary.stepGflop.toFixed(0)} GFLOP, ${(cost.peakLiveBytes / 2 ** 30).toFixed(1)} GiB of memory`,
      pace
        ? paceInWords(pace)
        : 'How long it takes is not measured: the machine has less memory free than a step asks for.',
      `Written: ${file}`,
    ]);
  };
  await withCommandRun(options, work, kept);
}

const { epochs, steps, threads } = trainingDefaults;
const stepsPerFold = epochs * steps;

/** How fast the planned training goes; undefined where a step does not fit into the free memory. */
const paceOf = async (
  { network, settings }: TrainingPlan,
  stepBytes: number,
  run: Run,
): Promise<MeasuredStep | undefined> =>
  stepBytes > process.availableMemory()
    ? undefined
    : run.stage('measure a step', (onProgress) =>
        measureStep(network, settings, threads, { ...run, onProgress }),
      );

const paceInWords = ({ secondsPerStep, memoryBytes }: MeasuredStep): string =>
  `A fold: ${stepsPerFold.toLocaleString('en')} steps (${epochs} epochs of ${steps}) of ` +
  `${secondsPerStep.toPrecision(2)} s, measured here on ${threads} threads, ` +
  `${(memoryBytes / 2 ** 30).toFixed(1)} GiB: ${durationInWords(stepsPerFold * secondsPerStep)}, ` +
  'without its judging';
