import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  intraclassCorrelation,
  limitsOfAgreement,
  pearson,
} from '../../src/evaluate/statistics/agreement.js';
import { bootstrapInterval } from '../../src/evaluate/statistics/bootstrap.js';
import { mean, summarize } from '../../src/evaluate/statistics/descriptive.js';
import { equivalenceTest } from '../../src/evaluate/statistics/equivalence.js';
import { holmAdjusted } from '../../src/evaluate/statistics/holm.js';
import {
  pairedDifference,
  tTest,
  unpairedDifference,
} from '../../src/evaluate/statistics/t-test.js';
import { rankSum, wilcoxonSignedRank } from '../../src/evaluate/statistics/wilcoxon.js';
import { seededRandom } from '../../src/volume/random.js';

interface TRow {
  t: number;
  df: number;
  p: number;
  interval: [number, number];
}
interface PairedRow {
  a: number[];
  b: number[];
  t: TRow;
  tost: number;
  wilcoxon: number;
  pearson: number;
}
interface UnpairedRow {
  a: number[];
  b: number[];
  student: TRow;
  welch: TRow;
  tostStudent: number;
  tostWelch: number;
  rankSum: number;
}

const golden: {
  paired: PairedRow[];
  unpaired: UnpairedRow[];
  holm: { p: number[]; adjusted: number[] };
  bootstrap: { values: number[]; interval: [number, number] };
  quantiles: { values: number[]; quartiles: number[] };
  icc: { table: number[][]; icc: number }[];
} = JSON.parse(
  readFileSync(new URL('../goldens/evaluate/statistics.json', import.meta.url), 'utf8'),
);

const close = (found: number, expected: number) => expect(found).toBeCloseTo(expected, 10);

function expectTTest(found: ReturnType<typeof tTest>, expected: TRow) {
  close(found.t, expected.t);
  close(found.degreesOfFreedom, expected.df);
  close(found.p, expected.p);
  close(found.confidenceInterval[0], expected.interval[0]);
  close(found.confidenceInterval[1], expected.interval[1]);
}

/** Rounded values differ by rounded amounts: without this, equal differences would not tie. */
const exactly = (values: number[]) => values.map((value) => Math.round(value * 1e6));

describe('tests of paired values', () => {
  it.each(golden.paired)('equal SciPy and statsmodels, $a.length pairs', (row) => {
    const estimate = pairedDifference(row.a, row.b);
    expectTTest(tTest(estimate), row.t);
    close(equivalenceTest(estimate, 0.05).p, row.tost);
    close(pearson(row.a, row.b), row.pearson);
    const isRounded = row.a.every((value) => Number.isInteger(Math.round(value * 1e6) / 1e4));
    const [a, b] = isRounded ? [exactly(row.a), exactly(row.b)] : [row.a, row.b];
    close(wilcoxonSignedRank(a, b).p, row.wilcoxon);
  });

  it('are undefined when all pairs are equal, and say so as NaN', () => {
    expect(tTest(pairedDifference([1, 2, 3], [1, 2, 3])).p).toBeNaN();
    expect(wilcoxonSignedRank([1, 2, 3], [1, 2, 3]).p).toBeNaN();
  });

  it('have p 0 when all differences are the same and not 0', () => {
    expect(tTest(pairedDifference([2, 3, 4], [1, 2, 3])).p).toBe(0);
  });

  it('need as many values on one side as on the other, and two of them', () => {
    expect(() => pairedDifference([1, 2], [1])).toThrow(RangeError);
    expect(() => pairedDifference([1], [1])).toThrow(RangeError);
    expect(() => wilcoxonSignedRank([1, 2], [1])).toThrow(RangeError);
  });
});

describe('tests of two groups', () => {
  it.each(golden.unpaired)('equal SciPy and statsmodels, $a.length and $b.length values', (row) => {
    const student = unpairedDifference(row.a, row.b, 'equal');
    const welch = unpairedDifference(row.a, row.b, 'unequal');
    expectTTest(tTest(student), row.student);
    expectTTest(tTest(welch), row.welch);
    close(equivalenceTest(student, 0.1).p, row.tostStudent);
    close(equivalenceTest(welch, 0.1).p, row.tostWelch);
    close(rankSum(row.a, row.b).p, row.rankSum);
  });

  it('give the same p whichever group comes first', () => {
    const values = fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 2, maxLength: 12 });
    fc.assert(
      fc.property(values, values, (a, b) => {
        close(rankSum(a, b).p, rankSum(b, a).p);
        expect(rankSum(a, b).p).toBeLessThanOrEqual(1);
      }),
      { seed: 1, numRuns: 50 },
    );
  });
});

describe('the equivalence test', () => {
  it('needs a positive margin', () => {
    const estimate = pairedDifference([1, 2, 4], [1, 2, 3]);
    expect(() => equivalenceTest(estimate, 0)).toThrow(RangeError);
  });

  it('does not call noisy groups equivalent only because no difference is found', () => {
    const noisy = unpairedDifference([0.2, 0.9, 0.5, 0.7], [0.8, 0.3, 0.6, 0.5], 'unequal');
    expect(tTest(noisy).p).toBeGreaterThan(0.05);
    expect(equivalenceTest(noisy, 0.05).p).toBeGreaterThan(0.05);
  });
});

describe('adjustment, intervals and agreement', () => {
  it('Holm equals statsmodels, and leaves out what is no test', () => {
    for (const [index, value] of holmAdjusted(golden.holm.p).entries()) {
      close(value, golden.holm.adjusted[index]);
    }
    expect(holmAdjusted([0.02, Number.NaN, 0.04])).toEqual([0.04, Number.NaN, 0.04]);
  });

  it('quartiles equal NumPy', () => {
    const { firstQuartile, median, thirdQuartile } = summarize(golden.quantiles.values);
    for (const [index, value] of [firstQuartile, median, thirdQuartile].entries()) {
      close(value, golden.quantiles.quartiles[index]);
    }
  });

  it('the bootstrap interval of a mean meets that of SciPy to within its sampling error', () => {
    const { values, interval } = golden.bootstrap;
    const found = bootstrapInterval(values, mean, seededRandom(7), 20_000);
    expect(Math.abs(found[0] - interval[0])).toBeLessThan(0.001);
    expect(Math.abs(found[1] - interval[1])).toBeLessThan(0.001);
    expect(bootstrapInterval(values, mean, seededRandom(7), 20_000)).toEqual(found);
  });

  it.each(golden.icc)('the intraclass correlation equals its analysis of variance', (row) => {
    close(intraclassCorrelation(row.table), row.icc);
  });

  it('limits of agreement are the bias and 1.96 standard deviations around it', () => {
    const limits = limitsOfAgreement([1, 2, 3, 4], [2, 3, 5, 4]);
    expect(limits.bias).toBe(1);
    close(limits.upper - limits.bias, 1.96 * limits.standardDeviation);
  });
});
