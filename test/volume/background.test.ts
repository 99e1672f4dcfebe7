import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aboveBackground, backgroundOf, intensityScale } from '../../src/volume/background.js';
import { seededRandom } from '../../src/volume/random.js';
import { onGrid, type Size, type Volume } from '../../src/volume/volume.js';

const size: Size = [12, 14, 10];
const grid = { size, affine: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] as const };
const isBorder = (at: number) => {
  const index = [at % 12, Math.floor(at / 12) % 14, Math.floor(at / 168)];
  return index.some((n, axis) => n === 0 || n === size[axis] - 1);
};
/** Whole numbers, which single precision adds to exactly. */
function image(border: (noise: number) => number): Volume<Float32Array> {
  const random = seededRandom(3);
  return onGrid(
    grid,
    Float32Array.from({ length: 12 * 14 * 10 }, (_, at) => {
      const inside = Math.round(400 + 60 * random.normal());
      return isBorder(at) ? border(Math.abs(Math.round(5 * random.normal()))) : inside;
    }),
  );
}
const cut = image(() => 0);
const withAir = image((noise) => noise);
const changed = (volume: Volume, change: (value: number, at: number) => number) =>
  onGrid(volume, Float32Array.from(volume.data, change));

describe('backgroundOf', () => {
  it('is the value that fills most of the border, whatever lies inside', () => {
    expect(backgroundOf(cut)).toBe(0);
    expect(backgroundOf(changed(cut, (value) => value - 1024))).toBe(-1024);
    const holes = changed(cut, (value, at) => (isBorder(at) && at % 3 === 0 ? 77 : value));
    expect(backgroundOf(holes)).toBe(0);
  });

  it('is the darkest usual value where none fills the border', () => {
    expect(backgroundOf(withAir)).toBe(0);
    expect(backgroundOf(changed(withAir, (value) => value + 1000))).toBe(1000);
    const spoilt = changed(withAir, (value, at) => (at === 5 ? -1e6 : value));
    expect(backgroundOf(spoilt)).toBe(0);
  });

  it('is the value of an image that has only one', () => {
    expect(backgroundOf(changed(cut, () => 7))).toBe(7);
  });
});

describe('aboveBackground', () => {
  it.each([
    ['brain-extracted', cut],
    ['with air', withAir],
  ])('leaves an image as the scanner makes it (%s), the same object', (_, volume) => {
    expect(aboveBackground(volume)).toBe(volume);
  });

  it('takes away any shift, and keeps any scale', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(cut, withAir),
        fc.integer({ min: -1e6, max: 1e6 }),
        fc.integer({ min: -10, max: 10 }),
        (volume, shift, power) => {
          const other = changed(volume, (value) => 2 ** power * value + 2 ** power * shift);
          expect(aboveBackground(other).data).toEqual(
            changed(volume, (value) => 2 ** power * value).data,
          );
        },
      ),
    );
  });

  it('does not find more to take away', () => {
    const once = aboveBackground(changed(withAir, (value) => 0.1 * value - 3));
    expect(aboveBackground(once)).toBe(once);
  });

  it('lays intensities that were normalised around the background above it', () => {
    const normalised = changed(cut, (value) => (value === 0 ? 0 : (value - 400) / 60));
    const { data } = aboveBackground(normalised);
    expect(data.every((value, at) => !isBorder(at) || value === 0)).toBe(true);
    const below = data.filter((value) => value < 0).length;
    expect(below / data.length).toBeLessThan(0.03);
    expect(intensityScale(normalised).background).toBe(0);
  });

  it.each([1e6, -1e6, 1e30, Number.POSITIVE_INFINITY])(
    'sets one voxel of %s to a bound',
    (value) => {
      const place = 6 + 12 * (7 + 14 * 5);
      const spoilt = changed(cut, (own, at) => (at === place ? value : own));
      const { data } = aboveBackground(spoilt);
      expect(Math.abs(data[place])).toBeLessThan(6000);
      data[place] = cut.data[place];
      expect(data).toEqual(cut.data);
    },
  );
});
