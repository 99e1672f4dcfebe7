import { dirname, join } from 'node:path';
import { type Command, Option } from 'commander';
import { type AnalyzeOptions, analysisDefaults } from '../analysis-options.js';
import { analyze } from '../analyze.js';
import { analyzeDicom, type DicomAnalysis } from '../analyze-dicom.js';
import { openDicomExam, openEarlierExams, readDicomFolder, readSiteRules } from '../dicom/index.js';
import { DawsonError } from '../errors.js';
import { requireReplaceableFolder } from '../formats/index.js';
import { ruleInWords } from '../model/lesion-rule.js';
import { type Device, devices } from '../network/index.js';
import { type Alignment, alignments } from '../preprocess/prepare.js';
import { changeClasses } from '../quantify/change.js';
import { notice } from '../quantify/findings.js';
import { countOfLesions } from '../quantify/lesions.js';
import {
  examResult,
  type ResultFile,
  type ResultRow,
  resultFiles,
  resultRows,
} from '../quantify/result-folder.js';
import type { Severity } from '../remarks.js';
import type { Paper } from '../report/clinical/report-input.js';
import type { Language } from '../report/clinical/texts.js';
import type { Run } from '../run.js';
import { type SegmenterName, segmenters } from '../segment/segmenters.js';
import type { Tracking } from '../track.js';
import { writeAnalysis } from '../write-analysis.js';
import { below } from './below.js';
import { between, stepSize, wholeNumber } from './numbers.js';
import { requireOutputs } from './outputs.js';
import { reportOptions } from './report-options.js';
import { noteLines, type OutputOptions, printResult, withOutputOptions } from './terminal.js';
import { withCommandRun } from './with-run.js';

interface SegmentOptions extends OutputOptions {
  flair?: string;
  dicom?: string;
  previousDicom: string[];
  study?: string;
  rules?: string;
  t2?: string;
  t1?: string;
  out: string;
  patient?: string;
  date?: string;
  segmenter?: SegmenterName;
  kappa?: number;
  model?: string;
  mirror: boolean;
  stepSize?: number;
  preparation: boolean;
  device: Device;
  threads: number;
  alignment: Alignment;
  brainExtracted: boolean;
  registered: boolean;
  keepIntermediate: boolean;
  report: boolean;
  paper: Paper;
  language: Language;
  ignoreQuality: boolean;
}

export function addSegment(program: Command): void {
  const command = program
    .command('segment')
    .summary('find the lesions of one exam')
    .description(
      'Finds the white-matter lesions of one exam. The images may be raw: whole heads, each ' +
        'sequence on its own grid. Results lie on the FLAIR’s own grid.',
    )
    .option('--flair <file>', 'the FLAIR image (NIfTI or MetaImage)')
    .option('--t2 <file>', 'the T2 image')
    .option('--t1 <file>', 'the T1 image')
    .option('--dicom <folder>', 'instead: a folder or zip file of DICOM files, to choose them from')
    .option(
      '--previous-dicom <folder...>',
      'for --dicom: folders of earlier exams of the same patient (those in the folder are found)',
      [],
    )
    .option('--study <uid>', 'for --dicom: which study (default: the newest that has a FLAIR)')
    .option('--rules <file>', 'for --dicom: rules of the site for the choice of series')
    .requiredOption('--out <folder>', 'folder for the results; earlier results in it are replaced')
    .option('--patient <id>', 'whose exam it is (default: from exam.json or the FLAIR’s sidecar)')
    .option('--date <YYYY-MM-DD>', 'date of the exam (default: from the same)')
    .addOption(
      new Option('--alignment <how>', 'to which sequence the others are brought, and how freely')
        .choices(Object.keys(alignments))
        .default(analysisDefaults.alignment),
    )
    .option('--brain-extracted', 'the images show only the brain already', false)
    .option('--registered', 'the sequences are aligned already', false)
    .option(
      '--ignore-quality',
      'go on even where a sequence surely is not what it is said to be',
      false,
    )
    .option('--no-report', 'without report.pdf and report.html')
    .addOption(reportOptions.paper())
    .addOption(reportOptions.language())
    .option('--keep-intermediate', 'also write the prepared sequences and the transforms', false)
    .addHelpText(
      'after',
      below(
        '\nMethods:\n' +
          Object.entries(segmenters)
            .map(([name, { title }]) => `  ${name.padEnd(9)} ${title}\n`)
            .join('') +
          `\nWrites into the folder:\n${listOf(resultRows.filter(([, row]) => !isIntermediate(row)))}` +
          `With --keep-intermediate also:\n${listOf(resultRows.filter(([, row]) => isIntermediate(row)))}` +
          '\nExample:\n' +
          '  dawson segment --flair flair.nii.gz --t2 t2.nii.gz --t1 t1.nii.gz --out result\n' +
          '  dawson segment --dicom exam --previous-dicom exam-2024 --out result',
      ),
    )
    .action((options: SegmentOptions) => segment(options));
  withMethodOptions(command);
  withOutputOptions(command);
}

/** The method, and on which machine it runs. */
function withMethodOptions(command: Command): void {
  command
    .addOption(
      new Option(
        '--segmenter <name>',
        'the method (default: lesions; nnunet where --model is given, lst-lga where --kappa is)',
      ).choices(Object.keys(segmenters)),
    )
    .option('--model <folder>', 'for nnunet: the folder of a trained model')
    .option('--no-mirror', 'for nnunet: without mirrored images; up to 8 times as fast')
    .option(
      '--step-size <part>',
      `for nnunet: distance between windows, as a part of the patch (default: ${analysisDefaults.stepSize})`,
      stepSize,
    )
    .option(
      '--no-preparation',
      'for nnunet: the model sees the images as they are in their files, which lie on one grid',
    )
    .addOption(
      new Option('--device <name>', 'processor that networks run on')
        .choices(devices)
        .default(analysisDefaults.engine.device),
    )
    .option(
      '--threads <number>',
      'threads of a network on the CPU',
      wholeNumber(1, 1024),
      analysisDefaults.engine.threads,
    )
    .option(
      '--kappa <number>',
      'for lst-lga: seeds need this belief; lower finds fainter lesions and more false ones (default: 0.3)',
      between(0, 1),
    );
}

const isIntermediate = ({ optional }: ResultRow) => optional === 'intermediate';

const listOf = (rows: typeof resultRows) =>
  rows.map(([, { file, what }]) => `  ${file.padEnd(25)} ${what}\n`).join('');

const severityLabels: Record<Severity, string> = {
  info: 'Note',
  warning: 'Warning',
  severe: 'Severe',
};

async function segment(options: SegmentOptions): Promise<void> {
  const startMs = performance.now();
  await withCommandRun(options, async (run) => {
    const { stage, signal } = run;
    const { flair, t2, t1, dicom, previousDicom, rules, model, out } = options;
    await requireOutputs(
      [flair, t2, t1, dicom, ...previousDicom, rules, model],
      [{ path: out, kind: 'folder' }],
    );
    await requireReplaceableFolder(out, examResult);
    const { analysis, ...more } = await analyzed(options, run);
    const intermediate = options.keepIntermediate;
    await stage('write', () => writeAnalysis(out, analysis, { ...more, intermediate, signal }));
    const { findings } = analysis;
    const path = (row: ResultFile) => join(options.out, resultFiles[row].file);
    const seconds = (performance.now() - startMs) / 1000;
    const gib = findings.run.peakMemoryBytes / 2 ** 30;
    printResult(options, findings, [
      ...(findings.quality ?? []).map(
        ({ severity, text }) => `${severityLabels[severity]}: ${text}`,
      ),
      ...noteLines(findings.notes),
      `${countOfLesions(findings.lesionCount)}, ${findings.lesionVolumeMl.toFixed(2)} ml in all ` +
        `(brain ${findings.brainVolumeMl.toFixed(0)} ml), in ${seconds.toFixed(1)} s with ${gib.toFixed(2)} GiB.`,
      `What counts as a lesion: ${ruleInWords(findings.settings.lesionRule)}.`,
      ...changeLines(more.change),
      ...(options.report ? [`The report: ${path('pdf')}.`] : []),
      ...(more.objects
        ? [`For the archive: ${more.objects.length} DICOM objects in ${dirname(path('dicom'))}.`]
        : []),
      `Look at ${path('overlay')} before you use the numbers in ${path('findings')}.`,
      notice,
    ]);
  });
}

/** What became of the lesions since the exam before, in a line. */
function changeLines(change: Tracking | undefined): string[] {
  if (!change) return [];
  const { consecutive, exams } = change.document;
  const { counts, previous, cautions } = consecutive.at(-1)!;
  const before = exams[previous].exam?.date ?? 'the exam before';
  return [
    `Since ${before}: ${changeClasses.map((name) => `${counts[name]} ${name}`).join(', ')}.`,
    ...cautions.map(({ text }) => `Warning: ${text}`),
  ];
}

/** The exam in the files given, or the one in a folder of DICOM files. */
async function analyzed(
  options: SegmentOptions,
  run: Run,
): Promise<Partial<DicomAnalysis> & Pick<DicomAnalysis, 'analysis'>> {
  const { flair, t2, t1, dicom, previousDicom, study, rules } = options;
  if (dicom === undefined) {
    const forDicom = study !== undefined || rules !== undefined || previousDicom.length > 0;
    if (flair !== undefined && !forDicom) {
      return { analysis: await analyze({ flair, t2, t1 }, analyzeOptionsOf(options), run) };
    }
    throw new DawsonError('usage', {
      expected: '--flair with a file, or --dicom with a folder',
      found:
        flair === undefined ? 'neither' : '--study, --rules or --previous-dicom without --dicom',
    });
  }
  if (flair !== undefined || t2 !== undefined || t1 !== undefined) {
    throw new DawsonError('usage', {
      expected: 'either --dicom or files of sequences',
      found: 'both',
    });
  }
  const siteRules = rules === undefined ? [] : await readSiteRules(rules);
  const folder = await readDicomFolder(dicom, run);
  const exam = openDicomExam(folder, { study, rules: siteRules }, run);
  const others = [];
  for (const path of previousDicom) others.push(await readDicomFolder(path, run));
  const earlier = openEarlierExams(exam, folder, others, { rules: siteRules }, run);
  return analyzeDicom(exam, earlier, analyzeOptionsOf(options), run);
}

function analyzeOptionsOf(options: SegmentOptions): AnalyzeOptions {
  const { device, threads, patient, date, report, language, paper } = options;
  return {
    ...options,
    engine: { device, threads },
    described: { patient, date },
    report: report && { language, paper },
  };
}
