import { seededRandom } from '../volume/random.js';
import type { EvaluatedCase } from './cohort.js';
import type { Measure } from './measures.js';
import { measures, valuesOf } from './measures.js';
import { pearson } from './statistics/agreement.js';
import { bootstrapInterval } from './statistics/bootstrap.js';
import { mean, type Summary, summarize } from './statistics/descriptive.js';
import { equivalenceTest } from './statistics/equivalence.js';
import { holmAdjusted } from './statistics/holm.js';
import { tTest, unpairedDifference } from './statistics/t-test.js';
import { rankSum } from './statistics/wilcoxon.js';

/** A measure over the cases of a cohort. Figures are NaN where there are too few values. */
export interface MeasureSummary extends Summary {
  readonly measure: Measure;
  /** Cases in which the measure is undefined; they are left out. */
  readonly undefinedCount: number;
  /** Confidence interval of the mean, 95 %, by bootstrap over cases. */
  readonly confidenceInterval: readonly [number, number];
}

/** Starts every bootstrap, so that the same cases give the same interval. */
const bootstrapSeed = 2023;

/** All summarised measures that at least one case has. */
export function summarizeCohort(cases: readonly EvaluatedCase[]): MeasureSummary[] {
  const evaluations = cases.map(({ evaluation }) => evaluation);
  return measures
    .filter(({ isSummarised }) => isSummarised)
    .map((measure) => {
      const { values, undefinedCount } = valuesOf(measure, evaluations);
      return {
        measure,
        undefinedCount,
        ...summarize(values),
        confidenceInterval: bootstrapInterval(values, mean, seededRandom(bootstrapSeed)),
      };
    })
    .filter(({ n }) => n > 0);
}

/** One scanner's cases against those of all other scanners, for one measure. */
export interface ScannerComparison {
  readonly measure: Measure;
  readonly scanner: string;
  readonly n: number;
  readonly nOthers: number;
  readonly mean: number;
  readonly meanOthers: number;
  readonly difference: number;
  readonly confidenceInterval: readonly [number, number];
  /** Welch's unpaired t-test, two-sided; and adjusted by Holm over the whole table. */
  readonly tTestP: number;
  readonly tTestHolmP: number;
  readonly rankSumP: number;
  /** Two one-sided tests: small means equivalent to within the margin. Adjusted likewise. */
  readonly equivalenceP: number;
  readonly equivalenceHolmP: number;
}

/** The cases by scanner, in the order of the names; cases without one are left out. */
export function casesByScanner(cases: readonly EvaluatedCase[]): Map<string, EvaluatedCase[]> {
  const groups = new Map<string, EvaluatedCase[]>();
  const named = cases.filter(({ row }) => row?.scanner !== undefined);
  const scanners = [...new Set(named.map(({ row }) => row!.scanner!))].sort();
  for (const scanner of scanners) {
    groups.set(
      scanner,
      named.filter(({ row }) => row!.scanner === scanner),
    );
  }
  return groups;
}

/** Measures by which scanners are compared. */
const comparedKeys = ['dsc', 'lesion_precision', 'lesion_recall', 'lesion_f1'];

/**
 * Compares each scanner with all others; empty with fewer than two scanners. A group of fewer than
 * two values is not compared.
 * @param margin of the equivalence tests, in parts of 1
 */
export function compareScanners(
  cases: readonly EvaluatedCase[],
  margin: number,
): ScannerComparison[] {
  const groups = casesByScanner(cases);
  if (groups.size < 2) return [];
  const rows = measures
    .filter(({ key }) => comparedKeys.includes(key))
    .flatMap((measure) =>
      [...groups.keys()].flatMap((scanner) => {
        const own = groups.get(scanner)!;
        const others = [...groups].flatMap(([name, group]) => (name === scanner ? [] : group));
        const a = valuesOf(
          measure,
          own.map(({ evaluation }) => evaluation),
        ).values;
        const b = valuesOf(
          measure,
          others.map(({ evaluation }) => evaluation),
        ).values;
        if (a.length < 2 || b.length < 2) return [];
        const estimate = unpairedDifference(a, b, 'unequal');
        const { p, confidenceInterval } = tTest(estimate);
        return [
          {
            measure,
            scanner,
            n: a.length,
            nOthers: b.length,
            mean: mean(a),
            meanOthers: mean(b),
            difference: estimate.difference,
            confidenceInterval,
            tTestP: p,
            rankSumP: rankSum(a, b).p,
            equivalenceP: equivalenceTest(estimate, margin).p,
          },
        ];
      }),
    );
  // Each of two scanners against the others is one test, in two rows.
  const rowsOfTest = groups.size === 2 ? 2 : 1;
  const tests = rows.filter((_, index) => index % rowsOfTest === 0);
  const tHolm = holmAdjusted(tests.map(({ tTestP }) => tTestP));
  const equivalenceHolm = holmAdjusted(tests.map(({ equivalenceP }) => equivalenceP));
  return rows.map((row, index) => ({
    ...row,
    tTestHolmP: tHolm[Math.floor(index / rowsOfTest)],
    equivalenceHolmP: equivalenceHolm[Math.floor(index / rowsOfTest)],
  }));
}

/**
 * The raw score of ISBI 2015 over a cohort (Carass et al. 2017): the mean over images of
 * DSC/8 + PPV/8 + (1 - LFPR)/4 + LTPR/4, and a quarter of the correlation of lesion volumes. The
 * leaderboard's linear rescaling to its raters is not applied. Images in which one of the four is
 * undefined are left out; null when no image remains or the volumes do not vary.
 */
export function isbi2015Score(cases: readonly EvaluatedCase[]): number | null {
  const perImage = cases.flatMap(({ evaluation: { dsc, precision, lesionwise } }) => {
    const { precision: oneMinusLfpr, recall: ltpr } = lesionwise ?? {};
    if (dsc === null || precision === null || oneMinusLfpr == null || ltpr == null) return [];
    return [dsc / 8 + precision / 8 + oneMinusLfpr / 4 + ltpr / 4];
  });
  const volumes = cases.map(({ evaluation }) => evaluation.volumes);
  const correlation = pearson(
    volumes.map(({ referenceMl }) => referenceMl),
    volumes.map(({ predictionMl }) => predictionMl),
  );
  if (perImage.length === 0 || Number.isNaN(correlation)) return null;
  return mean(perImage) + correlation / 4;
}
