import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { DawsonError } from '../errors.js';
import { requireReplaceableFolder } from '../formats/index.js';
import { contactSheetPng } from '../report/contact-sheet.js';
import { type SyntheticExam, sequenceNames } from '../synthesize/exam.js';
import { synthesizeExamInWorker } from '../synthesize/synthesize-exam.js';
import { synthesisResult, writeSyntheticExam } from '../synthesize/write-exam.js';
import { nonZeroVolumeMl } from '../volume/volume.js';
import { below } from './below.js';
import { requireOutputs } from './outputs.js';
import { type OutputOptions, printResult, withOutputOptions } from './terminal.js';
import { withCommandRun } from './with-run.js';

interface SynthesizeOptions extends OutputOptions {
  readonly seed: string;
  readonly scanner?: string;
  readonly out: string;
  readonly data: string;
  readonly cache: string;
  readonly preview: boolean;
}

export function addSynthesize(program: Command): void {
  const command = program
    .command('synthesize')
    .summary('make a synthetic exam with its lesions')
    .description(
      'Makes an exam that no patient ever had: a head from a label map, real lesion shapes in it, ' +
        'a random scanner and protocol. The same data and seed give the same exam.',
    )
    .requiredOption('--seed <number>', 'which exam: a whole number from 0 to 4294967295')
    .requiredOption('--out <folder>', 'folder for the exam; an earlier one in it is replaced')
    .requiredOption('--data <folder>', 'holds heads (label maps) and lesions (masks in MNI pose)')
    .option(
      '--scanner <number>',
      'of which scanner: exams of the same number share its protocol, and have all sequences ' +
        '(default: any, another for each exam)',
    )
    .option(
      '--cache <folder>',
      'prepared heads are kept here',
      join(homedir(), '.cache', 'dawson', 'heads'),
    )
    .option('--preview', 'also write a picture of all sequences', false)
    .addHelpText(
      'after',
      below(
        '\nWrites into the folder:\n' +
          '  flair.nii.gz, t2.nii.gz, t1.nii.gz  the sequences that the exam has\n' +
          '  truth.nii.gz                        1 where a lesion is, on the FLAIR’s grid\n' +
          '  parameters.json                     everything that was drawn for it\n' +
          '  preview.png                         with --preview\n' +
          '\nExample:\n' +
          '  dawson synthesize --seed 7 --data synthesis --out exam-7 --preview',
      ),
    )
    .action((options: SynthesizeOptions) => synthesize(options));
  withOutputOptions(command);
}

async function synthesize(options: SynthesizeOptions): Promise<void> {
  const seed = seedFrom(options.seed, '--seed');
  const scanner =
    options.scanner === undefined ? undefined : seedFrom(options.scanner, '--scanner');
  await withCommandRun(options, async (run) => {
    const { stage, signal } = run;
    await requireOutputs(
      [options.data],
      [
        { path: options.out, kind: 'folder' },
        { path: options.cache, kind: 'shared-folder' },
      ],
    );
    await requireReplaceableFolder(options.out, synthesisResult);
    const sources = { dataFolder: options.data, cacheFolder: options.cache };
    const made = await stage('make the exam', () =>
      synthesizeExamInWorker(run, seed, sources, scanner),
    );
    const { parameters, exam } = made;
    const taken = sequenceNames.filter((name) => exam.images[name]);
    const lesionVolumeMl = nonZeroVolumeMl(exam.truth);
    const summary = { seed, head: parameters.head, sequences: taken, lesionVolumeMl };
    const heading = `Seed ${seed}, ${parameters.head}, ${lesionVolumeMl.toFixed(1)} ml of lesions`;
    const preview = options.preview ? previewOf(exam, heading) : undefined;
    await stage('write', () =>
      writeSyntheticExam(options.out, seed, made, { scanner, preview, signal }),
    );
    printResult(options, summary, [
      `${taken.map((name) => name.toUpperCase()).join(', ')} of ${parameters.head} with ` +
        `${lesionVolumeMl.toFixed(1)} ml of lesions: ${options.out}`,
    ]);
  });
}

/** All sequences, the lesions' outlines on the FLAIR. */
const previewOf = ({ images, truth }: SyntheticExam, heading: string): Uint8Array =>
  contactSheetPng(
    sequenceNames.flatMap((name) => {
      const image = images[name];
      const mask = name === 'flair' ? truth : undefined;
      return image ? [{ name: name.toUpperCase(), image, mask }] : [];
    }),
    heading,
  );

function seedFrom(text: string, option: string): number {
  const seed = Number(text);
  if (/^\d+$/.test(text) && seed < 2 ** 32) return seed;
  throw new DawsonError('usage', {
    expected: `a whole number from 0 to 4294967295 after ${option}`,
    found: text,
  });
}
