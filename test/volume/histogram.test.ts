import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { histogram, percentile } from '../../src/volume/histogram.js';
import { golden } from './samples.js';

describe('percentile', () => {
  it('agrees with numpy.percentile, with ties, with and without a mask', () => {
    const { values, mask, ps, all, masked } = golden.percentiles;
    const data = Float32Array.from(values);
    ps.forEach((p: number, row: number) => {
      expect(percentile(data, p)).toBeCloseTo(all[row], 9);
      expect(percentile(data, p, Uint8Array.from(mask))).toBeCloseTo(masked[row], 9);
    });
  });

  it('is what sorting and R-7 interpolation give, and leaves the data as they were', () => {
    const values = fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 100, noNaN: true }), (list, p) => {
        const data = Int16Array.from(list);
        const sorted = list.toSorted((a, b) => a - b);
        const rank = (p / 100) * (list.length - 1);
        const low = sorted[Math.floor(rank)];
        const high = sorted[Math.ceil(rank)];
        expect(percentile(data, p)).toBeCloseTo(low + (rank % 1) * (high - low), 9);
        expect([...data]).toEqual(list);
      }),
    );
  });

  it('takes a moment for a million equal values', () => {
    const start = performance.now();
    expect(percentile(new Float32Array(1_000_000), 50)).toBe(0);
    expect(performance.now() - start).toBeLessThan(5000);
  });

  it('refuses no values, values that are no numbers, and percentiles out of range', () => {
    expect(() => percentile(Float32Array.of(), 50)).toThrow(RangeError);
    expect(() => percentile(Float32Array.of(1), 50, Uint8Array.of(0))).toThrow(RangeError);
    expect(() => percentile(Float32Array.of(1), 50, Uint8Array.of(1, 1))).toThrow(RangeError);
    expect(() => percentile(Float32Array.of(Number.NaN), 50)).toThrow(RangeError);
    expect(() => percentile(Float32Array.of(1), 101)).toThrow(RangeError);
    expect(() => percentile(Float32Array.of(1), Number.NaN)).toThrow(RangeError);
  });
});

describe('histogram', () => {
  it('counts lower bounds in, the last upper bound too, and leaves out what lies beyond', () => {
    const data = Float32Array.of(-1, 0, 0.99, 1, 1.5, 2, 2.1, Number.NaN);
    const { counts, low, binWidth } = histogram(data, { bins: 2, low: 0, high: 2 });
    expect([...counts]).toEqual([2, 3]);
    expect([low, binWidth]).toEqual([0, 1]);
  });

  it('counts only what the mask selects', () => {
    const { counts } = histogram(
      Uint8Array.of(0, 1, 1),
      { bins: 2, low: 0, high: 2 },
      Uint8Array.of(1, 1, 0),
    );
    expect([...counts]).toEqual([1, 1]);
  });

  it('refuses an empty range, no bins and a mask of another length', () => {
    const data = Uint8Array.of(1);
    expect(() => histogram(data, { bins: 2, low: 1, high: 1 })).toThrow(RangeError);
    expect(() => histogram(data, { bins: 0, low: 0, high: 1 })).toThrow(RangeError);
    expect(() => histogram(data, { bins: 1, low: 0, high: 1 }, Uint8Array.of())).toThrow(
      RangeError,
    );
  });
});
