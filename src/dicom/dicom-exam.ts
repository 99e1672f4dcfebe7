import { join } from 'node:path';
import { checkIntensities, withoutNonFinite } from '../formats/check-intensities.js';
import {
  type Exam,
  type Sequence,
  type SequenceName,
  sequenceLabels,
  sequenceNames,
} from '../preprocess/exam.js';
import { withGiven } from '../preprocess/exam-description.js';
import type { ExamSource } from '../preprocess/exam-source.js';
import type { Run } from '../run.js';
import { toFloat32 } from '../volume/volume.js';
import { type Choice, chooseSeries } from './choose.js';
import { describeSourceInWorker } from './describe.js';
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
  const { study, choices } = chooseStudy(folder, options);
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
      const notes = notesOf(folder, study);
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

function chooseStudy(folder: DicomFolder, { study: uid, rules }: DicomExamOptions) {
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

function notesOf({ studies, remarks }: DicomFolder, study: Study): string[] {
  const others = studies.filter(({ uid }) => uid !== study.uid).length;
  const unread = remarks.filter(({ code }) => code === 'unreadable-file').length;
  return [
    ...(others > 0
      ? [`The folder holds ${others} more studies; the newest with a FLAIR was taken`]
      : []),
    ...(unread > 0 ? [`${unread} files of the folder cannot be read`] : []),
  ];
}

async function readSequence(path: string, choice: Choice, run: Pick<Run, 'pool' | 'signal'>) {
  const { series, stack, role, reason } = choice;
  // A name for messages and findings that says nothing of the patient.
  const file = join(path, `series ${series.uid}`);
  const { volume, sha256 } = await stackVolume(stack, run);
  const { data, notes } = withoutNonFinite(volume.data, file, Math.fround);
  checkIntensities({ ...volume, data }, file);
  const label = sequenceLabels[role!];
  const sequence: Sequence = { file, sha256, volume: toFloat32({ ...volume, data }) };
  const chosen = `${label}: series ${series.number ?? series.uid} was chosen: ${reason}`;
  return { sequence, notes: [chosen, ...notes.map((note) => `${label}: ${note}`)] };
}
