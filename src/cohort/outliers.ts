import { quantileOfSorted } from '../evaluate/statistics/descriptive.js';

/** From this modified z-score on a value is an outlier (Iglewicz and Hoaglin 1993). */
const threshold = 3.5;
/** Fewer values tell nothing about what is usual. */
const fewest = 8;
/** A standard deviation of normally distributed values, in median absolute deviations. */
const deviationsPerSd = 1.4826;

/**
 * How far each value lies from the median of all, in robust standard deviations, where that is far:
 * else, and where there are too few values or most are equal, undefined.
 */
export function outlyingBy(values: readonly (number | undefined)[]): (number | undefined)[] {
  const known = values.filter((value) => value !== undefined);
  if (known.length < fewest) return values.map(() => undefined);
  const median = medianOf(known);
  const spread = deviationsPerSd * medianOf(known.map((value) => Math.abs(value - median)));
  return values.map((value) => {
    if (value === undefined || spread === 0) return undefined;
    const score = (value - median) / spread;
    return Math.abs(score) >= threshold ? score : undefined;
  });
}

const medianOf = (values: readonly number[]) =>
  quantileOfSorted(
    values.toSorted((a, b) => a - b),
    0.5,
  );
