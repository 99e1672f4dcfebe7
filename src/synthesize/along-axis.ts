import { mapAxes } from '../volume/affine.js';
import { type Size, strides } from '../volume/volume.js';

/** Full width at half maximum of a Gaussian of standard deviation 1. */
export const widthOfSigma = 2.3548;

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
  if (axis === 0) return alongRows(data, size, rows);
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
    size: mapAxes(size, (n, a) => (a === axis ? rows.length : n)),
  };
}

/** {@link alongAxis} for the first axis, where the samples of a line lie side by side. */
function alongRows(data: Float32Array, size: Size, rows: readonly Row[]) {
  const lines = data.length / size[0];
  const result = new Float32Array(lines * rows.length);
  for (let line = 0, to = 0; line < lines; line++) {
    for (let n = 0; n < rows.length; n++, to++) {
      const { first, weights } = rows[n];
      const from = line * size[0] + first;
      let sum = 0;
      for (let t = 0; t < weights.length; t++) sum += weights[t] * data[from + t];
      result[to] = sum;
    }
  }
  return { data: result, size: [rows.length, size[1], size[2]] as Size };
}

/** The map that applies `first`, then `second`. */
export function composed(second: readonly Row[], first: readonly Row[]): Row[] {
  return second.map(({ first: start, weights }) => {
    const used = first.slice(start, start + weights.length);
    const low = Math.min(...used.map((row) => row.first));
    const high = Math.max(...used.map((row) => row.first + row.weights.length));
    const sum = new Float32Array(high - low);
    used.forEach((row, n) => {
      for (let t = 0; t < row.weights.length; t++) {
        sum[row.first - low + t] += weights[n] * row.weights[t];
      }
    });
    return { first: low, weights: sum };
  });
}

/** Rows that interpolate linearly at places counted in samples; beyond the ends the last sample holds. */
export function interpolationRows(places: Iterable<number>, samples: number): Row[] {
  return Array.from(places, (place) => {
    const held = Math.max(0, Math.min(samples - 1, place));
    const first = Math.min(Math.floor(held), Math.max(0, samples - 2));
    const t = held - first;
    return { first, weights: samples === 1 ? Float32Array.of(1) : Float32Array.of(1 - t, t) };
  });
}

/**
 * Rows that average with a Gaussian profile of a full width at half maximum about each centre.
 * Samples lie at 0, 1, 2...; weights are normalised over the samples that exist, and a centre
 * beyond them takes the nearest sample.
 */
export function profileRows(centres: Iterable<number>, width: number, samples: number): Row[] {
  const sigma = Math.max(width / widthOfSigma, 0.2);
  const reach = 3 * sigma;
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

/** An image blurred by a Gaussian in all directions; at the borders it averages over what is there. */
export function blurred(data: Float32Array, size: Size, sigmaVoxels: number): Float32Array {
  for (let axis = 0; axis < 3; axis++) {
    const rows = profileRows(
      new Uint16Array(size[axis]).keys(),
      widthOfSigma * sigmaVoxels,
      size[axis],
    );
    data = alongAxis(data, size, axis, rows).data;
  }
  return data;
}
