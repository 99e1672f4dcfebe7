import { expect, it } from 'vitest';
import { seenFrom } from '../../src/quantify/pair-sensitivity.js';

const of = (...found: number[]) =>
  found.map((count, at) => ({ volumeMm3: 10 * 2 ** at, painted: 4, found: count }));

it.each([
  ['the first where so many are found', of(3, 4, 4), 10],
  ['a volume itself', of(0, 3, 4), 20],
  ['between two, evenly in the logarithm', of(1, 2, 4), 20 * 2 ** 0.5],
  ['what falls is put together', of(0, 4, 2, 4), 20],
  ['fewer of a larger volume count', of(0, 3, 1, 4), 40 * 2 ** 0.5],
  ['none', of(0, 1, 2), null],
  ['nothing painted', [], null],
])('volume from which on lesions are seen: %s', (_what, byVolume, expected) => {
  const volume = seenFrom(byVolume);
  if (expected === null) expect(volume).toBeNull();
  else expect(volume).toBeCloseTo(expected, 9);
});
