import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clamp, outlierBounds } from '../../src/volume/outliers.js';
import { seededRandom } from '../../src/volume/random.js';

const random = seededRandom(1);
const values = Float32Array.from({ length: 3000 }, () => 300 + 40 * random.normal());
const all = new Uint8Array(values.length).fill(1);
const { low, high } = outlierBounds(values, all);

describe('outlierBounds', () => {
  it('lie 15 standard deviations from the median of a normal variable', () => {
    expect((high - 300) / (15 * 40)).toBeCloseTo(1, 1);
    expect((300 - low) / (15 * 40)).toBeCloseTo(1, 1);
  });

  it('move with what is added to the values, and scale with them', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e4, max: 1e4, noNaN: true }),
        fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
        (shift, scale) => {
          const bounds = outlierBounds(
            values.map((value) => scale * value + shift),
            all,
          );
          const precision = 1e-3 * (Math.abs(shift) + scale);
          expect(Math.abs(bounds.low - (scale * low + shift))).toBeLessThan(precision);
          expect(Math.abs(bounds.high - (scale * high + shift))).toBeLessThan(precision);
        },
      ),
    );
  });

  it.each([1e6, -1e6, 1e30])('are hardly moved by one voxel of %s', (value) => {
    const spoilt = values.slice();
    spoilt[17] = value;
    const bounds = outlierBounds(spoilt, all);
    expect(bounds.low).toBeCloseTo(low, -1);
    expect(bounds.high).toBeCloseTo(high, -1);
    expect(clamp(value, bounds)).toBe(value > 0 ? bounds.high : bounds.low);
  });

  it('look at the mask alone, and beyond the median deviation where it is 0', () => {
    const mask = all.map((_, at) => (at < 1000 ? 1 : 0));
    const mostlyOne = values.map((value, at) => (at % 3 ? 300 : value));
    const bounds = outlierBounds(mostlyOne, mask);
    expect(bounds.high - bounds.low).toBeGreaterThan(300);
    expect(outlierBounds(mostlyOne.fill(7, 0, 995), mask)).toEqual({ low: 7, high: 7 });
  });
});
