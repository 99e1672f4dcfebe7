import type { Random } from '../volume/random.js';

/** How many quantiles stand for the normal distribution: few enough for the processor's first cache. */
const quantiles = 4096;

/**
 * Quantiles of the normal distribution at (n + 1/2) / 4096, from -3.67 to 3.67; their variance is
 * 0.9987. Every 12 random bits pick one.
 */
export const normalQuantiles = Float32Array.from({ length: quantiles }, (_, n) =>
  normalQuantile((n + 0.5) / quantiles),
);

/**
 * Replaces every value by the magnitude of the complex number that it and normal noise in both
 * parts make: the noise of magnitude images (Gudbjartsson and Patz 1995).
 */
export function addRicianNoiseInPlace(values: Float32Array, sd: number, random: Random): void {
  for (let at = 0; at < values.length; at++) {
    const bits = random.bits();
    const real = values[at] + sd * normalQuantiles[bits & 0xfff];
    const imaginary = sd * normalQuantiles[bits >>> 20];
    values[at] = Math.sqrt(real * real + imaginary * imaginary);
  }
}

/** Inverse of the normal distribution function (Acklam's rational approximation, error below 1.2e-9 relative). */
function normalQuantile(p: number): number {
  const a = [
    -3.969683028665376e1, 2.209460984245205e2, -2.759285104469687e2, 1.38357751867269e2,
    -3.066479806614716e1, 2.506628277459239,
  ];
  const b = [
    -5.447609879822406e1, 1.615858368580409e2, -1.556989798598866e2, 6.680131188771972e1,
    -1.328068155288572e1, 1,
  ];
  const c = [
    -7.784894002430293e-3, -3.223964580411365e-1, -2.400758277161838, -2.549732539343734,
    4.374664141464968, 2.938163982698783,
  ];
  const d = [7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416, 1];
  const polynomial = (coefficients: number[], x: number) =>
    coefficients.reduce((sum, coefficient) => sum * x + coefficient, 0);
  const tail = Math.min(p, 1 - p);
  if (tail > 0.02425) {
    const q = p - 0.5;
    return (polynomial(a, q * q) * q) / polynomial(b, q * q);
  }
  const q = Math.sqrt(-2 * Math.log(tail));
  return (polynomial(c, q) / polynomial(d, q)) * (p < 0.5 ? 1 : -1);
}
