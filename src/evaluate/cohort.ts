import { availableParallelism } from 'node:os';
import type { WorkerPool } from '../workers.js';
import type { CohortRow } from './cohort-table.js';
import type { CaseOutcome, caseOutcome, EvaluationSettings } from './evaluate-files.js';
import type { PairEvaluation } from './evaluate-pair.js';
import { casesInAll, imagesIn, throwProblems } from './match-files.js';

/** One case of a cohort, evaluated; `row` is its line of the cohort file. */
export interface EvaluatedCase {
  readonly id: string;
  readonly evaluation: PairEvaluation;
  readonly row?: CohortRow;
}

/** What a cohort is evaluated with. */
export interface CohortRun {
  readonly pool: WorkerPool;
  readonly signal?: AbortSignal;
  /** Called after each case with how many are done. */
  readonly onProgress?: (done: number, all: number) => void;
}

export interface CohortSource {
  readonly references: string;
  readonly predictions: string;
  /** Lines of the cohort file; every case must have one, and every line a case. */
  readonly rows?: readonly CohortRow[];
}

/**
 * Evaluates a folder of predictions against a folder of references, files matched by name, in
 * parallel; the result is in the order of the names.
 * @throws DawsonError `inputs-conflict` with the complete list of what does not fit: cases missing
 *   on a side or in the cohort file, two files of one case; and, after all pairs were read, every
 *   file that is unusable, is no mask, or has another grid.
 */
export async function evaluateCohort(
  source: CohortSource,
  settings: EvaluationSettings,
  { pool, signal, onProgress }: CohortRun,
): Promise<EvaluatedCase[]> {
  const references = await imagesIn(source.references);
  const predictions = await imagesIn(source.predictions);
  const problems = [...references.problems, ...predictions.problems];
  const ids = casesInAll(
    [
      { name: source.references, images: references.images },
      { name: source.predictions, images: predictions.images },
    ],
    problems,
  );
  const rows = new Map(source.rows?.map((row) => [row.case, row]));
  if (source.rows) {
    for (const id of ids) if (!rows.has(id)) problems.push(`${id}: not in the cohort file`);
    for (const id of rows.keys()) {
      const isKnown = references.images.has(id) || predictions.images.has(id);
      if (!isKnown) problems.push(`${id}: in the cohort file, but without files`);
    }
  }
  if (ids.length === 0 && problems.length === 0) problems.push('no images in the folders');
  throwProblems(problems, 'a reference and a prediction of each case');

  const outcomes = new Array<CaseOutcome>(ids.length);
  let next = 0;
  let done = 0;
  const work = async () => {
    while (next < ids.length) {
      const index = next++;
      const files = {
        reference: references.images.get(ids[index])!,
        prediction: predictions.images.get(ids[index])!,
      };
      outcomes[index] = await pool.call<typeof caseOutcome>(
        new URL('./evaluate-files.js', import.meta.url),
        'caseOutcome',
        [files, settings],
        signal,
      );
      onProgress?.(++done, ids.length);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  const evaluated: EvaluatedCase[] = [];
  const unusable: string[] = [];
  for (const [index, outcome] of outcomes.entries()) {
    const id = ids[index];
    if ('problem' in outcome) unusable.push(`${id}: ${outcome.problem}`);
    else evaluated.push({ id, evaluation: outcome.evaluation, row: rows.get(id) });
  }
  const advice = settings.resample ? '' : ' (add --resample where only the grids differ)';
  throwProblems(unusable, `masks on the same grid${advice}`);
  return evaluated;
}
