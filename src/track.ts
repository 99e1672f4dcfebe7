import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { analysisDefaults } from './analysis-options.js';
import { DawsonError } from './errors.js';
import {
  type ResultKind,
  readVolume,
  writeFolderWhole,
  writeNifti,
  writeWhole,
} from './formats/index.js';
import { jsonBytes } from './formats/json.js';
import { registerInWorker } from './preprocess/register.js';
import {
  type ChangeDocument,
  type ComparedExam,
  changeSchema,
  type ExamComparison,
  type PairSensitivity,
} from './quantify/change.js';
import { changeRule } from './quantify/classify-change.js';
import {
  compareExamsInWorker,
  type ExamChange,
  type MeasuredExam,
} from './quantify/compare-exams.js';
import {
  comparisonCautions,
  inOrderOfTime,
  leftOutCaution,
  reasonOf,
  requireSamePatient,
  seriesCautions,
} from './quantify/exam-series.js';
import { type Findings, notice } from './quantify/findings.js';
import { lesionsOverTime } from './quantify/lesions-over-time.js';
import { pairSensitivity, requireSameNetwork } from './quantify/pair-sensitivity.js';
import type { ResultChange } from './quantify/read-change.js';
import { type ExamResult, readResult } from './quantify/read-result.js';
import { resultFiles } from './quantify/result-folder.js';
import { remark } from './remarks.js';
import { type Run, type RunOptions, withRunStoppedAtOnce } from './run.js';
import { version } from './version.js';
import { invert, type Mat4, voxelSizeMm } from './volume/affine.js';
import { aboveBackground } from './volume/background.js';
import { sameGrid, type Volume } from './volume/volume.js';

/** An exam of the series, as its folder holds it. */
export interface TrackedExam extends ExamResult {
  /** Name for messages, and for the document. */
  readonly folder: string;
  /** Which one it is of those given, such as 'folder 2': its folder may be named for the patient. */
  readonly name: string;
  readonly probability: Volume;
}

/** What is known when the exams have been compared. */
export interface Tracking extends ResultChange {
  /**
   * The newest exam's FLAIR less that of the one before, matched, in standard deviations of unchanged
   * places, on the same grid; absent where the images cannot be compared.
   */
  readonly difference?: Volume<Float32Array>;
  readonly newestFolder: string;
}

/** What the folder of a comparison is known by. */
export const changeResult: ResultKind = {
  names: /^change\.(json|nii\.gz)$/,
  marker: 'change.json',
  schema: changeSchema.schema,
};

/**
 * Two FLAIRs of one head lose this share of their mutual information 4 mm off the best pose, two
 * heads less: docs/decisions/0074-one-head-in-two-exams.md.
 */
const leastSharpness = 0.2;

/**
 * Compares the exams of a series, each in the folder that `dawson segment` wrote: each with the one
 * before it, and each from the third on with the first. What fails of one exam leaves that exam out,
 * as long as two are left.
 * @throws DawsonError `usage` for fewer than two folders or one twice, `inputs-conflict` for exams of
 *   different patients or where fewer than two are left; what reading them gives.
 */
export function track(
  folders: readonly string[],
  options: TrackOptions = {},
  run: RunOptions = {},
): Promise<Tracking> {
  return withRunStoppedAtOnce(run, async (run) => {
    requireTwoFolders(folders);
    const leftOut: LeftOut[] = [];
    const read = await run.stage('read', () => readExams(folders, leftOut));
    return trackExams(read, options, run, leftOut);
  });
}

export interface TrackOptions {
  /**
   * Whether to estimate how small a new lesion may be to be seen in the last pair: another segmentation
   * of the newest FLAIR, and another comparison.
   */
  readonly sensitivity?: boolean;
}

interface LeftOut {
  readonly folder: string;
  readonly reason: string;
}

/**
 * The same for exams that were read already.
 * @param leftOut those that could not be
 */
export async function trackExams(
  read: readonly TrackedExam[],
  { sensitivity = false }: TrackOptions,
  run: Run,
  leftOut: readonly LeftOut[] = [],
): Promise<Tracking> {
  const { stage } = run;
  requireSamePatient(read);
  const exams = inOrderOfTime(read);
  if (sensitivity) await requireSensitivity(exams.at(-1)!.findings, run);
  const cautions = [
    ...seriesCautions(exams, read),
    ...leftOut.map(({ folder, reason }) => leftOutCaution(folder, reason)),
  ];

  const compare = async (previous: TrackedExam, current: TrackedExam): Promise<Compared> => {
    const { currentToPrevious, sharpness } = await registered(previous, current, run);
    const change = await stage(`compare ${current.name}`, () =>
      compareExamsInWorker(
        run,
        measured(previous),
        measured(current),
        currentToPrevious,
        changeRule,
        { withDifference: true },
      ),
    );
    return { change, currentToPrevious, sharpness };
  };
  const record = (
    previous: number,
    current: number,
    { change, ...registration }: Compared,
  ): ExamComparison => ({
    previous,
    current,
    ...registration,
    counts: change.counts,
    lesions: change.lesions,
    cautions: [
      ...(change.mismatch ? [remark(change.mismatch, {})] : []),
      ...comparisonCautions(exams[previous].findings, exams[current].findings),
    ],
  });

  const consecutive: ExamComparison[] = [];
  const sinceFirst: ExamComparison[] = [];
  let last: Compared | undefined;
  for (let current = 1; current < exams.length; current++) {
    const outcome = await compare(exams[current - 1], exams[current]);
    consecutive.push(record(current - 1, current, outcome));
    last = outcome;
    if (current === 1) continue;
    sinceFirst.push(record(0, current, await compare(exams[0], exams[current])));
  }
  if (sensitivity && !last!.change.mismatch) {
    const seen = await sensitivityOf(exams.at(-2)!, exams.at(-1)!, last!, run);
    consecutive.push({ ...consecutive.pop()!, sensitivity: seen });
  }
  const overTime = lesionsOverTime(
    exams.map(({ findings }) => findings.lesions),
    consecutive,
    sinceFirst,
  );
  const document: ChangeDocument = {
    ...changeSchema,
    notice,
    program: { name: 'dawson', version },
    rule: changeRule,
    exams: exams.map(comparedExam),
    consecutive: overTime.consecutive,
    sinceFirst: overTime.sinceFirst,
    lesionsOverTime: overTime.lesions,
    leftOut,
    cautions,
  };
  const { map, difference } = last!.change;
  return { document, map, ...(difference && { difference }), newestFolder: exams.at(-1)!.folder };
}

/** Two exams, compared. */
interface Compared {
  readonly change: ExamChange;
  readonly currentToPrevious: Mat4;
  readonly sharpness: number;
}

function sensitivityOf(
  previous: TrackedExam,
  current: TrackedExam,
  compared: Compared,
  run: Run,
): Promise<PairSensitivity> {
  const pair = { previous: measured(previous), current: measured(current), ...compared };
  return pairSensitivity({ ...pair, rule: changeRule }, analysisDefaults.engine, run);
}

/**
 * Checks that it can be told how small a new lesion may be to be seen in an exam.
 * @throws DawsonError `usage` where this version's lesion network did not segment it.
 */
export const requireSensitivity = ({ settings }: Findings, run: Run): Promise<void> =>
  requireSameNetwork(settings, analysisDefaults.engine, run);

/** Writes `change.json` and `change.nii.gz` into a folder, whole or not at all. */
export async function writeTracking(
  folder: string,
  { document, map, newestFolder }: Tracking,
  { signal }: { signal?: AbortSignal } = {},
): Promise<void> {
  const { header } = await readVolume(join(newestFolder, resultFiles.flair.file));
  await writeFolderWhole(
    folder,
    async (staging) => {
      await writeNifti(join(staging, 'change.nii.gz'), map, { like: header });
      await writeWhole(join(staging, 'change.json'), jsonBytes(document));
    },
    { signal, kind: changeResult },
  );
}

/** A text is a list of letters too, none of which is a folder. @throws DawsonError `usage`. */
export function requireFolders(folders: readonly string[]): void {
  if (Array.isArray(folders) && folders.every((folder) => typeof folder === 'string')) return;
  throw new DawsonError('usage', {
    expected: 'a list of folders of exams',
    found: JSON.stringify(folders) ?? 'none',
  });
}

function requireTwoFolders(folders: readonly string[]): void {
  requireFolders(folders);
  const repeated = folders.find((folder, at) =>
    folders.slice(0, at).some((other) => resolve(other) === resolve(folder)),
  );
  if (folders.length >= 2 && repeated === undefined) return;
  throw new DawsonError('usage', {
    expected: 'two or more folders of exams, each once',
    found: repeated === undefined ? `${folders.length}` : `${repeated} twice`,
  });
}

/** Reads all exams; one that cannot be used is left out, said why, while two others are there. */
async function readExams(folders: readonly string[], leftOut: LeftOut[]): Promise<TrackedExam[]> {
  const exams: TrackedExam[] = [];
  const failures: DawsonError[] = [];
  for (const [at, folder] of folders.entries()) {
    const name = `folder ${at + 1}`;
    try {
      exams.push({ ...(await readExam(folder)), name });
    } catch (error) {
      if (!(error instanceof DawsonError)) throw error;
      failures.push(error);
      leftOut.push({ folder: name, reason: reasonOf(error) });
    }
  }
  if (exams.length < 2) throw failures[0];
  return exams;
}

async function readExam(folder: string): Promise<Omit<TrackedExam, 'name'>> {
  const result = await readResult(folder);
  const file = join(folder, resultFiles.probability.file);
  const { volume: probability } = await readVolume(file);
  if (!sameGrid(probability, result.flair)) {
    throw new DawsonError('inputs-conflict', {
      file,
      expected: 'probabilities on the grid of the FLAIR beside them',
      found: 'another grid',
      advice: 'Give the folder as Dawson wrote it, with the files of one run.',
    });
  }
  return { folder, ...result, probability };
}

/**
 * The rigid map between two exams. Registration is not quite the same both ways, so it is always
 * done from the FLAIR whose hash comes first: exchanging the exams exchanges the result.
 */
async function registered(
  previous: TrackedExam,
  current: TrackedExam,
  run: Run,
): Promise<{ currentToPrevious: Mat4; sharpness: number }> {
  const currentFirst = valuesHash(current.flair) <= valuesHash(previous.flair);
  const [fixed, moving] = currentFirst ? [current, previous] : [previous, current];
  const { fixedToMoving, sharpness } = await run.stage(`register ${current.name}`, () =>
    registerInWorker(run, aboveBackground(fixed.flair), aboveBackground(moving.flair), {
      dof: 6,
      sameHead: false,
    }),
  );
  if (sharpness < leastSharpness) {
    const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
    throw new DawsonError('inputs-conflict', {
      file: current.folder,
      expected: `the head that ${previous.name} shows (a loss of at least ${percent(leastSharpness)} of mutual information 4 mm off the best alignment)`,
      found: `a loss of ${percent(sharpness)}, as between different heads`,
      advice: 'Check that both exams are of one person, and look at their FLAIRs.',
    });
  }
  return { currentToPrevious: currentFirst ? fixedToMoving : invert(fixedToMoving), sharpness };
}

const valuesHash = ({ data }: Volume) =>
  createHash('sha256')
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest('hex');

const measured = ({ findings, ...volumes }: TrackedExam): MeasuredExam => ({
  flair: volumes.flair,
  brain: volumes.brain,
  lesions: volumes.lesions,
  probability: volumes.probability,
  list: findings.lesions,
  lesionRule: findings.settings.lesionRule,
  hasContrastAgent: findings.exam?.protocol?.contrastAgent !== undefined,
});

function comparedExam({ name, findings, flair }: TrackedExam): ComparedExam {
  const { exam, lesionCount, lesionVolumeMl, brainVolumeMl, inputs }: Findings = findings;
  return {
    folder: name,
    flairSha256: inputs.flair.sha256,
    ...(exam && { exam }),
    voxelSizeMm: voxelSizeMm(flair.affine),
    lesionCount,
    lesionVolumeMl,
    brainVolumeMl,
  };
}
