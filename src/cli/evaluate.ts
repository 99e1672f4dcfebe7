import { join } from 'node:path';
import type { Command } from 'commander';
import { counted } from '../counted.js';
import { DawsonError } from '../errors.js';
import { definitionInWords } from '../evaluate/definitions.js';
import { evaluateFiles } from '../evaluate/evaluate-files.js';
import type { PairEvaluation } from '../evaluate/evaluate-pair.js';
import { fixed } from '../report/table.js';
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

interface EvaluateOptions extends OutputOptions, EvaluationOptions {
  reference?: string;
  prediction?: string;
  references?: string;
  predictions?: string;
  cohort?: string;
  flairs?: string;
  out?: string;
}

export function addEvaluate(program: Command): void {
  const command = program
    .command('evaluate')
    .summary('measure how well lesion masks agree with references')
    .description(
      'Measures how well lesion masks agree with references: one pair, or a cohort of two folders ' +
        'whose files are matched by name.',
    )
    .option('--reference <file>', 'the reference mask of one pair')
    .option('--prediction <file>', 'the mask to be judged')
    .option('--references <folder>', 'the reference masks of a cohort')
    .option('--predictions <folder>', 'the masks to be judged, with the same names')
    .option('--cohort <file>', 'cohort.csv: scanner, age and more of each case')
    .option('--flairs <folder>', 'FLAIR images with the same names, for Figure 1')
    .option('--out <folder>', 'folder for tables, figures and the page of a cohort');
  withEvaluationOptions(command);
  command
    .addHelpText(
      'after',
      below(
        '\nExamples:\n' +
          '  dawson evaluate --reference truth.nii.gz --prediction lesions.nii.gz --json\n' +
          '  dawson evaluate --references truth --predictions ours --out report',
      ),
    )
    .action((options: EvaluateOptions) => evaluate(options));
  withOutputOptions(command);
}

function evaluate(options: EvaluateOptions): Promise<void> {
  const { reference, prediction, references, predictions, out, cohort, flairs } = options;
  const isPair = reference !== undefined || prediction !== undefined;
  const isCohort = references !== undefined || predictions !== undefined;
  const cohortOnly = out !== undefined || cohort !== undefined || flairs !== undefined;
  if (isPair && !isCohort && !cohortOnly && reference !== undefined && prediction !== undefined) {
    return evaluateOnePair(options, reference, prediction);
  }
  if (isCohort && !isPair && references !== undefined && predictions !== undefined) {
    if (out !== undefined) return evaluateFolders(options, references, predictions, out);
  }
  throw new DawsonError('usage', {
    expected:
      '--reference and --prediction for one pair, or --references, --predictions and --out for a cohort',
    found: 'another combination',
  });
}

async function evaluateOnePair(
  options: EvaluateOptions,
  reference: string,
  prediction: string,
): Promise<void> {
  requireNoMargin(options, 'a cohort');
  const evaluation = await evaluateFiles(
    { reference, prediction },
    { definition: chosenDefinition(options), resample: options.resample },
  );
  printResult(options, evaluation, [...noteLines(evaluation.notes), ...linesOf(evaluation)]);
}

async function evaluateFolders(
  options: EvaluateOptions,
  references: string,
  predictions: string,
  out: string,
): Promise<void> {
  // Charts and statistics are large modules, which the other commands need not wait for.
  const { evaluateCohort, readCohort } = await import('../evaluate/index.js');
  const { cohortReport } = await import('../report/cohort-report.js');
  const { contoursOfCohort } = await import('../report/cohort-contours.js');
  const { requireReportFolder, writeReport } = await import('../report/report-folder.js');
  await withCommandRun(options, async (run) => {
    const definition = chosenDefinition(options);
    await requireOutputs(
      [references, predictions, options.cohort, options.flairs],
      [{ path: out, kind: 'folder' }],
    );
    await requireReportFolder(out);
    const table = options.cohort === undefined ? undefined : await readCohort(options.cohort);
    const cases = await evaluateCohort(
      { references, predictions, rows: table?.rows },
      { definition, resample: options.resample },
      { ...run, onProgress: caseProgress(options, 'evaluate') },
    );
    const contours =
      options.flairs === undefined
        ? undefined
        : await contoursOfCohort(cases, { references, predictions, flairs: options.flairs });
    const { files, summaries } = await cohortReport(
      cases,
      definition,
      options.margin ?? defaultMargin,
      contours,
    );
    await writeReport(out, files, run.signal);
    const notes = [...(table?.notes ?? []), ...notesOf(cases)];
    printResult(
      options,
      {
        out,
        definition,
        cases: cases.length,
        notes,
        summary: summaries.map(({ measure, ...summary }) => ({ measure: measure.key, ...summary })),
      },
      [
        ...noteLines(notes),
        ...summaries.map(
          ({ measure: { title, unit, digits }, mean, standardDeviation, n }) =>
            `${title}${unit ? ` (${unit})` : ''}: ${fixed(mean, digits)} ± ` +
            `${fixed(standardDeviation, digits)} (${counted(n, 'case')})`,
        ),
        definitionInWords(definition),
        `Look at ${join(out, 'report.html')}.`,
      ],
    );
  });
}

function linesOf({ dsc, volumes, surface, lesionwise, definition, ...rest }: PairEvaluation) {
  const text = (value: number | null | undefined, digits = 3) =>
    value?.toFixed(digits) ?? 'undefined';
  return [
    `DSC ${text(dsc)}, voxel precision ${text(rest.precision)}, recall ${text(rest.recall)}`,
    `Volume ${text(volumes.predictionMl)} ml, reference ${text(volumes.referenceMl)} ml`,
    `Surface distance ${text(surface?.assdMm)} mm on average, 95th percentile ${text(surface?.hd95Mm)} mm`,
    ...(lesionwise
      ? [
          `Lesions: precision ${text(lesionwise.precision)}, recall ${text(lesionwise.recall)}, ` +
            `F1 ${text(lesionwise.f1)} (${lesionwise.predictedLesions} predicted, ` +
            `${lesionwise.referenceLesions} in the reference)`,
        ]
      : []),
    definitionInWords(definition),
    ...Object.entries(rest.undefined).map(([figure, reason]) => `${figure}: ${reason}`),
  ];
}
