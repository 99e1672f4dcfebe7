import { join } from 'node:path';
import type { DawsonError } from '../errors.js';
import { checkIntensities, largestSingle, withoutNonFinite } from '../formats/check-intensities.js';
import {
  type Exam,
  type Sequence,
  type SequenceName,
  sequenceLabels,
  sequenceNames,
} from '../preprocess/exam.js';
import { withGiven } from '../preprocess/exam-description.js';
import type { ExamSource } from '../preprocess/exam-source.js';
import { type Remark, remark, type Word } from '../remarks.js';
import type { Run } from '../run.js';
import { toFloat32 } from '../volume/volume.js';
import { type Choice, chooseSeries } from './choose.js';
import { describeSourceInWorker } from './describe.js';
import type { Protocol } from './instance.js';
import { type DicomFolder, requireUnchanged } from './read-folder.js';
import { refused } from './refusal.js';
import type { SiteRule } from './site-rules.js';
import { stackVolume } from './stack-volume.js';
import type { Study } from './study.js';

export interface DicomExamOptions {
  /** Study Instance UID; else the newest study that has a FLAIR is taken. */
  readonly study?: string;
  readonly rules?: readonly SiteRule[];
}

/** The sequences of one study of a folder, chosen but not decoded yet; described by the FLAIR's header. */
export interface DicomExam extends ExamSource {
  readonly study: Study;
  readonly choices: readonly Choice[];
}

/**
 * The exam in a folder of DICOM files.
 * @throws DawsonError `inputs-conflict` for files of several patients, `series-not-found` where no
 *   study has a FLAIR.
 */
export function openDicomExam(
  folder: DicomFolder,
  options: DicomExamOptions,
  run: Pick<Run, 'pool' | 'signal'>,
): DicomExam {
  return examOf(folder, chooseStudy(folder, options), run);
}

/**
 * The exams of the same patient before an exam, by the dates of their studies: in its folder, and in
 * others, of which each has to hold one. In the order of time.
 * @throws DawsonError `inputs-conflict`.
 */
export function openEarlierExams(
  exam: DicomExam,
  folder: DicomFolder,
  others: readonly DicomFolder[],
  { rules }: Pick<DicomExamOptions, 'rules'>,
  run: Pick<Run, 'pool' | 'signal'>,
): DicomExam[] {
  const found = [folder, ...others].flatMap((one) => {
    const earlier = one.studies
      .filter((study) => isEarlier(study, exam.study))
      .map((study) => ({ study, choices: chooseSeries(study, rules) }))
      .filter(({ choices }) => choices.some(({ role }) => role === 'flair'));
    if (one !== folder && earlier.length === 0) throw noEarlierExam(one, exam.study);
    return earlier.map((chosen) => examOf(one, chosen, run));
  });
  return found
    .filter(({ study }, at) => found.findIndex((other) => other.study.uid === study.uid) === at)
    .sort((a, b) => (a.study.date! < b.study.date! ? -1 : 1));
}

const isEarlier = ({ patientHash, date }: Study, than: Study) =>
  patientHash === than.patientHash &&
  date !== undefined &&
  than.date !== undefined &&
  date < than.date;

function noEarlierExam({ path, studies }: DicomFolder, study: Study): DawsonError {
  const samePatient = studies.some(({ patientHash }) => patientHash === study.patientHash);
  return refused({
    code: 'inputs-conflict',
    file: path,
    expected: 'an earlier exam of the same patient, with a FLAIR',
    found: samePatient ? 'none with an earlier date' : 'files of another patient',
    advice: 'Give folders of the patient’s earlier exams, whose headers have dates.',
  });
}

function examOf(
  folder: DicomFolder,
  { study, choices }: ChosenStudy,
  run: Pick<Run, 'pool' | 'signal'>,
): DicomExam {
  const chosen = sequenceNames.flatMap((name) => choices.filter(({ role }) => role === name));
  const flair = chosen[0].stack.slices[0].instance;
  return {
    study,
    choices,
    sequences: chosen.map(({ role }) => role!),
    describe: async (given) =>
      withGiven({ description: await describeSourceInWorker(run, flair.source), notes: [] }, given),
    read: async () => {
      const sequences: { [name in SequenceName]?: Sequence } = {};
      const notes: (string | Remark)[] = notesOf(folder, study);
      for (const choice of chosen) {
        const { sequence, notes: found } = await readSequence(folder.path, choice, run);
        sequences[choice.role!] = sequence;
        notes.push(...found);
      }
      await requireUnchanged(folder);
      return { exam: sequences as Exam, notes };
    },
  };
}

interface ChosenStudy {
  readonly study: Study;
  readonly choices: readonly Choice[];
}

function chooseStudy(folder: DicomFolder, { study: uid, rules }: DicomExamOptions): ChosenStudy {
  const { path } = folder;
  const studies = folder.studies.filter((study) => uid === undefined || study.uid === uid);
  if (new Set(studies.map(({ patientHash }) => patientHash)).size > 1) {
    throw refused({
      code: 'inputs-conflict',
      file: path,
      expected: 'the exams of one patient',
      found: 'files of more than one',
      advice: 'Give the folder of one patient, or say which study with --study.',
    });
  }
  const chosen = studies.map((study) => ({ study, choices: chooseSeries(study, rules) }));
  const usable = chosen.filter(({ choices }) => choices.some(({ role }) => role === 'flair'));
  const newest = usable.at(-1);
  if (newest) return newest;
  throw refused({
    code: 'series-not-found',
    file: path,
    expected: 'a series that is a FLAIR of a whole head',
    found: studies.length === 0 ? 'no study with this identifier' : 'none',
  });
}

function notesOf({ studies, remarks }: DicomFolder, study: Study): Remark[] {
  const others = studies.filter(({ uid }) => uid !== study.uid).length;
  const unread = remarks.filter(({ code }) => code === 'unreadable-file').length;
  return [
    ...(others > 0 ? [remark('other-studies', { count: others })] : []),
    ...(unread > 0 ? [remark('unreadable-files', { count: unread })] : []),
  ];
}

async function readSequence(path: string, choice: Choice, run: Pick<Run, 'pool' | 'signal'>) {
  const { series, stack, role } = choice;
  // A name for messages and findings that says nothing of the patient.
  const file = join(path, `series ${series.uid}`);
  const { volume, sha256 } = await stackVolume(stack, run);
  const { data, notes } = withoutNonFinite(volume.data, file, largestSingle);
  checkIntensities({ ...volume, data }, file);
  const label = sequenceLabels[role!];
  const sequence: Sequence = {
    file,
    seriesUid: series.uid,
    sha256,
    volume: toFloat32({ ...volume, data }),
  };
  const found = [...remarksOf(choice, role!), ...notes.map((note) => `${label}: ${note}`)];
  return { sequence, notes: found };
}

/** Why a series was chosen, and what is to be known about it. */
function remarksOf(choice: Choice, role: SequenceName): Remark[] {
  const { series, stack, kind, basis, afterContrastAgent } = choice;
  const { instance, frame } = stack.slices[0];
  const label = sequenceLabels[role];
  const values = { label, series: series.number ?? series.uid, basis };
  const about = { sequence: role };
  return [
    remark(
      'series-chosen',
      { ...values, ...acquisitionOf(instance.protocol, frame.echoMs) },
      about,
    ),
    ...(kind === 'reformatted' ? [remark('series-reformatted', { label }, about)] : []),
    ...(afterContrastAgent ? [remark('after-contrast-agent', { label }, about)] : []),
    ...(stack.slices.some((slice) => slice.instance.pixels!.lossy)
      ? [remark('lossy-compression', { label }, about)]
      : []),
    ...(instance.pixels!.inverted ? [remark('inverted-brightness', { label }, about)] : []),
  ];
}

/** How an image was acquired, in words that every language has; times in ms. */
function acquisitionOf(
  { sequences, repetitionMs, inversionsMs }: Protocol,
  echoMs: number | undefined,
): { how: Word; times: string } {
  const how: readonly (readonly [boolean, Word])[] = [
    [sequences.includes('GR'), 'gradientEcho'],
    [inversionsMs.length > 0 || sequences.includes('IR'), 'inversionRecovery'],
    [sequences.includes('SE'), 'spinEcho'],
  ];
  const times = (name: string, ms: number | undefined) =>
    ms === undefined ? [] : [`${name} ${Number(ms.toFixed(1))}`];
  const known = [
    ...times('TR', repetitionMs),
    ...times('TE', echoMs),
    ...inversionsMs.flatMap((ms) => times('TI', ms)),
  ];
  return {
    how: how.find(([is]) => is)?.[1] ?? 'otherSequence',
    times: known.length > 0 ? known.join(', ') : 'TR ?, TE ?',
  };
}
