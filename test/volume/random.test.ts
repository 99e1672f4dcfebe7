import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/volume/random.js';
import { golden } from './samples.js';

describe('seededRandom', () => {
  it('is xoshiro128** seeded by SplitMix32, bit for bit', () => {
    for (const { seed, bits } of golden.random) {
      const random = seededRandom(seed);
      expect(bits.map(() => random.bits())).toEqual(bits);
    }
  });

  it('is uniform in [0, 1)', () => {
    const random = seededRandom(7);
    const tenths = new Int32Array(10);
    for (let draw = 0; draw < 100_000; draw++) tenths[Math.floor(10 * random.uniform())]++;
    // Standard deviation of each count: 95.
    for (const count of tenths) expect(Math.abs(count - 10_000)).toBeLessThan(475);
  });

  it('draws whole numbers below the limit, equally often', () => {
    const random = seededRandom(7);
    const counts = new Int32Array(6);
    for (let draw = 0; draw < 60_000; draw++) counts[random.integer(6)]++;
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(475);
    expect(random.integer(1)).toBe(0);
    expect(random.integer(2 ** 32)).toBeGreaterThanOrEqual(0);
  });

  it('draws normal numbers: mean 0, variance 1, kurtosis 3', () => {
    const random = seededRandom(7);
    const draws = Array.from({ length: 100_000 }, () => random.normal());
    const moment = (power: number) => draws.reduce((sum, x) => sum + x ** power, 0) / draws.length;
    expect(Math.abs(moment(1))).toBeLessThan(0.015);
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.02);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.15);
  });

  it.each([-1, 0.5, 2 ** 32, Number.NaN])('refuses the seed %d', (seed) => {
    expect(() => seededRandom(seed)).toThrow(RangeError);
  });

  it.each([0, -1, 1.5, 2 ** 32 + 1])('refuses the limit %d', (limit) => {
    expect(() => seededRandom(1).integer(limit)).toThrow(RangeError);
  });
});
