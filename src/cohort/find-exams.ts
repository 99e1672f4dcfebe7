import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DawsonError } from '../errors.js';
import type { Run } from '../run.js';
import { sequenceNames } from '../sequences.js';
import { bidsExams } from './bids-exams.js';
import type { CohortExam } from './cohort-exam.js';
import { folderExams } from './folder-exams.js';
import type { NamePatterns } from './sequence-names.js';
import { tableExams } from './table-exams.js';

/**
 * The exams of a cohort: of a BIDS data set (a folder with `dataset_description.json`) or a folder of
 * exam folders or of DICOM files, in the order of their names; of a table, in its order.
 * @throws DawsonError `file-not-found`, `usage`, `bad-table`.
 */
export async function findExams(
  input: string,
  patterns: NamePatterns,
  run: Run,
): Promise<CohortExam[]> {
  const stats = await stat(input).catch(() => undefined);
  if (stats === undefined) {
    throw new DawsonError('file-not-found', {
      file: input,
      expected: 'a folder of exams or a table',
      found: 'nothing',
    });
  }
  const exams = stats.isFile()
    ? await withoutPatterns(patterns, 'a table', () => tableExams(input))
    : await inFolder(input, patterns, run);
  if (exams.length === 0) {
    throw new DawsonError('usage', { file: input, expected: 'exams', found: 'none' });
  }
  return stats.isFile() ? exams : exams.toSorted((a, b) => byNumbers(a.name, b.name));
}

/** Exams without dates are compared in this order: the second visit comes before the tenth. */
function byNumbers(one: string, other: string): number {
  // Every second part is a number.
  const [a, b] = [one, other].map((name) => name.split(/(\d+)/));
  const at = a.findIndex((part, place) => part !== b[place]);
  const difference = at % 2 === 1 ? Number(a[at]) - Number(b[at]) : 0;
  return difference || (one < other ? -1 : 1);
}

async function inFolder(folder: string, patterns: NamePatterns, run: Run): Promise<CohortExam[]> {
  const description = await stat(join(folder, 'dataset_description.json')).catch(() => undefined);
  return description === undefined
    ? folderExams(folder, patterns, run)
    : withoutPatterns(patterns, 'a BIDS data set', () => bidsExams(folder));
}

function withoutPatterns<T>(patterns: NamePatterns, found: string, find: () => T): T {
  const given = sequenceNames.filter((name) => patterns[name] !== undefined);
  if (given.length === 0) return find();
  throw new DawsonError('usage', {
    expected: `a folder of exam folders for ${given.map((name) => `--${name}`).join(' and ')}`,
    found: `${found}, which names its images itself`,
  });
}
