import { describe, expect, it } from 'vitest';
import {
  alongAxis,
  blurred,
  composed,
  interpolationRows,
  profileRows,
} from '../../src/synthesize/along-axis.js';
import { addRicianNoiseInPlace, normalQuantiles } from '../../src/synthesize/noise.js';
import { renderField } from '../../src/synthesize/smooth-field.js';
import { seededRandom } from '../../src/volume/random.js';
import type { Size } from '../../src/volume/volume.js';

describe('a smooth field', () => {
  const field = { seed: 12345, spacingMm: 5 };

  it('has the same values at the same places of two boxes', () => {
    const large = renderField(field, {
      size: [20, 18, 16],
      originMm: [-30, 4, 7],
      spacingMm: [1, 1, 1],
    });
    const small = renderField(field, {
      size: [4, 5, 6],
      originMm: [-24, 8, 9],
      spacingMm: [2, 1, 1],
    });
    for (let k = 0; k < 6; k++) {
      for (let j = 0; j < 5; j++) {
        for (let i = 0; i < 4; i++) {
          const inLarge = large[6 + 2 * i + 20 * (4 + j + 18 * (2 + k))];
          expect(small[i + 4 * (j + 5 * k)]).toBeCloseTo(inLarge, 5);
        }
      }
    }
  });

  it('has mean 0 and standard deviation 1, and another seed another field', () => {
    const box = {
      size: [60, 60, 60] as Size,
      originMm: [0, 0, 0],
      spacingMm: [2.3, 2.3, 2.3],
    } as const;
    const values = renderField(field, box);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.sqrt(variance)).toBeCloseTo(1, 1);
    const other = renderField({ ...field, seed: 12346 }, box);
    const product = values.reduce((sum, value, at) => sum + value * other[at], 0) / values.length;
    expect(Math.abs(product)).toBeLessThan(0.05);
  });

  it('runs backwards where the box does', () => {
    const forth = renderField(field, {
      size: [9, 1, 1],
      originMm: [3, 0, 0],
      spacingMm: [1, 1, 1],
    });
    const back = renderField(field, {
      size: [9, 1, 1],
      originMm: [11, 0, 0],
      spacingMm: [-1, 1, 1],
    });
    expect(back.reverse()).toEqual(forth);
  });
});

describe('noise', () => {
  it('has quantiles of mean 0 and variance 1', () => {
    const mean = normalQuantiles.reduce((sum, q) => sum + q, 0) / normalQuantiles.length;
    const variance = normalQuantiles.reduce((sum, q) => sum + q * q, 0) / normalQuantiles.length;
    expect(mean).toBeCloseTo(0, 6);
    expect(variance).toBeCloseTo(1, 2);
    // Known quantiles: 0.975 is 1.95996.
    expect(normalQuantiles[Math.round(0.975 * normalQuantiles.length - 0.5)]).toBeCloseTo(1.96, 2);
  });

  it('is Rayleigh-distributed where there is no signal and nearly normal where there is much', () => {
    const air = new Float32Array(200_000);
    addRicianNoiseInPlace(air, 2, seededRandom(1));
    // Mean of the Rayleigh distribution: sd * sqrt(pi / 2).
    expect(air.reduce((a, b) => a + b, 0) / air.length).toBeCloseTo(2 * Math.sqrt(Math.PI / 2), 1);
    const bright = new Float32Array(200_000).fill(100);
    addRicianNoiseInPlace(bright, 2, seededRandom(2));
    const mean = bright.reduce((a, b) => a + b, 0) / bright.length;
    const sd = Math.sqrt(bright.reduce((sum, v) => sum + (v - mean) ** 2, 0) / bright.length);
    // Koay and Basser 2006: the mean is about signal + sd^2 / (2 signal).
    expect(mean).toBeCloseTo(100.02, 1);
    expect(sd).toBeCloseTo(2, 1);
  });
});

describe('linear maps along an axis', () => {
  const size: Size = [5, 6, 7];
  const image = Float32Array.from({ length: 210 }, (_, n) => Math.sin(n * 1.7) + n / 100);

  it('give the same result along every axis of a transposed image', () => {
    const rows = profileRows([0, 1.5, 3], 1.7, 5);
    const along = alongAxis(image, size, 0, rows).data;
    // Axis 0 moved to the end: (j, k, i).
    const turned = new Float32Array(210);
    for (let i = 0; i < 5; i++) {
      for (let jk = 0; jk < 42; jk++) turned[jk + 42 * i] = image[i + 5 * jk];
    }
    const alongTurned = alongAxis(turned, [6, 7, 5], 2, rows).data;
    for (let n = 0; n < 3; n++) {
      for (let jk = 0; jk < 42; jk++) {
        expect(alongTurned[jk + 42 * n]).toBeCloseTo(along[n + 3 * jk], 5);
      }
    }
  });

  it('keep a constant image constant, also beyond its ends', () => {
    for (const rows of [
      profileRows([-4, 0.2, 3, 9], 3, 6),
      interpolationRows([-1, 0.5, 7], 6),
      composed(interpolationRows([-1, 0.5, 2.7], 3), profileRows([-2, 1, 5], 4, 6)),
    ]) {
      for (const { weights } of rows) expect(weights.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
    }
  });

  it('compose to the map that applies one after the other', () => {
    const first = profileRows([-1, 1, 3, 5], 2.4, 6);
    const second = interpolationRows([0, 0.3, 1.5, 2.9], 4);
    const once = alongAxis(image, size, 1, composed(second, first)).data;
    const middle = alongAxis(image, size, 1, first);
    const twice = alongAxis(middle.data, middle.size, 1, second).data;
    for (let at = 0; at < once.length; at++) expect(once[at]).toBeCloseTo(twice[at], 5);
  });

  it('average a step over the slice profile', () => {
    // A Gaussian profile of 4 samples' width centred on the step sees half of it.
    const step = Float32Array.from({ length: 40 }, (_, n) => (n >= 20 ? 1 : 0));
    const [below, at, above] = alongAxis(
      step,
      [40, 1, 1],
      0,
      profileRows([10, 19.5, 30], 4, 40),
    ).data;
    expect(below).toBe(0);
    expect(at).toBeCloseTo(0.5, 5);
    expect(above).toBeCloseTo(1, 5);
  });

  it('blur a point into a Gaussian', () => {
    const point = new Float32Array(21 ** 3);
    point[10 + 21 * (10 + 21 * 10)] = 1;
    const result = blurred(point, [21, 21, 21], 1.5);
    const peak = (2 * Math.PI * 1.5 ** 2) ** -1.5;
    expect(result[10 + 21 * (10 + 21 * 10)]).toBeCloseTo(peak, 3);
    expect(result[12 + 21 * (10 + 21 * 10)] / result[10 + 21 * (10 + 21 * 10)]).toBeCloseTo(
      Math.exp(-(2 ** 2) / (2 * 1.5 ** 2)),
      3,
    );
  });
});
