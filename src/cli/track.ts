import { join } from 'node:path';
import type { Command } from 'commander';
import { requireReplaceableFolder } from '../formats/index.js';
import { type ChangeDocument, changeClasses, type PairSensitivity } from '../quantify/change.js';
import { notice } from '../quantify/findings.js';
import { changeResult, track, writeTracking } from '../track.js';
import { below } from './below.js';
import { requireOutputs } from './outputs.js';
import { type OutputOptions, printResult, withOutputOptions } from './terminal.js';
import { withCommandRun } from './with-run.js';

interface TrackOptions extends OutputOptions {
  exam: string[];
  out: string;
  sensitivity: boolean;
}

export function addTrack(program: Command): void {
  const command = program
    .command('track')
    .summary('say what changed between exams of one patient')
    .description(
      'Compares the lesions of two or more exams of one patient: new, enlarged, shrunken, ' +
        'disappeared, stable, or uncertain where the exams cannot tell. Each exam is compared with ' +
        'the one before it, and from the third on also with the first.',
    )
    .requiredOption(
      '--exam <folder>',
      'a folder that `dawson segment` wrote; give one for each exam, the earliest first',
      (folder: string, earlier: string[] | undefined) => [...(earlier ?? []), folder],
    )
    .requiredOption('--out <folder>', 'folder for the results; earlier results in it are replaced')
    .option(...sensitivityOption)
    .addHelpText(
      'after',
      below(
        '\nExams are sorted by their dates where all have one: see `dawson segment --help`.\n' +
          '\nWrites into the folder:\n' +
          '  change.json    every lesion with its class, volumes, their error and its brightness\n' +
          '  change.nii.gz  change since the exam before, on the newest FLAIR’s grid: ' +
          `${changeClasses.map((name, at) => `${at + 1} ${name}`).join(', ')}\n` +
          '\nExample:\n' +
          '  dawson track --exam result-2024 --exam result-2025 --out change',
      ),
    )
    .action((options: TrackOptions) => trackExams(options));
  withOutputOptions(command);
}

async function trackExams(options: TrackOptions): Promise<void> {
  await withCommandRun(options, async (run) => {
    const { stage, signal } = run;
    await requireOutputs(options.exam, [{ path: options.out, kind: 'folder' }]);
    await requireReplaceableFolder(options.out, changeResult);
    const tracking = await track(options.exam, options, run);
    await stage('write', () => writeTracking(options.out, tracking, { signal }));
    printResult(options, tracking.document, [
      ...linesOf(tracking.document),
      `Everything in detail: ${join(options.out, 'change.json')}.`,
      notice,
    ]);
  });
}

/** The option that `dawson track` and `dawson report` share. */
export const sensitivityOption = [
  '--sensitivity',
  'also estimate how small a new lesion may be to be seen since the exam before, by painting known ' +
    'ones into the later FLAIR; takes about another segmentation',
  false,
] as const;

function sensitivityLines(sensitivity: PairSensitivity | undefined): string[] {
  if (!sensitivity) return [];
  const { byVolume, seenFromMm3 } = sensitivity;
  const largest = byVolume.at(-1)?.volumeMm3;
  if (largest === undefined) {
    return [
      'How small a new lesion may be to be seen is not known: the later FLAIR has no room for painted ones.',
    ];
  }
  const counts = byVolume.map((row) => `${row.found} of ${row.painted} of ${row.volumeMm3} mm³`);
  const from =
    seenFromMm3 === null
      ? `New lesions of up to ${largest} mm³ would often be missed`
      : `New lesions from about ${Number(seenFromMm3.toPrecision(2))} mm³ on would be seen`;
  return [`${from}: of lesions painted into the later FLAIR, ${counts.join(', ')} were found.`];
}

function linesOf({ exams, consecutive, sinceFirst, cautions }: ChangeDocument): string[] {
  const name = (at: number) => exams[at].exam?.date ?? exams[at].folder;
  return [
    ...cautions.map(({ text }) => `Warning: ${text}`),
    ...[...consecutive, ...sinceFirst].flatMap((comparison) => [
      `From ${name(comparison.previous)} to ${name(comparison.current)}: ` +
        changeClasses.map((key) => `${comparison.counts[key]} ${key}`).join(', ') +
        '.',
      ...sensitivityLines(comparison.sensitivity),
      ...comparison.cautions.map(({ text }) => `Warning: ${text}`),
    ]),
  ];
}
