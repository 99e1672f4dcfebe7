import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { type BatchOptions, batch, planBatch } from '../batch.js';
import { examColumns } from '../cohort/table-exams.js';
import { counted } from '../counted.js';
import { durationInWords, type JobRecord } from '../jobs/index.js';
import { notice } from '../quantify/findings.js';
import type { Run } from '../run.js';
import { type SegmenterName, segmenters } from '../segment/segmenters.js';
import { below } from './below.js';
import { type EngineOptions, engineOf, withEngineOptions } from './engine-options.js';
import { requireOutputs } from './outputs.js';
import { type OutputOptions, printResult, withOutputOptions } from './terminal.js';
import { withCommandRun } from './with-run.js';

interface BatchCommandOptions extends OutputOptions, EngineOptions {
  readonly out: string;
  readonly dryRun: boolean;
  readonly flair?: string;
  readonly t2?: string;
  readonly t1?: string;
  readonly segmenter?: SegmenterName;
  readonly model?: string;
  readonly brainExtracted: boolean;
  readonly registered: boolean;
  readonly ignoreQuality: boolean;
  readonly report: boolean;
}

export function addBatch(program: Command): void {
  const command = program
    .command('batch <input>')
    .summary('find the lesions of all exams of a cohort')
    .description(
      'Finds the lesions of many exams, and puts one table, one page and BIDS derivatives of all ' +
        'together. The input is a BIDS data set, a folder of exam folders (EXAM/ or PERSON/VISIT/) with ' +
        'images or DICOM files, or a table. Nothing in it is changed.',
    )
    .requiredOption('--out <folder>', 'folder of the results; a batch in it is gone on with')
    .option('--dry-run', 'say what would be done and how long it takes; times one exam', false)
    .option('--flair <pattern>', 'how FLAIRs in exam folders are called, such as *FLAIR*.nii.gz')
    .option('--t2 <pattern>', 'the same of T2 images')
    .option('--t1 <pattern>', 'the same of T1 images')
    .addOption(
      new Option('--segmenter <name>', 'the method, as of dawson segment').choices(
        Object.keys(segmenters),
      ),
    )
    .option('--model <folder>', 'the folder of a trained model')
    .option('--brain-extracted', 'the images show only the brain already', false)
    .option('--registered', 'the sequences are aligned already', false)
    .option('--ignore-quality', 'go on where a sequence is not what it is said to be', false)
    .option('--no-report', 'without a report of each exam')
    .addHelpText(
      'after',
      below(
        '\nColumns of a table (CSV or TSV), a line an exam:\n' +
          Object.entries(examColumns)
            .map(([name, what]) => `  ${name.padEnd(10)} ${what}\n`)
            .join('') +
          '\nWrites into the folder:\n' +
          '  index.html   every exam with a picture; what failed and what stands out\n' +
          '  cohort.csv   a line an exam; lesions.csv a line a lesion\n' +
          '  change.csv   change of the persons with several visits\n' +
          '  sub-*/       masks and more by the names of BIDS\n' +
          '  masks/       the masks by case, for dawson evaluate\n' +
          '  exams/       what dawson segment wrote of each; change/ the same of dawson track\n' +
          '  evaluation/  where the table has references\n' +
          '\nExits with 0 also where some exams failed: cohort.csv has the reasons.\n' +
          '\nExample:\n' +
          '  dawson batch bids --out bids/derivatives/dawson --dry-run',
      ),
    )
    .action((input: string, options: BatchCommandOptions) => runBatch(input, options));
  withOutputOptions(withEngineOptions(command));
}

async function runBatch(input: string, options: BatchCommandOptions): Promise<void> {
  const kept = `The exams that are done are kept in ${options.out}: the same command goes on.`;
  const work = async (run: Run) => {
    await requireOutputs([options.model], [{ path: options.out, kind: 'shared-folder' }]);
    const settings = settingsOf(options);
    if (options.dryRun)
      return printPlan(input, options, await planBatch(input, options.out, settings, run));
    const told = { ...settings, onExam: examProgress(options) };
    const { results, changes, notes } = await batch(input, options.out, told, run);
    const done = results.filter(({ findings }) => findings !== undefined);
    const failed = results.filter(({ failure }) => failure !== undefined);
    const outlying = results.filter((result) => result.outlying.length > 0);
    printResult(
      options,
      {
        out: options.out,
        exams: results.length,
        done: done.length,
        failed: failed.map(({ exam, failure }) => ({ exam: exam.name, reason: failure })),
        standOut: outlying.map((result) => ({ exam: result.exam.name, in: result.outlying })),
        persons: changes.length,
        notes,
      },
      [
        ...failed.map(({ exam, failure }) => `Failed: ${exam.name}: ${failure}`),
        ...outlying.map(
          (result) => `Stands out: ${result.exam.name}: ${result.outlying.join(', ')}`,
        ),
        ...notes.map((note) => `Note: ${note}`),
        `Done: ${done.length} of ${counted(results.length, 'exam')}; compared: ${counted(changes.length, 'person')}.`,
        `Look at ${join(options.out, 'index.html')}; the numbers are in ${join(options.out, 'cohort.csv')}.`,
        notice,
      ],
    );
  };
  await withCommandRun(options, work, options.dryRun ? undefined : kept);
}

function settingsOf(options: BatchCommandOptions): BatchOptions {
  const { flair, t2, t1, segmenter, model, brainExtracted, registered, ignoreQuality, report } =
    options;
  return {
    ...engineOf(options),
    names: { flair, t2, t1 },
    model,
    segment: [
      ...(segmenter === undefined ? [] : ['--segmenter', segmenter]),
      ...(brainExtracted ? ['--brain-extracted'] : []),
      ...(registered ? ['--registered'] : []),
      ...(ignoreQuality ? ['--ignore-quality'] : []),
      ...(report ? [] : ['--no-report']),
    ],
  };
}

/** Says of each exam that it ended and how; how long the rest takes is on the terminal's line. */
function examProgress({ quiet, json }: OutputOptions) {
  return ({ name, record, known }: { name: string; record: JobRecord; known: boolean }) => {
    if (quiet || json || known) return;
    const how = record.state === 'done' ? 'done' : `failed: ${record.failure?.reason}`;
    const start = process.stderr.isTTY ? '\r\u001b[2K' : '';
    process.stderr.write(`${start}  ${name}: ${how} (${record.seconds.toFixed(0)} s)\n`);
  };
}

function printPlan(
  input: string,
  options: BatchCommandOptions,
  plan: Awaited<ReturnType<typeof planBatch>>,
): void {
  const { exams, done, failed, left, secondsEach, seconds, slots } = plan;
  const images = (name: string) => {
    const { images, problem } = exams.find((exam) => exam.name === name)!;
    if (images === undefined) return problem;
    return 'dicom' in images
      ? 'DICOM'
      : Object.entries(images)
          .filter(([, file]) => file !== undefined)
          .map(([sequence]) => sequence)
          .join(', ');
  };
  printResult(options, { input, ...plan }, [
    ...left.map((name) => `To do: ${name} (${images(name)})`),
    ...failed.map((name) => `Cannot be done: ${name} (${images(name)})`),
    `${counted(exams.length, 'exam')}: ${done.length} done, ${failed.length} cannot be done, ${left.length} to do, ${options.engine === 'local' ? slots : `at most ${slots}`} at the same time.`,
    ...(secondsEach === undefined
      ? []
      : [
          `An exam takes ${durationInWords(secondsEach)}` +
            (seconds === undefined
              ? ' on this machine.'
              : `, all that are left ${durationInWords(seconds)}.`),
        ]),
  ]);
}
