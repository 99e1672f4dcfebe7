import normalCdf from '@stdlib/stats-base-dists-normal-cdf';

/** A rank test; `exact` tells whether p was counted out or taken from the normal distribution. */
export interface RankTest {
  /** Sum of the ranks of positive differences, or Mann and Whitney's U of the first group. */
  readonly statistic: number;
  /** Two-sided; NaN when there is nothing to rank. */
  readonly p: number;
  readonly exact: boolean;
}

/** Up to this many values p is exact, ties included. */
const largestExact = 50;

/**
 * Wilcoxon's signed-rank test of paired values. Pairs without a difference are left out (Wilcoxon
 * 1945). Ties share their mean rank, also in the exact distribution, which is counted over all signs
 * of the ranks at hand. Larger samples: normal approximation with correction for ties.
 * @throws RangeError when the lists differ in length.
 */
export function wilcoxonSignedRank(a: readonly number[], b: readonly number[]): RankTest {
  if (a.length !== b.length) throw new RangeError(`${a.length} values paired with ${b.length}`);
  const differences = a.map((value, index) => value - b[index]).filter((value) => value !== 0);
  const n = differences.length;
  if (n === 0) return { statistic: 0, p: Number.NaN, exact: true };
  const { ranks, tieTerm } = rank(differences.map(Math.abs));
  const statistic = sumWhere(ranks, (index) => differences[index] > 0);
  if (n <= largestExact) {
    // Twice the ranks are whole numbers. counts[s]: in how many sign patterns the sum is s / 2.
    const counts = new Float64Array(n * (n + 1) + 1);
    counts[0] = 1;
    for (const value of ranks) {
      for (let sum = counts.length - 1; sum >= 2 * value; sum--)
        counts[sum] += counts[sum - 2 * value];
    }
    return { statistic, p: twoSided(counts, 2 * statistic), exact: true };
  }
  const variance = (n * (n + 1) * (2 * n + 1)) / 24 - tieTerm / 48;
  const z = (statistic - (n * (n + 1)) / 4) / Math.sqrt(variance);
  return { statistic, p: 2 * normalCdf(-Math.abs(z), 0, 1), exact: false };
}

/**
 * The rank-sum test of Wilcoxon, Mann and Whitney for two groups; ties share their mean rank. Larger
 * samples: normal approximation with correction for ties and continuity.
 */
export function rankSum(a: readonly number[], b: readonly number[]): RankTest {
  const [na, nb] = [a.length, b.length];
  if (na === 0 || nb === 0) return { statistic: 0, p: Number.NaN, exact: true };
  const n = na + nb;
  const { ranks, tieTerm } = rank([...a, ...b]);
  const rankSumOfA = sumWhere(ranks, (index) => index < na);
  const statistic = rankSumOfA - (na * (na + 1)) / 2;
  if (n <= largestExact) {
    // counts[m][s]: in how many choices of m values the sum of their ranks is s / 2.
    const counts = Array.from({ length: na + 1 }, () => new Float64Array(n * (n + 1) + 1));
    counts[0][0] = 1;
    for (const value of ranks) {
      for (let chosen = na; chosen > 0; chosen--) {
        for (let sum = n * (n + 1); sum >= 2 * value; sum--) {
          counts[chosen][sum] += counts[chosen - 1][sum - 2 * value];
        }
      }
    }
    return { statistic, p: twoSided(counts[na], 2 * rankSumOfA), exact: true };
  }
  const variance = ((na * nb) / 12) * (n + 1 - tieTerm / (n * (n - 1)));
  const distance = Math.max(0, Math.abs(statistic - (na * nb) / 2) - 0.5);
  return { statistic, p: 2 * normalCdf(-distance / Math.sqrt(variance), 0, 1), exact: false };
}

/** Mean ranks from 1, and the sum over ties of t^3 - t. */
function rank(values: readonly number[]): { ranks: number[]; tieTerm: number } {
  const order = values.map((_, index) => index).sort((a, b) => values[a] - values[b]);
  const ranks = new Array<number>(values.length);
  let tieTerm = 0;
  for (let first = 0; first < order.length; ) {
    let end = first + 1;
    while (end < order.length && values[order[end]] === values[order[first]]) end++;
    for (let place = first; place < end; place++) ranks[order[place]] = (first + 1 + end) / 2;
    tieTerm += (end - first) ** 3 - (end - first);
    first = end;
  }
  return { ranks, tieTerm };
}

function sumWhere(ranks: readonly number[], chosen: (index: number) => boolean): number {
  return ranks.reduce((sum, value, index) => (chosen(index) ? sum + value : sum), 0);
}

/** Twice the smaller tail of a distribution given by counts, at most 1. */
function twoSided(counts: Float64Array, observed: number): number {
  let [lower, upper, all] = [0, 0, 0];
  for (let sum = 0; sum < counts.length; sum++) {
    all += counts[sum];
    if (sum <= observed) lower += counts[sum];
    if (sum >= observed) upper += counts[sum];
  }
  return Math.min(1, (2 * Math.min(lower, upper)) / all);
}
