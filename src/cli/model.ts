import { type Command, InvalidArgumentError, Option } from 'commander';
import { counted } from '../counted.js';
import { requireReplaceableFolder } from '../formats/index.js';
import { ruleInWords } from '../model/lesion-rule.js';
import { openModelFolder } from '../model/model-folder.js';
import { type ModelSummary, summaryOf } from '../model/model-summary.js';
import { openModel } from '../model/open-model.js';
import { exportKind, exportNnunet } from '../segment/nnunet/export-nnunet.js';
import { importNnunet, type NnunetImportOptions } from '../segment/nnunet/import-nnunet.js';
import { requireOutputs } from './outputs.js';
import { noteLines, type OutputOptions, printResult, withOutputOptions } from './terminal.js';
import { withCommandRun } from './with-run.js';

export function addModel(program: Command): void {
  const model = program
    .command('model')
    .summary('look at trained models, bring those of nnU-Net')
    .description('Trained models are folders, given to dawson segment with --model.');
  const show = model
    .command('show <folder>')
    .summary('say what a model is and what it costs')
    .description(
      'Checks every file of a model folder, and prints the network, what a patch costs, where the ' +
        'model comes from, its lesion rule, and its files.',
    )
    .action(async (folder: string, options: OutputOptions) => {
      const summary = summaryOf(await openModelFolder(folder));
      printResult(options, summary, linesOf(summary));
    });
  withOutputOptions(show);
  const importing = model
    .command('import <results>')
    .summary('make a model folder of what nnU-Net trained')
    .description(
      'Reads what nnU-Net v2 or v1 saved of a training (the folder TRAINER__PLANS… with a folder for ' +
        'each fold), and writes a model folder. Nothing of the checkpoints is run. Python and PyTorch ' +
        'are not needed.',
    )
    .requiredOption('--out <folder>', 'the model folder; a model in it is replaced')
    .option('--name <name>', 'name of the model (default: that of the dataset)')
    .option('--orientation <axes>', 'axes of the training images, such as LPS', orientation)
    .option('--channels <names>', 'sequences in the order of the channels, such as FLAIR,T1', list)
    .option('--lesions <labels>', 'which labels are lesion, by name or number (default: all)', list)
    .addOption(
      new Option('--checkpoint <which>', 'the network of the last epoch, or nnU-Net’s best')
        .choices(['final', 'best'])
        .default('final'),
    )
    .option(
      '--trainer-is <class>',
      'the class of nnU-Net whose network this is, where its own class is not known',
    )
    .action(async (results: string, options: ImportOptions) => {
      await requireOutputs([results], [{ path: options.out, kind: 'folder' }]);
      await withCommandRun(options, ({ stage, signal }) =>
        stage('import the folds', () => importNnunet(results, options.out, options, signal)),
      );
      const summary = summaryOf(await openModel(options.out));
      printResult(options, summary, linesOf(summary));
    });
  withOutputOptions(importing);
  withOutputOptions(exporting(model));
}

/** The way back. */
function exporting(model: Command): Command {
  return model
    .command('export <folder>')
    .summary('make a folder of a model that nnU-Net v2 predicts with')
    .description(
      'Writes a model as nnU-Net v2 saves a training: plans.json, dataset.json and the weights of each ' +
        'fold. Models that nnU-Net would run to another result are refused.',
    )
    .requiredOption('--out <folder>', 'for nnUNetv2_predict_from_modelfolder -m')
    .addHelpText('after', '\nExample:\n  dawson model export training/model --out for-nnunet')
    .action(async (folder: string, options: OutputOptions & { readonly out: string }) => {
      const { out } = options;
      await requireOutputs([folder], [{ path: out, kind: 'folder' }]);
      await requireReplaceableFolder(out, exportKind);
      await withCommandRun(options, async ({ stage, signal }) => {
        const opened = await openModel(folder);
        const written = await stage('export the folds', () => exportNnunet(opened, out, signal));
        printResult(options, { ...written, out }, [
          ...noteLines(written.notes),
          `Folds ${written.folds.join(', ')} for nnU-Net v2: ${out}`,
        ]);
      });
    });
}

interface ImportOptions extends NnunetImportOptions, OutputOptions {
  readonly out: string;
}

function orientation(text: string): string {
  const axes = [/[RL]/, /[AP]/, /[SI]/];
  if (/^[RLAPSI]{3}$/.test(text) && axes.every((axis) => axis.test(text))) return text;
  throw new InvalidArgumentError(
    'It is three letters, such as RAS: dawson info IMAGE prints them.',
  );
}

const list = (text: string): string[] => text.split(',').map((name) => name.trim());

const networkNames = {
  plain: 'PlainConvUNet',
  residual: 'ResidualEncoderUNet',
  generic: 'Generic_UNet',
  compact: 'compact network',
} as const;

const inputsInWords = {
  nnunet: 'what is not 0, prepared as plans.json says',
  brain: 'the brain in voxels of 1 mm, as Dawson’s own network',
  head: 'the head laid on the head atlas, as Dawson’s own network of the brain’s parts',
} as const;

function linesOf(summary: ModelSummary): string[] {
  const { network, costPerPatch, lesionRule } = summary;
  const channels = summary.channels.map(
    ({ name, optional }) => name + (optional ? ' (may lack)' : ''),
  );
  const memory = `${Number((costPerPatch.memoryBytes / 2 ** 30).toPrecision(2))} GiB`;
  return [
    `${summary.name} ${summary.version}`,
    `  takes     ${channels.join(', ')}`,
    ...(summary.takesLabels
      ? ['            and labels that the first network of the cascade found (--previous-stage)']
      : []),
    `  finds     ${summary.classes.join(', ')}; ${ruleInWords(lesionRule)}`,
    ...(summary.lesions.length < summary.classes.length
      ? [`  lesions   ${summary.lesions.join(', ')}`]
      : []),
    `  sees      ${inputsInWords[summary.input]}`,
    `  network   ${networkNames[network.kind]}, ${network.features.length} levels of ` +
      `${network.features.join(', ')} features, ${network.parameters.toLocaleString('en')} parameters`,
    `  patch     ${summary.patchVoxels.join(' x ')} voxels of ` +
      `${summary.spacingMm.map((mm) => Number(mm.toFixed(3))).join(' x ')} mm ` +
      (summary.spacingMm.length === 2 ? 'in each slice' : '(slowest axis first)'),
    `  cost      ${Number(costPerPatch.gflop.toPrecision(3))} GFLOP and ${memory} a pass; ` +
      `${counted(summary.folds * summary.mirrorings, 'pass', 'passes')} a patch ` +
      `(${counted(summary.folds, 'fold')}, ${counted(summary.mirrorings, 'mirroring')})`,
    '  training',
    ...Object.entries(summary.training).map(([name, value]) => `    ${name}: ${value}`),
    '  files, as model.json has them',
    ...Object.entries(summary.files).map(
      ([name, { bytes, sha256 }]) => `    ${sha256}  ${name} (${bytes} bytes)`,
    ),
  ];
}
