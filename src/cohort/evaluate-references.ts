import { access, constants, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DawsonError } from '../errors.js';
import { type CohortRow, definitions, evaluateCohort } from '../evaluate/index.js';
import { imageEndings, linkImage, makeFolder, voxelsFileOf } from '../formats/index.js';
import { resultFiles } from '../quantify/result-folder.js';
import { removeReport, writeReport } from '../report/report-folder.js';
import type { Run } from '../run.js';
import { placed } from './bids-derivatives.js';
import { scannerOf } from './cohort-files.js';
import type { CohortResult } from './cohort-result.js';

/** Smallest difference of figures between 0 and 1 that matters, as in `dawson evaluate`. */
const margin = 0.05;

/**
 * Evaluates the exams that have references, as `dawson evaluate` does, into the folder `evaluation`.
 * What an earlier run wrote there goes where nothing is evaluated now.
 * @returns what stood in the way.
 */
export async function evaluateReferences(
  out: string,
  results: readonly CohortResult[],
  run: Run,
): Promise<string[]> {
  const evaluation = join(out, 'evaluation');
  const judged = results.filter(({ exam, findings }) => findings && exam.reference !== undefined);
  if (judged.length === 0) {
    await removeReport(evaluation);
    return [];
  }
  // Charts and statistics are large modules, which batches without references need not wait for.
  const { cohortReport } = await import('../report/cohort-report.js');
  const folder = join(out, 'work', 'evaluation');
  const [references, predictions] = [join(folder, 'references'), join(folder, 'predictions')];
  await rm(folder, { recursive: true, force: true });
  await makeFolder(references);
  await makeFolder(predictions);
  const notes: string[] = [];
  const rows: CohortRow[] = [];
  for (const { exam, findings, folder: own } of judged) {
    const reference = exam.reference!;
    const ending = imageEndings.find((known) => reference.toLowerCase().endsWith(known));
    if (!(await isReadable(reference))) {
      notes.push(`${exam.name}: the reference cannot be read`);
      continue;
    }
    await linkImage(reference, join(references, `${exam.name}${ending ?? ''}`));
    await placed(join(own, resultFiles.lesions.file), join(predictions, `${exam.name}.nii.gz`));
    const scanner = scannerOf(findings!);
    rows.push({ case: exam.name, patient: exam.subject, ...(scanner && { scanner }) });
  }
  try {
    if (rows.length === 0) {
      await removeReport(evaluation);
      return notes;
    }
    const cases = await evaluateCohort({ references, predictions, rows }, {}, run);
    const { files } = await cohortReport(cases, definitions.anima, margin, undefined);
    await writeReport(evaluation, files, run.signal);
  } catch (error) {
    if (!(error instanceof DawsonError) || error.code === 'interrupted') throw error;
    await removeReport(evaluation);
    const { expected, found } = error.details;
    notes.push(`The results were not evaluated: expected ${expected}; found ${found}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return notes;
}

/** Whether an image and, where it has one, the file of its voxels may be read. */
async function isReadable(image: string): Promise<boolean> {
  try {
    await access(image, constants.R_OK);
    const voxels = await voxelsFileOf(image);
    if (voxels !== undefined) await access(voxels, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
