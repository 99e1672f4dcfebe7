import { type Command, Option } from 'commander';
import { costOf } from '../graph/index.js';
import { weightShapes } from '../network/index.js';
import { architectures } from '../train/architecture.js';
import { readDataset } from '../train/dataset.js';
import type { PlanOptions } from '../train/plan.js';
import { planTraining } from '../train/plan-training.js';
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
}

export function addPlan(program: Command): void {
  const command = program
    .command('plan <dataset>')
    .summary('plan the training of a network')
    .description(
      'Reads every case of a training set in nnU-Net’s convention (dataset.json, imagesTr, labelsTr), ' +
        'and plans preprocessing and network by nnU-Net v2’s rules.',
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
  await withCommandRun(options, async (run) => {
    await requireOutputs([datasetFolder], [{ path: options.out, kind: 'shared-folder' }]);
    const dataset = await readDataset(datasetFolder);
    const { plans, image, network, step, notes } = await run.stage('read all cases', (onProgress) =>
      planTraining(
        dataset,
        { architecture: options.architecture, memoryGb: options.memory },
        { ...run, onProgress },
      ),
    );
    const folder = new TrainingFolder(options.out);
    const file = folder.plans;
    await folder.writeJson(file, plans);
    const parameters = [...weightShapes(network).values()].reduce(
      (sum, shape) => sum + shape.reduce((product, n) => product * n, 1),
      0,
    );
    const cost = costOf(Object.values(step));
    const summary = {
      cases: dataset.cases.length,
      spacingMm: image.spacingMm,
      patchVoxels: image.patchShape,
      batchSize: image.batchSize,
      features: network.features,
      parameters,
      stepGflop: cost.flops / 1e9,
      stepBytes: cost.peakLiveBytes,
      file,
      notes,
    };
    printResult(options, summary, [
      ...noteLines(notes),
      `${summary.cases} cases; patches of ${image.patchShape.join(' x ')} voxels of ${image.spacingMm
        .map((mm) => mm.toFixed(2))
        .join(' x ')} mm, ${image.batchSize} a step (axes slowest first)`,
      `Network: features ${network.features.join(', ')}; ${(parameters / 1e6).toFixed(1)} million weights`,
      `A training step: ${summary.stepGflop.toFixed(0)} GFLOP, ${(cost.peakLiveBytes / 2 ** 30).toFixed(1)} GiB of memory`,
      `Written: ${file}`,
    ]);
  });
}
