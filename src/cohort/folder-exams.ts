import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { chooseSeries, readDicomFolder, type Study } from '../dicom/index.js';
import { DawsonError } from '../errors.js';
import { isImageName } from '../formats/index.js';
import { sequencesOf } from '../preprocess/exam.js';
import type { Run } from '../run.js';
import { type CohortExam, examName, Labels } from './cohort-exam.js';
import { type NamePatterns, sequencesByName } from './sequence-names.js';

/**
 * The exams in a folder: `EXAM/` or `PERSON/VISIT/` with images that are told by their names, or
 * folders of DICOM files at any depth, in which each study is an exam. Folders are persons; of DICOM
 * files the headers say whose they are, and labels are made of a hash of that.
 */
export async function folderExams(
  root: string,
  patterns: NamePatterns,
  run: Run,
): Promise<CohortExam[]> {
  const exams: CohortExam[] = [];
  const subjects = new Labels();
  const entries: string[] = [];
  for (const name of await foldersIn(root)) {
    if (!(await isBatch(join(root, name)))) entries.push(name);
  }
  const hasImages = (await filesIn(root)).some(isImageName);
  if (hasImages) throw imagesAtTop(root);
  const dicom: string[] = entries.length === 0 ? [root] : [];
  for (const name of entries) {
    const folder = join(root, name);
    if ((await filesIn(folder)).some(isImageName)) {
      exams.push(await examIn(root, folder, subjects.of(name), undefined, patterns));
      continue;
    }
    const visits: string[] = [];
    const others: string[] = [];
    for (const visit of await foldersIn(folder)) {
      const hasImages = (await filesIn(join(folder, visit))).some(isImageName);
      (hasImages ? visits : others).push(visit);
    }
    const sessions = new Labels();
    // Such as a visit of which there are DICOM files alone.
    const notes = others.map((other) => `${other}, beside it, has no images and was passed over`);
    for (const [at, visit] of visits.entries()) {
      const session = sessions.of(visit);
      const exam = await examIn(root, join(folder, visit), subjects.of(name), session, patterns);
      exams.push(at === 0 ? { ...exam, notes: [...exam.notes, ...notes] } : exam);
    }
    if (visits.length === 0) dicom.push(folder);
  }
  const visits: DicomVisits = { subjects, sessions: new Map(), notes: new Map() };
  for (const folder of dicom) exams.push(...(await dicomExams(root, folder, visits, run)));
  return exams;
}

const imagesAtTop = (file: string) =>
  new DawsonError('usage', {
    file,
    expected: 'a folder of exam folders, a BIDS data set, or a table of exams',
    found: 'images without a folder of their own',
    advice:
      'Put each exam into a folder of its own, or name the files in a table (docs/cohorts.md).',
  });

/** The results of a batch may lie among its exams. */
const isBatch = async (folder: string) =>
  (await stat(join(folder, 'work', 'batch.json')).catch(() => undefined)) !== undefined;

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort();
}

const filesIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => !entry.isDirectory())
    .map(({ name }) => name);

async function examIn(
  root: string,
  folder: string,
  subject: string,
  session: string | undefined,
  patterns: NamePatterns,
): Promise<CohortExam> {
  const { files, problem } = sequencesByName(await filesIn(folder), patterns);
  const { flair } = files;
  const paths = Object.fromEntries(
    sequencesOf(files).map((name) => [name, join(folder, files[name]!)]),
  );
  return {
    name: examName(subject, session),
    subject,
    ...(session !== undefined && { session }),
    source: relative(root, folder),
    ...(problem === undefined && flair !== undefined
      ? { images: { ...paths, flair: paths.flair } }
      : { problem }),
    notes: [],
  };
}

/** Whose studies were found, in whichever folder they lie. */
interface DicomVisits {
  readonly subjects: Labels;
  /** Labels of the visits of each person. */
  readonly sessions: Map<string, Labels>;
  /** By person and study: the notes of its exam, which grow where the study lies in another folder too. */
  readonly notes: Map<string, string[]>;
}

async function dicomExams(
  root: string,
  folder: string,
  visits: DicomVisits,
  run: Run,
): Promise<CohortExam[]> {
  const { subjects, sessions } = visits;
  const source = relative(root, folder) || '.';
  try {
    const { studies } = await readDicomFolder(folder, run);
    const usable = studies.filter((study) =>
      chooseSeries(study).some(({ role }) => role === 'flair'),
    );
    const unused = studies.length - usable.length;
    const exams = usable.flatMap((study): CohortExam[] => {
      const { uid, date } = study;
      const person = personOf(study, source);
      const known = visits.notes.get(`${person} ${uid}`);
      if (known) {
        known.push('the study lies in another folder too, where it was passed over');
        return [];
      }
      const notes = unused > 0 ? [`studies without a FLAIR, passed over: ${unused}`] : [];
      visits.notes.set(`${person} ${uid}`, notes);
      const subject = subjects.of(person);
      const own = sessions.get(subject) ?? new Labels();
      sessions.set(subject, own);
      // Two studies of one day get a number.
      const session = own.of(`${date ?? 'undated'}#${uid}`, date ?? 'undated');
      return [
        {
          name: examName(subject, session),
          subject,
          session,
          source: `${source}, study ${uid}`,
          images: { dicom: folder, study: uid },
          notes,
        },
      ];
    });
    if (usable.length > 0) return exams;
    return [without(source, subjects, 'no study has a FLAIR of a whole head')];
  } catch (error) {
    if (!(error instanceof DawsonError) || error.code === 'interrupted') throw error;
    const { expected, found } = error.details;
    return [without(source, subjects, `expected ${expected}; found ${found}`)];
  }
}

/** A text by which persons are told apart; where headers do not say whose a study is, its folder does. */
function personOf({ uid, patientHash, isPatientKnown }: Study, source: string): string {
  if (isPatientKnown) return patientHash.slice(0, 10);
  const place = source === '.' ? `study ${uid}` : `folder ${source} ${patientHash}`;
  return createHash('sha256').update(place).digest('hex').slice(0, 10);
}

function without(source: string, subjects: Labels, problem: string): CohortExam {
  const subject = subjects.of(source);
  return { name: examName(subject), subject, source, problem, notes: [] };
}
