import { join } from 'node:path';
import { Argument, type Command } from 'commander';
import { counted } from '../counted.js';
import { findPublicCases } from '../train/public/find-cases.js';
import { type PublicLayout, type PublicName, publicLayouts } from '../train/public/layouts.js';
import { makeDataset } from '../train/public/make-dataset.js';
import { below } from './below.js';
import { requireOutputs } from './outputs.js';
import { noteLines, type OutputOptions, printResult, withOutputOptions } from './terminal.js';
import { withCommandRun } from './with-run.js';

interface FromOptions extends OutputOptions {
  readonly out: string;
  readonly reader?: string;
}

export function addDataset(program: Command): void {
  const dataset = program
    .command('dataset')
    .summary('make training sets of public data')
    .description('Makes training sets for `dawson plan` and `dawson train`.');
  const from = dataset
    .command('from')
    .summary('make a training set of a public data set as it is downloaded')
    .description(
      'Reads a public data set in its publisher’s own layout, and makes a training set in nnU-Net’s ' +
        'convention with its cohort table. Where the images show whole heads, what is not brain becomes ' +
        '0: by the publisher’s mask of the brain, else by Dawson’s own. What is missing is listed.',
    )
    .addArgument(new Argument('<name>', 'which data set').choices(Object.keys(publicLayouts)))
    .argument('<folder>', 'into which the download was unpacked')
    .requiredOption('--out <folder>', 'the training set; a new or empty folder')
    .option('--reader <name>', 'whose masks (default: the consensus, else the first reader)')
    .addHelpText(
      'after',
      below(
        '\nData sets, with the place of a FLAIR and the readers:\n' +
          Object.entries(publicLayouts)
            .map(
              ([name, { title, example, readers }]) =>
                `  ${name}: ${title}\n    ${example}\n    ${Object.keys(readers).join(', ')}\n`,
            )
            .join('') +
          '\nExample:\n' +
          '  dawson dataset from mslesseg MSLesSeg --out Dataset001\n' +
          '  dawson train Dataset001 --cohort Dataset001/cohort.csv --fold 0 --out training',
      ),
    )
    .action((name: PublicName, folder: string, options: FromOptions) =>
      make(name, folder, options),
    );
  withOutputOptions(from);
}

async function make(name: PublicName, folder: string, options: FromOptions): Promise<void> {
  const layout: PublicLayout = publicLayouts[name];
  await withCommandRun(options, async (run) => {
    await requireOutputs([folder], [{ path: options.out, kind: 'folder' }]);
    const download = await findPublicCases(folder, name, layout, options.reader);
    const { cases, channelNames, notes } = await makeDataset(download, layout, options.out, run);
    const patients = new Set(cases.map(({ patient }) => patient)).size;
    const scanners = new Set(cases.map(({ scanner }) => scanner)).size;
    printResult(
      options,
      { out: options.out, cases: cases.length, patients, scanners, channels: channelNames, notes },
      [
        ...noteLines(notes),
        `${counted(cases.length, 'case')} of ${counted(patients, 'person')} and ${counted(scanners, 'scanner')}, with ${channelNames.join(', ')}: ${options.out}.`,
        `The persons, visits, scanners and readers: ${join(options.out, 'cohort.csv')}.`,
      ],
    );
  });
}
