import type { EvaluatedCase } from './cohort.js';
import type { Measure } from './measures.js';
import { measures } from './measures.js';
import {
  intraclassCorrelation,
  type LimitsOfAgreement,
  limitsOfAgreement,
  pearson,
} from './statistics/agreement.js';
import { mean, standardDeviation } from './statistics/descriptive.js';
import { equivalenceTest } from './statistics/equivalence.js';
import { holmAdjusted } from './statistics/holm.js';
import { pairedDifference, tTest } from './statistics/t-test.js';
import { wilcoxonSignedRank } from './statistics/wilcoxon.js';

/** Two sets of predictions for the same references, by one measure, case by case. */
export interface SetComparison {
  readonly first: string;
  readonly second: string;
  readonly measure: Measure;
  /** Cases in which both sets have the measure. */
  readonly n: number;
  readonly meanFirst: number;
  readonly meanSecond: number;
  /** First less second. */
  readonly difference: number;
  readonly confidenceInterval: readonly [number, number];
  /** Paired t-test, two-sided; and adjusted by Holm over the whole table. */
  readonly tTestP: number;
  readonly tTestHolmP: number;
  readonly wilcoxonP: number;
  readonly wilcoxonHolmP: number;
  /** Two one-sided tests, of measures between 0 and 1: small means equivalent to the margin. */
  readonly equivalenceP: number | null;
}

/** A set of evaluated predictions and what it is called. */
export interface NamedSet {
  readonly name: string;
  readonly cases: readonly EvaluatedCase[];
}

/**
 * Compares every two sets by every summarised measure, paired by case. Measures that fewer than two
 * cases have in both sets are left out.
 * @param margin of the equivalence tests, in parts of 1
 */
export function compareSets(sets: readonly NamedSet[], margin: number): SetComparison[] {
  const rows = everyTwo(sets).flatMap(([first, second]) =>
    measures
      .filter(({ isSummarised }) => isSummarised)
      .flatMap((measure) => {
        const [a, b] = pairedValues(first, second, measure);
        if (a.length < 2) return [];
        const estimate = pairedDifference(a, b);
        const { p, confidenceInterval } = tTest(estimate);
        return [
          {
            first: first.name,
            second: second.name,
            measure,
            n: a.length,
            meanFirst: mean(a),
            meanSecond: mean(b),
            difference: estimate.difference,
            confidenceInterval,
            tTestP: p,
            wilcoxonP: wilcoxonSignedRank(a, b).p,
            equivalenceP: measure.isFraction ? equivalenceTest(estimate, margin).p : null,
          },
        ];
      }),
  );
  const tHolm = holmAdjusted(rows.map(({ tTestP }) => tTestP));
  const wilcoxonHolm = holmAdjusted(rows.map(({ wilcoxonP }) => wilcoxonP));
  return rows.map((row, index) => ({
    ...row,
    tTestHolmP: tHolm[index],
    wilcoxonHolmP: wilcoxonHolm[index],
  }));
}

/** Agreement of two readers who marked the same exams. */
export interface ReaderAgreement {
  readonly first: string;
  readonly second: string;
  readonly n: number;
  readonly dsc: MeanAndSpread;
  readonly lesionF1: MeanAndSpread;
  readonly assdMm: MeanAndSpread;
  /** Volume of the second reader less that of the first, in ml. */
  readonly volumeMl: LimitsOfAgreement;
  readonly volumeCorrelation: number;
}

/** Undefined cases are left out of `n`; NaN where nothing is left. */
export interface MeanAndSpread {
  readonly n: number;
  readonly mean: number;
  readonly standardDeviation: number;
}

/** Agreement of two readers from the evaluation of the second against the first. */
export function readerAgreement(
  first: string,
  second: string,
  cases: readonly EvaluatedCase[],
): ReaderAgreement {
  const spread = (of: Measure['of']): MeanAndSpread => {
    const values = cases.map(({ evaluation }) => of(evaluation)).filter((value) => value !== null);
    return {
      n: values.length,
      mean: mean(values),
      standardDeviation: standardDeviation(values),
    };
  };
  const firstMl = cases.map(({ evaluation }) => evaluation.volumes.referenceMl);
  const secondMl = cases.map(({ evaluation }) => evaluation.volumes.predictionMl);
  return {
    first,
    second,
    n: cases.length,
    dsc: spread(({ dsc }) => dsc),
    lesionF1: spread(({ lesionwise }) => lesionwise?.f1 ?? null),
    assdMm: spread(({ surface }) => surface?.assdMm ?? null),
    volumeMl: limitsOfAgreement(firstMl, secondMl),
    volumeCorrelation: pearson(firstMl, secondMl),
  };
}

/**
 * Agreement of all readers on the lesion volume of a case: ICC(A,1).
 * @param volumesMl one list per reader, in the same order of cases
 */
export function volumeAgreement(volumesMl: readonly (readonly number[])[]): number {
  const cases = volumesMl[0]?.map((_, index) => volumesMl.map((reader) => reader[index])) ?? [];
  return intraclassCorrelation(cases);
}

/** Every two of a list, in its order. */
export function everyTwo<T>(list: readonly T[]): [T, T][] {
  return list.flatMap((first, index) =>
    list.slice(index + 1).map((second): [T, T] => [first, second]),
  );
}

function pairedValues(first: NamedSet, second: NamedSet, measure: Measure): [number[], number[]] {
  const others = new Map(second.cases.map(({ id, evaluation }) => [id, measure.of(evaluation)]));
  const a: number[] = [];
  const b: number[] = [];
  for (const { id, evaluation } of first.cases) {
    const [own, other] = [measure.of(evaluation), others.get(id) ?? null];
    if (own === null || other === null) continue;
    a.push(own);
    b.push(other);
  }
  return [a, b];
}
