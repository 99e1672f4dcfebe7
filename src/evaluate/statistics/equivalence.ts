import { lowerTail, type MeanDifference } from './t-test.js';

/** Two one-sided tests of whether two means are the same to within a margin. */
export interface EquivalenceTest extends MeanDifference {
  /** Differences up to this are of no importance; stated before the data are seen. */
  readonly margin: number;
  /** Probability of data this close if the true difference were at the margin: small = equivalent. */
  readonly p: number;
}

/**
 * Schuirmann 1987, doi 10.1007/BF01068419: the means are equivalent at level p when both the
 * hypothesis that they differ by more than `margin` downwards and the one that they do upwards are
 * rejected; p is the larger of the two. Not finding a difference by a t-test shows nothing of the
 * kind.
 * @throws RangeError when the margin is not positive.
 */
export function equivalenceTest(estimate: MeanDifference, margin: number): EquivalenceTest {
  if (!(margin > 0)) throw new RangeError(`margin ${margin}: it must be above 0`);
  const { difference, standardError, degreesOfFreedom } = estimate;
  const above = lowerTail(-(difference + margin) / standardError, degreesOfFreedom);
  const below = lowerTail((difference - margin) / standardError, degreesOfFreedom);
  return { ...estimate, margin, p: Math.max(above, below) };
}
