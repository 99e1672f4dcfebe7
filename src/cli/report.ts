import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { requireReplaceableFolder, writeAllWhole, writeFolderWhole } from '../formats/index.js';
import { notice } from '../quantify/findings.js';
import { changeFilesOf, readChange } from '../quantify/read-change.js';
import { type ExamResult, readFilesOf } from '../quantify/read-result.js';
import type { Paper } from '../report/clinical/report-input.js';
import type { Language } from '../report/clinical/texts.js';
import { previewFilesInWorker, previewResult } from '../report/preview.js';
import { report } from '../report-exam.js';
import { below } from './below.js';
import { requireOutputs } from './outputs.js';
import { reportOptions } from './report-options.js';
import { type OutputOptions, printResult, withOutputOptions } from './terminal.js';
import { sensitivityOption } from './track.js';
import { withCommandRun } from './with-run.js';

interface ReportOptions extends OutputOptions {
  previous: string[];
  sensitivity: boolean;
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
      'Makes the report of an exam from the folder that `dawson segment` wrote, as a PDF of two ' +
        'pages: conclusion, lesion load, regions, delineation examples, quality and method; with ' +
        'earlier exams also what changed, and the load over time.',
    )
    .option('--previous <folder...>', 'folders of earlier exams of the same patient', [])
    .option(...sensitivityOption)
    .requiredOption('--out <file>', 'the PDF')
    .option('--html <file>', 'also the same report as one page for browsers')
    .option(
      '--preview <folder>',
      'also every slice with outlined lesions, as PNG; with an earlier exam in colours of what changed',
    )
    .addOption(reportOptions.paper())
    .addOption(reportOptions.language())
    .addHelpText(
      'after',
      below(
        '\nWhose exam it is comes from the results: see `dawson segment --help`.\n' +
          '\nExample:\n' +
          '  dawson report result-2024 --previous result-2022 result-2023 --out report.pdf',
      ),
    )
    .action((folder: string, options: ReportOptions) => reportFolder(folder, options));
  withOutputOptions(command);
}

async function reportFolder(folder: string, options: ReportOptions): Promise<void> {
  await withCommandRun(options, async (run) => {
    const { stage, signal } = run;
    const read = [...[folder, ...options.previous].flatMap(readFilesOf), ...changeFilesOf(folder)];
    await requireOutputs(read, [
      { path: options.out, kind: 'pdf' },
      { path: options.html, kind: 'html' },
      { path: options.preview, kind: 'folder' },
    ]);
    if (options.preview) await requireReplaceableFolder(options.preview, previewResult);
    const { pdf, html, exam, changeMap } = await report(folder, options, run);
    const { out: file, html: page, preview } = options;
    const pictures = preview
      ? await stage('preview', async () => {
          const map = changeMap ?? (await storedChangeMap(folder, exam, options));
          const change = map && { map, language: options.language };
          return previewFilesInWorker(run, exam.flair, exam.lesions, exam.brain, change);
        })
      : undefined;
    await writeAllWhole(
      [{ file, bytes: pdf }, ...(page ? [{ file: page, bytes: Buffer.from(html) }] : [])],
      {
        signal,
        last: async () => {
          if (preview && pictures) await writePreview(preview, pictures, signal);
        },
      },
    );
    const written = [options.out, options.html, options.preview].filter((name) => name);
    printResult(options, { written }, [`Written: ${written.join(', ')}.`, notice]);
  });
}

/** The change that the result itself holds; where earlier exams are given, what the report says of them counts. */
async function storedChangeMap(folder: string, exam: ExamResult, { previous }: ReportOptions) {
  return previous.length > 0 ? undefined : (await readChange(folder, exam))?.map;
}

async function writePreview(
  folder: string,
  files: ReadonlyMap<string, Uint8Array>,
  signal?: AbortSignal,
): Promise<void> {
  await writeFolderWhole(
    folder,
    async (staging) => {
      for (const [name, bytes] of files) await writeFile(join(staging, name), bytes);
    },
    { signal, kind: previewResult },
  );
}
