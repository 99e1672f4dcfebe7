import { dirname, resolve } from 'node:path';
import { DawsonError } from '../errors.js';
import { isDate } from '../preprocess/foreign-description.js';
import { type CohortExam, type ExamImages, examName, Labels } from './cohort-exam.js';
import { readTable } from './read-table.js';

/** Columns of a table of exams. `patient` and one of `flair` and `dicom` are needed. */
export const examColumns = {
  patient: 'pseudonym of the person',
  visit: 'name of the visit, where a person has several',
  date: 'when it was taken, YYYY-MM-DD',
  flair: 'the FLAIR image; paths are relative to the table',
  t2: 'the T2 image',
  t1: 'the T1 image',
  dicom: 'instead: a folder or zip file of DICOM files',
  study: 'which study of these',
  reference: 'a mask of the lesions, to evaluate against',
} as const;

/**
 * The exams of a table, a line each.
 * @throws DawsonError `bad-table` listing everything that is wrong with it at once.
 */
export async function tableExams(file: string): Promise<CohortExam[]> {
  const { rows, lines } = await readTable(file);
  const folder = dirname(resolve(file));
  const subjects = new Labels();
  const sessions = new Map<string, Labels>();
  const problems: string[] = [];
  const exams = rows.map((row, at): CohortExam => {
    const line = `line ${lines[at]}`;
    const { patient, visit, date, flair, t2, t1, dicom, study, reference } = row;
    if (patient === undefined) problems.push(`${line}: no patient`);
    if ((flair === undefined) === (dicom === undefined)) {
      problems.push(
        `${line}: ${flair === undefined ? 'neither flair nor dicom' : 'flair and dicom'}`,
      );
    }
    if (date !== undefined && !isDate(date))
      problems.push(`${line}: date is ${JSON.stringify(date)}`);
    const subject = subjects.of(patient ?? '');
    const own = sessions.get(subject) ?? new Labels();
    sessions.set(subject, own);
    const session = visit === undefined ? undefined : own.of(visit);
    const path = (name: string | undefined) =>
      name === undefined ? undefined : resolve(folder, name);
    const images =
      dicom === undefined
        ? { flair: path(flair), t2: path(t2), t1: path(t1) }
        : { dicom: path(dicom), study };
    return {
      name: examName(subject, session),
      subject,
      ...(session !== undefined && { session }),
      ...(date !== undefined && { date }),
      source: line,
      images: images as ExamImages,
      ...(reference !== undefined && { reference: path(reference) }),
      notes: [],
    };
  });
  const first = new Map<string, number>();
  for (const [at, { name }] of exams.entries()) {
    const before = first.get(name);
    if (before === undefined) first.set(name, lines[at]);
    else problems.push(`line ${lines[at]}: ${name} is in line ${before} too: name visits`);
  }
  if (exams.length === 0) problems.push('no lines');
  if (problems.length === 0) return exams;
  throw new DawsonError('bad-table', {
    file,
    expected: `a line an exam with the columns ${Object.keys(examColumns).join(', ')}`,
    found: problems.join('; '),
    advice: 'Correct the lines named; docs/cohorts.md describes the columns.',
  });
}
