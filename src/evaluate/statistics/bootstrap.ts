import type { Random } from '../../volume/random.js';
import { quantileOfSorted } from './descriptive.js';

/**
 * 95 % confidence interval of a statistic of a sample: the 2.5th and 97.5th percentile of the
 * statistic over samples of the same size drawn from it with replacement (Efron 1979). The same
 * generator gives the same interval. NaN for an empty sample.
 */
export function bootstrapInterval(
  values: readonly number[],
  statistic: (sample: Float64Array) => number,
  random: Random,
  resamples = 5000,
): [number, number] {
  if (values.length === 0) return [Number.NaN, Number.NaN];
  const sample = new Float64Array(values.length);
  const results = new Float64Array(resamples);
  for (let resample = 0; resample < resamples; resample++) {
    for (let index = 0; index < sample.length; index++) {
      sample[index] = values[random.integer(values.length)];
    }
    results[resample] = statistic(sample);
  }
  results.sort();
  return [quantileOfSorted(results, 0.025), quantileOfSorted(results, 0.975)];
}
