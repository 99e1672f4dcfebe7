import { copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DawsonError } from '../errors.js';
import { type CohortRow, definitions, evaluateCohort } from '../evaluate/index.js';
import { imageEndings } from '../formats/index.js';
import { resultFiles } from '../quantify/result-folder.js';
import type { Run } from '../run.js';
import { placed } from './bids-derivatives.js';
import { scannerOf } from './cohort-files.js';
import type { CohortResult } from './cohort-result.js';

/** Smallest difference of figures between 0 and 1 that matters, as in `dawson evaluate`. */
const margin = 0.05;

/**
 * Evaluates the exams that have references, as `dawson evaluate` does, into the folder `evaluation`.
 * @returns what stood in the way.
 */
export async function evaluateReferences(
  out: string,
  results: readonly CohortResult[],
  run: Run,
): Promise<string[]> {
  const judged = results.filter(({ exam, findings }) => findings && exam.reference !== undefined);
  if (judged.length === 0) return [];
  // Charts and statistics are large modules, which batches without references need not wait for.
  const { cohortReport } = await import('../report/cohort-report.js');
  const { writeReport } = await import('../report/report-folder.js');
  const folder = join(out, 'work', 'evaluation');
  const [references, predictions] = [join(folder, 'references'), join(folder, 'predictions')];
  await rm(folder, { recursive: true, force: true });
  await mkdir(references, { recursive: true });
  await mkdir(predictions, { recursive: true });
  const notes: string[] = [];
  const rows: CohortRow[] = [];
  for (const { exam, findings, folder: own } of judged) {
    const reference = exam.reference!;
    const ending = imageEndings.find((known) => reference.toLowerCase().endsWith(known));
    const isThere = await copyFile(reference, join(references, `${exam.name}${ending ?? ''}`))
      .then(() => true)
      .catch(() => false);
    if (!isThere) {
      notes.push(`${exam.name}: the reference cannot be read`);
      continue;
    }
    await placed(join(own, resultFiles.lesions.file), join(predictions, `${exam.name}.nii.gz`));
    const scanner = scannerOf(findings!);
    rows.push({ case: exam.name, patient: exam.subject, ...(scanner && { scanner }) });
  }
  try {
    if (rows.length === 0) return notes;
    const cases = await evaluateCohort({ references, predictions, rows }, {}, run);
    const { files } = await cohortReport(cases, definitions.anima, margin, undefined);
    await writeReport(join(out, 'evaluation'), files, run.signal);
  } catch (error) {
    if (!(error instanceof DawsonError) || error.code === 'interrupted') throw error;
    const { expected, found } = error.details;
    notes.push(`The results were not evaluated: expected ${expected}; found ${found}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return notes;
}
