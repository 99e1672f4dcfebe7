import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { invert, type Mat4, multiply } from '../../src/volume/affine.js';
import { reorient } from '../../src/volume/reorient.js';
import { type Interpolation, resample } from '../../src/volume/resample.js';
import type { Size } from '../../src/volume/volume.js';
import {
  affines,
  floats,
  golden,
  largestDifference,
  orientations,
  scaling,
  volumes,
} from './samples.js';

const all: Interpolation[] = ['nearest', 'linear', 'cubic'];

describe.each(all)('resample, %s', (interpolation) => {
  it('to the same grid is the identity, to the bit', () => {
    fc.assert(
      fc.property(volumes, (volume) => {
        expect(resample(volume, volume, { interpolation }).data).toEqual(volume.data);
      }),
    );
  });

  it('to the permuted and flipped grid is reorienting, to the bit', () => {
    fc.assert(
      fc.property(volumes, fc.constantFrom(...orientations), (volume, orientation) => {
        const turned = reorient(volume, orientation);
        expect(resample(volume, turned, { interpolation }).data).toEqual(turned.data);
      }),
    );
  });

  it('does not change when image, grid and transform are moved together', () => {
    fc.assert(
      fc.property(volumes, affines, (volume, move) => {
        // The grid is moved one way and toMoving undoes it: the same pull.
        const grid = { size: volume.size, affine: multiply(move, volume.affine) };
        const pulled = resample(volume, grid, { toMoving: invert(move), interpolation });
        expect(largestDifference(pulled.data, volume.data)).toBeLessThan(1e-3);
      }),
    );
  });

  it('agrees with scipy.ndimage.map_coordinates', () => {
    const { movingSize, moving, size, matrix: m, offset: t, ...expected } = golden.resampling;
    const affine = [
      m[0],
      m[1],
      m[2],
      t[0],
      m[3],
      m[4],
      m[5],
      t[1],
      m[6],
      m[7],
      m[8],
      t[2],
      0,
      0,
      0,
      1,
    ];
    const pulled = resample(
      floats(movingSize, moving),
      { size, affine: affine as unknown as Mat4 },
      { interpolation, outside: -1 },
    );
    expect(largestDifference(pulled.data, expected[interpolation])).toBeLessThan(2e-4);
  });

  it('gives `outside` beyond the outer faces of the voxels, and values up to them', () => {
    const image = floats([2, 1, 1], [5, 7]);
    const at = (x: number): Mat4 => [1, 0, 0, x, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
    const value = (x: number) =>
      resample(image, { size: [1, 1, 1], affine: at(x) }, { interpolation, outside: 9 }).data[0];
    expect([value(-0.51), value(1.51), value(-7), value(8)]).toEqual([9, 9, 9, 9]);
    expect([value(-0.5), value(1.5)].every((v) => v < 9)).toBe(true);
    expect(value(1)).toBe(7);
  });

  it('gives `outside` everywhere for a grid that misses the image', () => {
    const grid = { size: [3, 3, 3] as Size, affine: scaling([-1, 1, 1]).with(3, -50) as never };
    const pulled = resample(floats([4, 4, 4], new Array(64).fill(3)), grid, { interpolation });
    expect(new Set(pulled.data)).toEqual(new Set([0]));
  });
});

describe('resample', () => {
  it('keeps the data type for nearest, and gives single precision otherwise', () => {
    const labels = { size: [2, 2, 1] as Size, affine: scaling(), data: Int16Array.of(1, -2, 3, 4) };
    expect(resample(labels, labels, { interpolation: 'nearest' }).data).toEqual(labels.data);
    expect(resample(labels, labels).data).toBeInstanceOf(Float32Array);
    expect(resample(labels, labels, { interpolation: 'cubic' }).data).toBeInstanceOf(Float32Array);
  });

  it('linear reproduces a linear function of the place, cubic one of second order, inside', () => {
    const value = (x: number, y: number, z: number) => 3 * x - 2 * y + 0.5 * z;
    const size: Size = [21, 21, 21];
    const make = (f: typeof value) =>
      floats(
        size,
        Array.from({ length: 9261 }, (_, at) => f(at % 21, ((at / 21) | 0) % 21, (at / 441) | 0)),
      );
    const grid = {
      size: [3, 3, 3] as Size,
      affine: scaling([0.7, 0.6, 0.9]).map((v, at) =>
        at % 4 === 3 && at < 12 ? 9.3 : v,
      ) as unknown as Mat4,
    };
    const exact = (f: typeof value) =>
      Array.from({ length: 27 }, (_, at) =>
        f(9.3 + 0.7 * (at % 3), 9.3 + 0.6 * (((at / 3) | 0) % 3), 9.3 + 0.9 * ((at / 9) | 0)),
      );
    const square = (x: number, y: number, z: number) => x * y + 0.3 * z * z;
    expect(largestDifference(resample(make(value), grid).data, exact(value))).toBeLessThan(1e-4);
    expect(
      largestDifference(
        resample(make(square), grid, { interpolation: 'cubic' }).data,
        exact(square),
      ),
    ).toBeLessThan(1e-2);
  });

  it('refuses a moving image with a singular affine', () => {
    const image = floats([1, 1, 1], [1], scaling([0, 1, 1]));
    expect(() => resample(image, image)).toThrow(RangeError);
  });
});
