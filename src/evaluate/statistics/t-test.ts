import studentCdf from '@stdlib/stats-base-dists-t-cdf';
import studentQuantile from '@stdlib/stats-base-dists-t-quantile';
import { mean, variance } from './descriptive.js';

/** A difference of two means with its precision, from which t-tests and intervals follow. */
export interface MeanDifference {
  /** Mean of the first less mean of the second. */
  readonly difference: number;
  readonly standardError: number;
  readonly degreesOfFreedom: number;
}

export interface TTest extends MeanDifference {
  readonly t: number;
  /** Two-sided. */
  readonly p: number;
  /** Confidence interval of the difference, 95 %. */
  readonly confidenceInterval: readonly [number, number];
}

/**
 * Paired values, as two readings of the same exams.
 * @throws RangeError when the lists differ in length or hold fewer than two values.
 */
export function pairedDifference(a: readonly number[], b: readonly number[]): MeanDifference {
  if (a.length !== b.length) throw new RangeError(`${a.length} values paired with ${b.length}`);
  requireTwo(a.length);
  const differences = a.map((value, index) => value - b[index]);
  return {
    difference: mean(differences),
    standardError: Math.sqrt(variance(differences) / a.length),
    degreesOfFreedom: a.length - 1,
  };
}

/**
 * Values of two groups. With `equal` variances Student's pooled estimate; with `unequal` ones
 * Welch's, its degrees of freedom by Satterthwaite.
 * @throws RangeError when a group holds fewer than two values.
 */
export function unpairedDifference(
  a: readonly number[],
  b: readonly number[],
  variances: 'equal' | 'unequal',
): MeanDifference {
  requireTwo(a.length);
  requireTwo(b.length);
  const difference = mean(a) - mean(b);
  const [va, vb] = [variance(a) / a.length, variance(b) / b.length];
  const degreesOfFreedom = a.length + b.length - 2;
  if (variances === 'equal') {
    const pooled = ((a.length - 1) * variance(a) + (b.length - 1) * variance(b)) / degreesOfFreedom;
    const standardError = Math.sqrt(pooled * (1 / a.length + 1 / b.length));
    return { difference, standardError, degreesOfFreedom };
  }
  const welch = (va + vb) ** 2 / (va ** 2 / (a.length - 1) + vb ** 2 / (b.length - 1));
  return { difference, standardError: Math.sqrt(va + vb), degreesOfFreedom: welch };
}

/**
 * Two-sided t-test of no difference. Without any spread there is no test: p is NaN when the
 * difference is 0 too, and 0 otherwise.
 */
export function tTest(estimate: MeanDifference): TTest {
  const { difference, standardError, degreesOfFreedom } = estimate;
  const t = difference / standardError;
  const halfWidth =
    standardError === 0 ? 0 : studentQuantile(0.975, degreesOfFreedom) * standardError;
  return {
    ...estimate,
    t,
    p: 2 * lowerTail(-Math.abs(t), degreesOfFreedom),
    confidenceInterval: [difference - halfWidth, difference + halfWidth],
  };
}

/** P(T <= t) of Student's distribution, also where Welch has no degrees of freedom (no spread). */
export function lowerTail(t: number, degreesOfFreedom: number): number {
  if (t === -Infinity) return 0;
  if (t === Infinity) return 1;
  return studentCdf(t, degreesOfFreedom);
}

function requireTwo(count: number): void {
  if (count < 2) throw new RangeError(`${count} values: a t-test needs at least two`);
}
