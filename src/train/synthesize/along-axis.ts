import { type Size, strides } from '../../volume/volume.js';

/** One output sample of a linear map along an axis: weights of consecutive input samples. */
export interface Row {
  readonly first: number;
  readonly weights: Float32Array;
}

/** Applies a linear map, one row an output sample, to every line of an image along an axis. */
export function alongAxis(
  data: Float32Array,
  size: Size,
  axis: number,
  rows: readonly Row[],
): { data: Float32Array; size: Size } {
  const stride = strides(size)[axis];
  const blocks = data.length / (stride * size[axis]);
  const result = new Float32Array(blocks * rows.length * stride);
  for (let block = 0; block < blocks; block++) {
    for (let n = 0; n < rows.length; n++) {
      const { first, weights } = rows[n];
      const to = (block * rows.length + n) * stride;
      for (let t = 0; t < weights.length; t++) {
        const weight = weights[t];
        const from = (block * size[axis] + first + t) * stride;
        for (let s = 0; s < stride; s++) result[to + s] += weight * data[from + s];
      }
    }
  }
  return {
    data: result,
    size: size.map((n, a) => (a === axis ? rows.length : n)) as unknown as Size,
  };
}

/**
 * Rows that average with a Gaussian profile of a full width at half maximum about each centre.
 * Samples lie at 0, 1, 2...; weights are normalised over the samples that exist, and a centre
 * beyond them takes the nearest sample.
 */
export function profileRows(centres: Iterable<number>, width: number, samples: number): Row[] {
  const sigma = Math.max(width / 2.3548, 0.2);
  const reach = 2.5 * sigma;
  return Array.from(centres, (centre) => {
    const inside = Math.max(0, Math.min(samples - 1, Math.round(centre)));
    const first = Math.min(inside, Math.max(0, Math.ceil(centre - reach)));
    const last = Math.max(inside, Math.min(samples - 1, Math.floor(centre + reach)));
    const weights = Float32Array.from({ length: last - first + 1 }, (_, t) =>
      Math.exp(-0.5 * ((first + t - centre) / sigma) ** 2),
    );
    const sum = weights.reduce((a, b) => a + b, 0);
    // Far outside all weights vanish: the nearest sample stands for what was not simulated.
    return sum > 1e-12
      ? { first, weights: weights.map((weight) => weight / sum) }
      : { first: inside, weights: Float32Array.of(1) };
  });
}
