/** Arithmetic mean; NaN of nothing. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += values[index];
  return sum / values.length;
}

/** Sample variance (n - 1 in the denominator); NaN of fewer than two values. */
export function variance(values: ArrayLike<number>): number {
  if (values.length < 2) return Number.NaN;
  const centre = mean(values);
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += (values[index] - centre) ** 2;
  return sum / (values.length - 1);
}

/** Sample standard deviation (n - 1 in the denominator); NaN of fewer than two values. */
export function standardDeviation(values: ArrayLike<number>): number {
  return Math.sqrt(variance(values));
}

/**
 * Quantile of sorted values, `p` from 0 to 1, interpolating linearly at p (n - 1): type 7 of Hyndman
 * and Fan 1996, what NumPy and R do by default. NaN of nothing.
 */
export function quantileOfSorted(sorted: ArrayLike<number>, p: number): number {
  if (sorted.length === 0) return Number.NaN;
  const position = p * (sorted.length - 1);
  const below = Math.floor(position);
  const lower = sorted[below];
  if (below + 1 >= sorted.length) return lower;
  return lower + (sorted[below + 1] - lower) * (position - below);
}

/** What a table says about a list of values; `n` is their number. All NaN for an empty list. */
export interface Summary {
  readonly n: number;
  readonly mean: number;
  readonly standardDeviation: number;
  readonly median: number;
  readonly firstQuartile: number;
  readonly thirdQuartile: number;
}

export function summarize(values: readonly number[]): Summary {
  const sorted = Float64Array.from(values).sort();
  return {
    n: values.length,
    mean: mean(values),
    standardDeviation: standardDeviation(values),
    median: quantileOfSorted(sorted, 0.5),
    firstQuartile: quantileOfSorted(sorted, 0.25),
    thirdQuartile: quantileOfSorted(sorted, 0.75),
  };
}
