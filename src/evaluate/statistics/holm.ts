/**
 * Holm's step-down adjustment (1979) of p-values of one family: an adjusted p below a level may be
 * called significant at it, whatever the others are. NaN (no test) stays NaN and is not counted.
 */
export function holmAdjusted(pValues: readonly number[]): number[] {
  const adjusted = new Array<number>(pValues.length).fill(Number.NaN);
  const order = pValues
    .map((_, index) => index)
    .filter((index) => !Number.isNaN(pValues[index]))
    .sort((a, b) => pValues[a] - pValues[b]);
  let largest = 0;
  for (const [place, index] of order.entries()) {
    largest = Math.max(largest, Math.min(1, (order.length - place) * pValues[index]));
    adjusted[index] = largest;
  }
  return adjusted;
}
