import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DawsonError } from '../../src/errors.js';
import { applyToPoint, type Mat4 } from '../../src/volume/affine.js';
import { orientationOf, reorient } from '../../src/volume/reorient.js';
import { sameGrid } from '../../src/volume/volume.js';
import { floats, orientations, scaling, volumes } from './samples.js';

const turnedBy = (degrees: number): Mat4 => {
  const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  return [c, -s, 0, 0, s, c, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
};

describe('orientationOf', () => {
  it.each<[string, Mat4, string]>([
    ['the identity', scaling(), 'RAS'],
    ['negative x and y', [-1, 0, 0, 9, 0, -1, 0, 9, 0, 0, 1, 0, 0, 0, 0, 1], 'LPS'],
    ['a sagittal scan', [0, 0, 3, 0, -1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 1], 'PIR'],
    ['a coronal scan', [-1, 0, 0, 0, 0, 0, 2, 0, 0, -1, 0, 0, 0, 0, 0, 1], 'LIA'],
    ['an oblique scan, 40 degrees', turnedBy(40), 'RAS'],
    ['an oblique scan, 50 degrees', turnedBy(50), 'ALS'],
    ['a tie at 45 degrees, axes kept in order', turnedBy(45), 'RAS'],
    [
      'thick slices, which do not count for more',
      turnedBy(30).map((v, at) => (at % 4 === 1 ? 9 * v : v)) as unknown as Mat4,
      'RAS',
    ],
  ])('reads %s', (_, affine, expected) => {
    expect(orientationOf(affine)).toBe(expected);
  });

  it('refuses a singular affine', () => {
    expect(() => orientationOf(scaling([1, 0, 1]))).toThrow(RangeError);
    expect(() => orientationOf(scaling([1, Number.NaN, 1]))).toThrow(RangeError);
  });
});

describe('reorient', () => {
  it('knows all 48 orientations', () => {
    expect(new Set(orientations).size).toBe(48);
    const volume = floats(
      [2, 3, 4],
      Array.from({ length: 24 }, (_, at) => at),
    );
    for (const orientation of orientations) {
      expect(orientationOf(reorient(volume, orientation).affine)).toBe(orientation);
    }
  });

  it('leaves every value at its place in the world', () => {
    fc.assert(
      fc.property(volumes, fc.constantFrom(...orientations), (volume, orientation) => {
        const turned = reorient(volume, orientation);
        const places = (v: typeof volume) => {
          const found: string[] = [];
          let at = 0;
          for (let k = 0; k < v.size[2]; k++)
            for (let j = 0; j < v.size[1]; j++)
              for (let i = 0; i < v.size[0]; i++) {
                const place = applyToPoint(v.affine, [i, j, k]);
                found.push(`${place.map((mm) => Math.round(mm * 100) / 100 + 0)} ${v.data[at++]}`);
              }
          return found.sort();
        };
        expect(places(turned)).toEqual(places(volume));
      }),
      { numRuns: 60 },
    );
  });

  it('there and back is the identity', () => {
    fc.assert(
      fc.property(volumes, fc.constantFrom(...orientations), (volume, orientation) => {
        const back = reorient(reorient(volume, orientation), orientationOf(volume.affine));
        expect(back.data).toEqual(volume.data);
        expect(sameGrid(back, volume, 1e-9)).toBe(true);
      }),
    );
  });

  it('returns the image itself when nothing has to be done', () => {
    const volume = floats([2, 1, 1], [1, 2]);
    expect(reorient(volume)).toBe(volume);
  });

  it.each(['', 'RA', 'RAR', 'ras', 'RASI', 'XYZ'])('refuses %j as an orientation', (text) => {
    expect(() => reorient(floats([1, 1, 1], [0]), text)).toThrow(DawsonError);
  });
});
