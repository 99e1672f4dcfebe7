import { availableParallelism } from 'node:os';
import { type Run, type RunOptions, withRun } from '../run.js';
import type { CohortRow } from './cohort-table.js';
import {
  type CaseOutcome,
  caseOutcomeInWorker,
  type EvaluationSettings,
  type FileEvaluation,
  type FilePair,
} from './evaluate-files.js';
import type { PairEvaluation } from './evaluate-pair.js';
import { casesInAll, imagesIn, throwProblems } from './match-files.js';

/** One case of a cohort, evaluated; `row` is its line of the cohort file. */
export interface EvaluatedCase {
  readonly id: string;
  readonly evaluation: PairEvaluation;
  /** What was worked around or assumed in reading its files. */
  readonly notes?: readonly string[];
  readonly row?: CohortRow;
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
  settings: Partial<EvaluationSettings> = {},
  run: RunOptions = {},
): Promise<EvaluatedCase[]> {
  return (await evaluateCohorts([source], settings, run))[0];
}

/** {@link evaluateCohort} for several cohorts at once, with one list of what does not fit in any. */
export async function evaluateCohorts(
  sources: readonly CohortSource[],
  settings: Partial<EvaluationSettings> = {},
  run: RunOptions = {},
): Promise<EvaluatedCase[][]> {
  const problems: string[] = [];
  const cohorts: CasePair[][] = [];
  for (const source of sources) cohorts.push(await casePairs(source, problems));
  throwProblems([...new Set(problems)], 'masks of the same cases on both sides');

  const pairs = cohorts.flat();
  const outcomes = await withRun(run, (run) => outcomesOf(pairs, settings, run));
  const unusable = pairs.flatMap((pair) => {
    const outcome = outcomes.get(pair)!;
    return 'problem' in outcome ? [`${pair.id}: ${outcome.problem}`] : [];
  });
  const advice = settings.resample ? '' : ' (add --resample where only the grids differ)';
  throwProblems([...new Set(unusable)], `masks on the same grid${advice}`);
  return cohorts.map((cohort) =>
    cohort.map((pair) => {
      const { notes, ...evaluation } = outcomes.get(pair) as FileEvaluation;
      return { id: pair.id, evaluation, notes, row: pair.row };
    }),
  );
}

interface CasePair {
  readonly id: string;
  readonly files: FilePair;
  readonly row?: CohortRow;
}

/** The cases of a source in the order of their names; what does not fit is added to `problems`. */
async function casePairs(
  { references, predictions, rows }: CohortSource,
  problems: string[],
): Promise<CasePair[]> {
  const reference = await imagesIn(references);
  const prediction = await imagesIn(predictions);
  const before = problems.length;
  problems.push(...reference.problems, ...prediction.problems);
  const ids = casesInAll(
    [
      { name: references, images: reference.images },
      { name: predictions, images: prediction.images },
    ],
    problems,
  );
  const rowOf = new Map(rows?.map((row) => [row.case, row]));
  if (rows) {
    for (const id of ids) if (!rowOf.has(id)) problems.push(`${id}: not in the cohort file`);
    for (const id of rowOf.keys()) {
      const isKnown = reference.images.has(id) || prediction.images.has(id);
      if (!isKnown) problems.push(`${id}: in the cohort file, but without files`);
    }
  }
  if (ids.length === 0 && problems.length === before) {
    problems.push(`no images in ${references} and ${predictions}`);
  }
  return ids.map((id) => ({
    id,
    files: { reference: reference.images.get(id)!, prediction: prediction.images.get(id)! },
    row: rowOf.get(id),
  }));
}

/** Evaluates pairs in the workers, as many at a time as there are cores. */
async function outcomesOf(
  pairs: readonly CasePair[],
  settings: Partial<EvaluationSettings>,
  run: Run,
): Promise<Map<CasePair, CaseOutcome>> {
  const outcomes = new Map<CasePair, CaseOutcome>();
  const waiting = pairs.values();
  const work = async () => {
    for (const pair of waiting) {
      const outcome = await caseOutcomeInWorker(run, pair.files, settings);
      outcomes.set(pair, outcome);
      run.onProgress?.(outcomes.size, pairs.length);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return outcomes;
}
