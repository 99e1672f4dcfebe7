import { DawsonError } from '../errors.js';
import type { Remark } from '../remarks.js';
import { type Exam, type ExamFiles, readExam, type SequenceName, sequencesOf } from './exam.js';
import { type DescribedExam, describeExam, type GivenDescription } from './exam-description.js';

/** Where an exam comes from: NIfTI or MetaImage files, or a folder of DICOM files. */
export interface ExamSource {
  /** The sequences it has, in their fixed order. */
  readonly sequences: SequenceName[];
  /** Whose exam it is, with what was given put over it. */
  describe(given?: GivenDescription): Promise<DescribedExam>;
  /** @returns the exam, and what was worked around in reading it. */
  read(): Promise<{ exam: Exam; notes: (string | Remark)[] }>;
}

/**
 * An exam whose sequences lie in a file each.
 * @throws DawsonError `usage` without a FLAIR, and for what are no names of files.
 */
export function examInFiles(files: ExamFiles): ExamSource {
  requireNames(files);
  return {
    sequences: sequencesOf(files),
    describe: (given) => describeExam(files.flair, given),
    read: () => readExam(files),
  };
}

function requireNames(files: ExamFiles): void {
  const isName = (value: unknown) => typeof value === 'string';
  const isExam = typeof files === 'object' && files !== null && isName(files.flair);
  if (isExam && sequencesOf(files).every((name) => isName(files[name]))) return;
  throw new DawsonError('usage', {
    expected: "the names of an exam's files, such as { flair: 'flair.nii.gz' }",
    found: JSON.stringify(files) ?? 'none',
  });
}
