import { writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { DawsonError } from '../errors.js';
import { requireReplaceableFolder, writeFolderWhole, writeWhole } from '../formats/index.js';
import type { Run } from '../preprocess/prepare.js';
import type { Caution } from '../quantify/change.js';
import {
  inOrderOfTime,
  leftOutCaution,
  reasonOf,
  requireSamePatient,
} from '../quantify/exam-series.js';
import { notice } from '../quantify/findings.js';
import { type ExamResult, readResult, resultFiles } from '../quantify/read-result.js';
import type { clinicalReport } from '../report/clinical/clinical-report.js';
import type { Paper, ReportInput } from '../report/clinical/report-input.js';
import type { Language } from '../report/clinical/texts.js';
import { type previewFiles, previewResult } from '../report/preview.js';
import { track } from '../track.js';
import { WorkerPool } from '../workers.js';
import { requireOutputs } from './outputs.js';
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
    const results = [folder, ...options.previous];
    await requireOutputs(
      results.flatMap((result) => Object.values(resultFiles).map((name) => join(result, name))),
      [
        { path: options.out, kind: 'pdf' },
        { path: options.html, kind: 'html' },
        { path: options.preview, kind: 'folder' },
      ],
    );
    if (options.preview) await requireReplaceableFolder(options.preview, previewResult);
    const series = await stage('read the results', () => readSeries(folder, options.previous));
    const { exam } = series;
    const { previous, ...change } = await compared(series, { pool, stage, signal });
    const input: ReportInput = {
      exam,
      previous: previous.map(({ findings }) => findings),
      ...change,
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
      cautions.push(leftOutCaution(basename(resolve(name)), reasonOf(error)));
    }
  }
  requireSamePatient([exam, ...previous]);
  return { exam, previous: inOrderOfTime(previous), cautions };
}

/**
 * The comparison with the last of the earlier exams that can be compared; none without one, or where
 * it is later than the exam that is reported. What cannot be compared is left out, which the report
 * says.
 */
async function compared({ exam, previous, cautions }: Series, run: Run) {
  const others = [...previous];
  const said = [...cautions];
  for (;;) {
    const previousExam = others.at(-1);
    const isEarlier = previousExam && inOrderOfTime([previousExam, exam])[1] === exam;
    if (!isEarlier) return { previous: others, cautions: said };
    try {
      const { document } = await track([previousExam.folder, exam.folder], run);
      const { rule, consecutive, cautions } = document;
      const change = { comparison: consecutive[0], rule };
      return { previous: others, previousExam, change, cautions: [...said, ...cautions] };
    } catch (error) {
      if (!(error instanceof DawsonError) || error.code === 'interrupted') throw error;
      said.push(leftOutCaution(basename(resolve(previousExam.folder)), reasonOf(error)));
      others.pop();
    }
  }
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
