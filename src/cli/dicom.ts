import type { Command } from 'commander';
import { counted } from '../counted.js';
import {
  type Choice,
  chooseSeries,
  type DicomFolder,
  type DicomRemark,
  findStack,
  readDicomFolder,
  readSiteRules,
  requireUnchanged,
  stackVolume,
} from '../dicom/index.js';
import { writeNifti } from '../formats/index.js';
import { sequenceLabels } from '../preprocess/exam.js';
import type { Run } from '../run.js';
import { voxelSizeMm } from '../volume/affine.js';
import { below } from './below.js';
import { addExport } from './dicom-export.js';
import { wholeNumber } from './numbers.js';
import { requireOutputs } from './outputs.js';
import { noteLines, type OutputOptions, printResult, withOutputOptions } from './terminal.js';
import { withCommandRun } from './with-run.js';

interface ListOptions extends OutputOptions {
  readonly rules?: string;
}

interface ConvertOptions extends OutputOptions {
  readonly series: string;
  readonly stack?: number;
  readonly out: string;
}

export function addDicom(program: Command): void {
  const dicom = program
    .command('dicom')
    .summary('look at DICOM exams, convert their series, write results')
    .description(
      'Reads folders and zip files of DICOM files, as scanners and archives export them.',
    );
  const list = dicom
    .command('list <folder>')
    .summary('say what each series is, and why')
    .description(
      'Lists the series of all studies in a folder (at any depth) or zip file: what contrast each ' +
        'shows, which one is taken as FLAIR, T2 and T1, and why the others are not.',
    )
    .option('--rules <file>', 'rules of the site for the choice of series (see docs/dicom.md)')
    .action((folder: string, options: ListOptions) =>
      withCommandRun(options, (run) => listSeries(folder, options, run)),
    );
  withOutputOptions(list);
  const convert = dicom
    .command('convert <folder>')
    .summary('write one series as NIfTI')
    .description(
      'Writes one series as a NIfTI image, at its place in space. A series that is no volume (gaps, ' +
        'tilted slices, two images at one place) is refused, and the place is named.',
    )
    .requiredOption('--series <uid>', 'its Series Instance UID, as `dawson dicom list` shows it')
    .option('--stack <number>', 'which of several stacks of slices in it', wholeNumber(1))
    .requiredOption('--out <file>', 'the image to write (.nii or .nii.gz)')
    .addHelpText(
      'after',
      below(
        '\nExample:\n  dawson dicom list exam\n' +
          '  dawson dicom convert exam --series 1.2.840.99.3 --out flair.nii.gz',
      ),
    )
    .action((folder: string, options: ConvertOptions) =>
      withCommandRun(options, (run) => convertSeries(folder, options, run)),
    );
  withOutputOptions(convert);
  addExport(dicom);
}

async function listSeries(path: string, options: ListOptions, run: Run): Promise<void> {
  const rules = options.rules === undefined ? [] : await readSiteRules(options.rules);
  const folder = await readDicomFolder(path, run);
  const studies = folder.studies.map((study) => ({ study, choices: chooseSeries(study, rules) }));
  const document = {
    folder: path,
    studies: studies.map(({ study, choices }) => ({
      uid: study.uid,
      date: study.date,
      series: [...choices.map(record), ...withoutImages(study.series)],
    })),
    otherFiles: folder.others,
    remarks: folder.remarks,
  };
  printResult(options, document, [
    ...studies.flatMap(({ study, choices }) => [
      `Study ${study.uid}${study.date ? ` of ${study.date}` : ''}`,
      ...choices.flatMap(lines),
    ]),
    ...remarkLines(folder),
  ]);
}

function record({ series, stack, kind, contrast, role, reason }: Choice) {
  const { layout, slices } = stack;
  return {
    uid: series.uid,
    number: series.number,
    stack: stack.number,
    description: series.description,
    slices: slices.length,
    ...(layout && { sizeVoxels: layout.size, voxelSizeMm: voxelSizeMm(layout.affine) }),
    kind,
    contrast,
    role: role ?? null,
    reason,
  };
}

/** Series of reports, measurements and the like. */
function withoutImages(series: DicomFolder['studies'][number]['series']) {
  return series
    .filter(({ stacks }) => stacks.length === 0)
    .map(({ uid, number, modality, description }) => ({
      uid,
      number,
      description,
      kind: 'no MR image',
      role: null,
      reason: `modality ${modality}, no images`,
    }));
}

function lines({ series, stack, contrast, kind, role, reason }: Choice): string[] {
  const { layout, slices } = stack;
  const several = series.stacks.length > 1 ? `.${stack.number}` : '';
  const size = layout
    ? `${layout.size.join(' x ')}, ${voxelSizeMm(layout.affine)
        .map((mm) => mm.toFixed(2))
        .join(' x ')} mm`
    : `${slices.length} slices`;
  const what = kind === 'volume' ? contrast : `${contrast} (${kind})`;
  const mark = role ? `${sequenceLabels[role]} <-` : '';
  return [
    `${mark.padStart(9)} ${`${series.number ?? '?'}${several}`.padEnd(6)} ${what}: ${series.description ?? 'no description'}; ${size}`,
    `${' '.repeat(17)}${reason}`,
    `${' '.repeat(17)}${series.uid}`,
  ];
}

/** More of one kind are summed up: a folder can have thousands of files that cannot be read. */
const mostShown = 10;

function remarkLines({ remarks, others }: DicomFolder): string[] {
  const text = ({ file, text }: DicomRemark) => `${file === undefined ? '' : `${file}: `}${text}.`;
  return [
    ...noteLines(remarks.slice(0, mostShown).map(text)),
    ...(remarks.length > mostShown
      ? [`… and ${remarks.length - mostShown} more, with --json`]
      : []),
    ...(others > 0 ? [`No DICOM images: ${counted(others, 'file')}.`] : []),
  ];
}

async function convertSeries(path: string, options: ConvertOptions, run: Run): Promise<void> {
  await requireOutputs([path], [{ path: options.out, kind: 'image' }]);
  const folder = await readDicomFolder(path, run);
  const { series, stack } = findStack(folder, options.series, options.stack);
  const { volume, frames } = await run.stage('decode', () => stackVolume(stack, run));
  await requireUnchanged(folder);
  await run.stage('write', () => writeNifti(options.out, volume));
  const summary = {
    out: options.out,
    series: series.uid,
    stack: stack.number,
    sizeVoxels: volume.size,
    voxelSizeMm: voxelSizeMm(volume.affine),
    frames,
  };
  printResult(options, summary, [
    `${volume.size.join(' x ')} voxels of ${summary.voxelSizeMm.map((mm) => mm.toFixed(3)).join(' x ')} mm: ${options.out}`,
  ]);
}
