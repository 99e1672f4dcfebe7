import { type EvaluatedCase, type Measure, measures } from '../evaluate/index.js';
import { mean } from '../evaluate/statistics/descriptive.js';
import { equivalenceTest } from '../evaluate/statistics/equivalence.js';
import { holmAdjusted } from '../evaluate/statistics/holm.js';
import { pairedDifference, tTest } from '../evaluate/statistics/t-test.js';
import type { JudgedTrial } from './run-experiment.js';

/** One value left out, by one measure: its cases by the network that saw none of it, and by one that did. */
export interface LeftOut {
  readonly measure: Measure;
  readonly value: string;
  readonly n: number;
  readonly meanUnseen: number;
  readonly meanSeen: number;
  /** Unseen less seen. */
  readonly difference: number;
  readonly confidenceInterval: readonly [number, number];
  /** Paired t-test, two-sided; and adjusted by Holm over the whole table. */
  readonly tTestP: number;
  readonly tTestHolmP: number;
  /** Two one-sided tests: small means the same to within the margin. Adjusted likewise. */
  readonly equivalenceP: number;
  readonly equivalenceHolmP: number;
}

const comparedKeys = ['dsc', 'lesion_precision', 'lesion_recall', 'lesion_f1'];

/**
 * The cases with a value that was left out which a network that saw the value has judged too: where all
 * of it is in one fold, or held out, none did.
 * @param trials of networks that did not see the cases that they are judged on
 * @param hasValue whether a case, by its name, has the value
 */
export function alsoSeen(
  unseen: readonly EvaluatedCase[],
  trials: readonly Pick<JudgedTrial, 'system' | 'judged'>[],
  hasValue: (name: string) => boolean,
): EvaluatedCase[] {
  const saw = trials.filter(
    ({ system }) => 'network' in system && system.network.cases.some(hasValue),
  );
  const ids = new Set(saw.flatMap(({ judged }) => judged.map(({ id }) => id)));
  return unseen.filter(({ id }) => ids.has(id));
}

/**
 * Compares, case by case, networks that did not see a value (such as a scanner) with networks that
 * did, neither of which saw the case. Values with fewer than two such cases are left out.
 * @param unseen cases by the value that their network did not see
 * @param seen the same cases, and others, by networks that saw it
 * @param margin of the equivalence tests, in parts of 1
 */
export function compareLeftOut(
  unseen: ReadonlyMap<string, readonly EvaluatedCase[]>,
  seen: readonly EvaluatedCase[],
  margin: number,
): LeftOut[] {
  const seenOf = new Map(seen.map((one) => [one.id, one]));
  const rows = measures
    .filter(({ key }) => comparedKeys.includes(key))
    .flatMap((measure) =>
      [...unseen].flatMap(([value, cases]) => {
        const pairs = cases.flatMap((one) => {
          const other = seenOf.get(one.id);
          const [a, b] = [measure.of(one.evaluation), other && measure.of(other.evaluation)];
          return a === null || b === null || b === undefined ? [] : [[a, b] as const];
        });
        if (pairs.length < 2) return [];
        const [a, b] = [pairs.map(([first]) => first), pairs.map(([, second]) => second)];
        const estimate = pairedDifference(a, b);
        const { p, confidenceInterval } = tTest(estimate);
        return [
          {
            measure,
            value,
            n: pairs.length,
            meanUnseen: mean(a),
            meanSeen: mean(b),
            difference: estimate.difference,
            confidenceInterval,
            tTestP: p,
            equivalenceP: equivalenceTest(estimate, margin).p,
          },
        ];
      }),
    );
  const tHolm = holmAdjusted(rows.map(({ tTestP }) => tTestP));
  const equivalenceHolm = holmAdjusted(rows.map(({ equivalenceP }) => equivalenceP));
  return rows.map((row, at) => ({
    ...row,
    tTestHolmP: tHolm[at],
    equivalenceHolmP: equivalenceHolm[at],
  }));
}
