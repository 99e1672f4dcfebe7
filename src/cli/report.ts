import { writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { DawsonError } from '../errors.js';
import { requireReplaceableFolder, writeFolderWhole, writeWhole } from '../formats/index.js';
import type { Run } from '../preprocess/prepare.js';
import type { Caution } from '../quantify/change.js';
import { inOrderOfTime } from '../quantify/exam-series.js';
import { notice } from '../quantify/findings.js';
import { type ExamResult, readResult } from '../quantify/read-result.js';
import type { clinicalReport } from '../report/clinical/clinical-report.js';
import type { Paper, ReportInput } from '../report/clinical/report-input.js';
import { requireSamePatient } from '../report/clinical/series.js';
import type { Language } from '../report/clinical/texts.js';
import { type previewFiles, previewResult } from '../report/preview.js';
import { track } from '../track.js';
import { WorkerPool } from '../workers.js';
import { reportOptions } from './report-options.js';
import {
  abortOnInterrupt,
  type OutputOptions,
  printResult,
  stagesOnTerminal,
  withOutputOptions,
} from './terminal.js';

interface ReportOptions extends OutputOptions {
  previous: string[];
  out: string;
  html?: string;
  preview?: string;
  paper: Paper;
  language: Language;
}

export function addReport(program: Command): void {
  const command = program
    .command('report <folder>')
    .summary('make the report of an exam')
    .description(
      'Makes the report of an exam from the folder that `dawson segment` wrote, as a PDF of two\n' +
        'pages: conclusion, lesion load, regions, delineation examples, quality and method; with\n' +
        'earlier exams also what changed, and the load over time.',
    )
    .option('--previous <folder...>', 'folders of earlier exams of the same patient', [])
    .requiredOption('--out <file>', 'the PDF')
    .option('--html <file>', 'also the same report as one page for browsers')
    .option('--preview <folder>', 'also every slice with the lesions’ outlines, as PNG')
    .addOption(reportOptions.paper())
    .addOption(reportOptions.language())
    .addHelpText(
      'after',
      '\nWhose exam it is comes from the results: see `dawson segment --help`.\n' +
        '\nExample:\n' +
        '  dawson report result-2024 --previous result-2022 result-2023 --out report.pdf',
    )
    .action((folder: string, options: ReportOptions) => report(folder, options));
  withOutputOptions(command);
}

async function report(folder: string, options: ReportOptions): Promise<void> {
  const pool = new WorkerPool(1);
  const { signal, dispose } = abortOnInterrupt();
  const stage = stagesOnTerminal(options);
  try {
    if (options.preview) await requireReplaceableFolder(options.preview, previewResult);
    const series = await stage('read the results', () => readSeries(folder, options.previous));
    const { exam, previous } = series;
    const change = await compared(series, { pool, stage, signal });
    const input: ReportInput = {
      exam,
      previous: previous.map(({ findings }) => findings),
      ...change,
      cautions: [...series.cautions, ...(change?.cautions ?? [])],
      language: options.language,
      paper: options.paper,
    };
    const { pdf, html } = await stage('report', () =>
      pool.call<typeof clinicalReport>(
        new URL('../report/clinical/clinical-report.js', import.meta.url),
        'clinicalReport',
        [input],
        signal,
      ),
    );
    if (options.preview) {
      const files = await stage('preview', () =>
        pool.call<typeof previewFiles>(
          new URL('../report/preview.js', import.meta.url),
          'previewFiles',
          [exam.flair, exam.lesions, exam.brain],
          signal,
        ),
      );
      await writePreview(options.preview, files, signal);
    }
    await writeWhole(options.out, pdf, { signal });
    if (options.html) await writeWhole(options.html, Buffer.from(html), { signal });
    const written = [options.out, options.html, options.preview].filter((name) => name);
    printResult(options, { written }, [`Written: ${written.join(', ')}.`, notice]);
  } finally {
    dispose();
    await pool.close();
  }
}

interface ReadExam extends ExamResult {
  readonly folder: string;
}

interface Series {
  readonly exam: ReadExam;
  /** In the order of time. */
  readonly previous: readonly ReadExam[];
  readonly cautions: readonly Caution[];
}

/** The exams; an earlier one that cannot be used is left out, which the report says. */
async function readSeries(folder: string, folders: readonly string[]): Promise<Series> {
  const exam = { folder, ...(await readResult(folder)) };
  const previous: ReadExam[] = [];
  const cautions: Caution[] = [];
  for (const name of folders) {
    try {
      previous.push({ folder: name, ...(await readResult(name)) });
    } catch (error) {
      if (!(error instanceof DawsonError)) throw error;
      const { expected, found } = error.details;
      const reason = `${error.title}: expected ${expected}; found ${found}.`;
      const text = `The exam in ${basename(resolve(name))} was left out: ${reason}`;
      cautions.push({ code: 'exam-left-out', text });
    }
  }
  requireSamePatient([exam, ...previous]);
  return { exam, previous: inOrderOfTime(previous), cautions };
}

/**
 * The comparison with the last of the earlier exams; none without one, or where it is later than
 * the exam that is reported, which the report says.
 */
async function compared({ exam, previous }: Series, run: Run) {
  const previousExam = previous.at(-1);
  if (previousExam === undefined) return undefined;
  if (inOrderOfTime([previousExam, exam])[1] !== exam) return undefined;
  const { document } = await track([previousExam.folder, exam.folder], run);
  const { rule, consecutive, cautions } = document;
  return { previousExam, change: { comparison: consecutive[0], rule }, cautions };
}

async function writePreview(
  folder: string,
  files: ReadonlyMap<string, Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  await writeFolderWhole(
    folder,
    async (staging) => {
      for (const [name, bytes] of files) await writeFile(join(staging, name), bytes);
    },
    { signal, kind: previewResult },
  );
}
