import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { DawsonError } from '../errors.js';
import { below } from './below.js';
import { caseProgress } from './case-progress.js';
import {
  chosenDefinition,
  defaultMargin,
  type EvaluationOptions,
  notesOf,
  requireNoMargin,
  withEvaluationOptions,
} from './evaluation-options.js';
import { requireOutputs } from './outputs.js';
import { noteLines, type OutputOptions, printResult, withOutputOptions } from './terminal.js';
import { withCommandRun } from './with-run.js';

interface CompareOptions extends OutputOptions, EvaluationOptions {
  references?: string;
  out: string;
}

export function addCompare(program: Command): void {
  const command = program
    .command('compare')
    .summary('compare sets of lesion masks, or readers')
    .description(
      'Compares two or more folders of lesion masks of the same cases. With --references each is ' +
        'judged against them and the results are tested case by case; without, the folders are ' +
        'readers, and their agreement with each other is measured.',
    )
    .argument('<folders...>', 'two or more folders of masks, files matched by name')
    .option('--references <folder>', 'reference masks with the same names')
    .requiredOption('--out <folder>', 'folder for the tables and the page');
  withEvaluationOptions(command);
  command
    .addHelpText(
      'after',
      below(
        '\nExamples:\n' +
          '  dawson compare ours theirs --references truth --out comparison\n' +
          '  dawson compare reader-1 reader-2 reader-3 --out inter-rater',
      ),
    )
    .action((folders: string[], options: CompareOptions) => compare(folders, options));
  withOutputOptions(command);
}

async function compare(folders: readonly string[], options: CompareOptions): Promise<void> {
  if (folders.length < 2) {
    throw new DawsonError('usage', { expected: 'two folders or more', found: folders.join(', ') });
  }
  // Statistics are large modules, which the other commands need not wait for.
  const { evaluateCohorts, everyTwo } = await import('../evaluate/index.js');
  const { readersReport, setsReport } = await import('../report/comparison-report.js');
  const { requireReportFolder, writeReport } = await import('../report/report-folder.js');
  const names = namesOf(folders);
  if (options.references === undefined) requireNoMargin(options, '--references');
  await withCommandRun(options, async (run) => {
    const definition = chosenDefinition(options);
    await requireOutputs([...folders, options.references], [{ path: options.out, kind: 'folder' }]);
    await requireReportFolder(options.out);
    const settings = { definition, resample: options.resample };
    const counted = { ...run, onProgress: caseProgress(options, 'evaluate') };
    const { references } = options;
    let report: ReturnType<typeof setsReport>;
    let notes: string[];
    if (references !== undefined) {
      const sources = folders.map((predictions) => ({ references, predictions }));
      const cohorts = await evaluateCohorts(sources, settings, counted);
      notes = notesOf(cohorts.flat());
      const sets = names.map((name, index) => ({ name, cases: cohorts[index] }));
      report = setsReport(sets, definition, options.margin ?? defaultMargin);
    } else {
      const sources = everyTwo(folders).map(([first, second]) => ({
        references: first,
        predictions: second,
      }));
      const cohorts = await evaluateCohorts(sources, settings, counted);
      notes = notesOf(cohorts.flat());
      const pairs = everyTwo(names).map(([first, second], index) => ({
        first,
        second,
        cases: cohorts[index],
      }));
      report = readersReport(names, pairs, definition);
    }
    await writeReport(options.out, report.files, run.signal);
    printResult(options, { out: options.out, ...report.result, notes }, [
      ...noteLines(notes),
      `Definition ${definition.name}. Look at ${join(options.out, 'report.html')}.`,
    ]);
  });
}

/** The folders' own names, or their paths as given where two are called the same. */
function namesOf(folders: readonly string[]): string[] {
  const own = folders.map((folder) => basename(resolve(folder)));
  if (new Set(own).size === own.length) return own;
  if (new Set(folders).size === folders.length) return [...folders];
  throw new DawsonError('usage', { expected: 'different folders', found: folders.join(', ') });
}
