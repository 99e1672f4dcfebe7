import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Mat4, Vec3 } from '../../src/volume/affine.js';
import { gaussianSmooth } from '../../src/volume/gaussian.js';
import { gradient, gradientMagnitude } from '../../src/volume/gradient.js';
import type { Size } from '../../src/volume/volume.js';
import { floats, golden, largestDifference, scaling, volumes } from './samples.js';

const sum = (values: Float32Array) => values.reduce((total, value) => total + value, 0);
const sigmas: fc.Arbitrary<Vec3> = fc.tuple(
  fc.double({ min: 0, max: 6, noNaN: true }),
  fc.double({ min: 0, max: 6, noNaN: true }),
  fc.double({ min: 0, max: 6, noNaN: true }),
);

describe('gaussianSmooth', () => {
  it('agrees with scipy.ndimage.gaussian_filter on anisotropic voxels', () => {
    const { size, spacingMm, sigmaMm, image, smooth } = golden.gaussian;
    const found = gaussianSmooth(floats(size, image, scaling(spacingMm)), sigmaMm);
    expect(largestDifference(found.data, smooth)).toBeLessThan(1e-5);
  });

  it('conserves the mean', () => {
    fc.assert(
      fc.property(volumes, sigmas, (volume, sigma) => {
        const change = sum(gaussianSmooth(volume, sigma).data) - sum(volume.data);
        expect(Math.abs(change) / volume.data.length).toBeLessThan(1e-3);
      }),
    );
  });

  it('is one axis after another, in any order', () => {
    fc.assert(
      fc.property(volumes, sigmas, (volume, [x, y, z]) => {
        const together = gaussianSmooth(volume, [x, y, z]);
        const zOnly = gaussianSmooth(volume, [0, 0, z]);
        const reversed = gaussianSmooth(gaussianSmooth(zOnly, [0, y, 0]), [x, 0, 0]);
        expect(largestDifference(together.data, reversed.data)).toBeLessThan(1e-3);
      }),
    );
  });

  it('with sigma 0 copies the image, and never changes its argument', () => {
    const volume = floats([3, 1, 1], [1, 5, 2]);
    const same = gaussianSmooth(volume, 0);
    expect(same.data).toEqual(volume.data);
    expect(same.data).not.toBe(volume.data);
    gaussianSmooth(volume, 2);
    expect([...volume.data]).toEqual([1, 5, 2]);
  });

  it.each([-1, Number.NaN, Infinity])('refuses a sigma of %d', (sigma) => {
    expect(() => gaussianSmooth(floats([1, 1, 1], [1]), sigma)).toThrow(RangeError);
  });
});

describe('gradient', () => {
  it('agrees with numpy.gradient', () => {
    const { size, spacingMm, image, ...expected } = golden.gradients;
    const found = gradient(floats(size, image, scaling(spacingMm)));
    for (const axis of ['x', 'y', 'z'] as const) {
      expect(largestDifference(found[axis].data, expected[axis])).toBeLessThan(1e-4);
    }
  });

  it('of a function linear in the place is its slope in RAS, whatever the affine', () => {
    const affine: Mat4 = [0.1, -0.9, 0.2, 5, 0.8, 0.3, 0.4, -7, 0.2, 0.1, 2.9, 3, 0, 0, 0, 1];
    const size: Size = [4, 5, 3];
    const slope = [2, -3, 0.5];
    const values = Array.from({ length: 60 }, (_, at) => {
      const index = [at % 4, Math.floor(at / 4) % 5, Math.floor(at / 20), 1];
      return slope.reduce(
        (total, s, row) => total + s * index.reduce((mm, v, c) => mm + v * affine[4 * row + c], 0),
        0,
      );
    });
    const found = gradient(floats(size, values, affine));
    [found.x, found.y, found.z].forEach((component, row) => {
      expect(largestDifference(component.data, new Array(60).fill(slope[row]))).toBeLessThan(1e-4);
    });
    const length = Math.hypot(...slope);
    const magnitude = gradientMagnitude(floats(size, values, affine)).data;
    expect(largestDifference(magnitude, new Array(60).fill(length))).toBeLessThan(1e-4);
  });

  it('is 0 along an axis of one voxel', () => {
    expect([...gradient(floats([1, 1, 3], [1, 2, 4])).x.data]).toEqual([0, 0, 0]);
  });
});
