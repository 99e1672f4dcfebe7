import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { requireReplaceableFolder, writeFolderWhole, writeWhole } from '../formats/index.js';
import { notice } from '../quantify/findings.js';
import { readResult } from '../quantify/read-result.js';
import type { clinicalReport } from '../report/clinical/clinical-report.js';
import type { Paper } from '../report/clinical/report-input.js';
import { inOrderOfTime, requireSamePatient } from '../report/clinical/series.js';
import type { Language } from '../report/clinical/texts.js';
import { type previewFiles, previewResult } from '../report/preview.js';
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
    const { exam, previous } = await stage('read', async () => {
      const exam = { folder, ...(await readResult(folder)) };
      const earlier = [];
      for (const name of options.previous)
        earlier.push({ folder: name, ...(await readResult(name)) });
      requireSamePatient([exam, ...earlier]);
      return { exam, previous: inOrderOfTime(earlier) };
    });
    const { pdf, html } = await stage('report', () =>
      pool.call<typeof clinicalReport>(
        new URL('../report/clinical/clinical-report.js', import.meta.url),
        'clinicalReport',
        [
          {
            exam,
            previous: previous.map(({ findings }) => findings),
            language: options.language,
            paper: options.paper,
          },
        ],
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
