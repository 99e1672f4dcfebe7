import type { Command } from 'commander';
import { openModelFolder } from '../segment/model-folder.js';
import { type ModelSummary, summaryOf } from '../segment/model-summary.js';
import { type OutputOptions, printResult, withOutputOptions } from './terminal.js';

export function addModel(program: Command): void {
  const model = program
    .command('model')
    .summary('look at trained models')
    .description('Trained models are folders, given to dawson segment with --model.');
  const show = model
    .command('show <folder>')
    .summary('say what a model is and what it costs')
    .description(
      'Checks every file of a model folder, and prints the network, what a patch costs, where the\n' +
        'model comes from, its lesion rule, and its files.',
    )
    .action(async (folder: string, options: OutputOptions) => {
      const summary = summaryOf(await openModelFolder(folder));
      printResult(options, summary, linesOf(summary));
    });
  withOutputOptions(show);
}

const networkNames = {
  plain: 'PlainConvUNet',
  residual: 'ResidualEncoderUNet',
  generic: 'Generic_UNet',
} as const;

function linesOf(summary: ModelSummary): string[] {
  const { network, costPerPatch, lesionRule } = summary;
  const channels = summary.channels.map(
    ({ name, optional }) => name + (optional ? ' (may lack)' : ''),
  );
  const rule =
    `probability from ${lesionRule.threshold}, ` +
    (lesionRule.keepLargest
      ? 'the largest component only'
      : `components above ${lesionRule.minimumVolumeMm3} mm³`);
  const memory = `${(costPerPatch.memoryBytes / 2 ** 30).toFixed(2)} GiB`;
  return [
    `${summary.name} ${summary.version}`,
    `  takes     ${channels.join(', ')}`,
    `  finds     ${summary.classes.join(', ')}; ${rule}`,
    `  network   ${networkNames[network.kind]}, ${network.features.length} stages of ` +
      `${network.features.join(', ')} features, ${network.parameters.toLocaleString('en')} parameters`,
    `  patch     ${summary.patchVoxels.join(' x ')} voxels of ` +
      `${summary.spacingMm.map((mm) => Number(mm.toFixed(3))).join(' x ')} mm (slowest axis first)`,
    `  cost      ${costPerPatch.gflop.toFixed(1)} GFLOP and ${memory} a pass; ` +
      `${summary.folds * summary.mirrorings} passes a patch ` +
      `(${summary.folds} folds, ${summary.mirrorings} mirrorings)`,
    '  training',
    ...Object.entries(summary.training).map(([name, value]) => `    ${name}: ${value}`),
    '  files, as model.json has them',
    ...Object.entries(summary.files).map(
      ([name, { bytes, sha256 }]) => `    ${sha256}  ${name} (${bytes} bytes)`,
    ),
  ];
}
