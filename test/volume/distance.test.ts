import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { voxelSizeMm } from '../../src/volume/affine.js';
import { distanceTransformMm } from '../../src/volume/distance.js';
import { close, dilate, erode, fillHoles, open } from '../../src/volume/morphology.js';
import type { Mask } from '../../src/volume/volume.js';
import { golden, largestDifference, maskOf, masks, scaling } from './samples.js';

/** By the definition: the shortest of the distances to all voxels of the mask. */
function distancesByHand(mask: Mask): number[] {
  const [nx, ny] = mask.size;
  const spacing = voxelSizeMm(mask.affine);
  const place = (at: number) => [
    (at % nx) * spacing[0],
    (Math.floor(at / nx) % ny) * spacing[1],
    Math.floor(at / (nx * ny)) * spacing[2],
  ];
  const set = [...mask.data.keys()].filter((at) => mask.data[at] !== 0).map(place);
  return Array.from(mask.data, (_, at) => {
    const [x, y, z] = place(at);
    return Math.min(Infinity, ...set.map(([a, b, c]) => Math.hypot(x - a, y - b, z - c)));
  });
}

describe('distanceTransformMm', () => {
  it('agrees with scipy.ndimage.distance_transform_edt on anisotropic voxels', () => {
    const { size, spacingMm, mask, distancesMm } = golden.distance;
    const found = distanceTransformMm(maskOf(size, mask, scaling(spacingMm)));
    expect(largestDifference(found.data, distancesMm)).toBeLessThan(1e-5);
  });

  it('is the shortest distance to any voxel of the mask', () => {
    fc.assert(
      fc.property(masks, (mask) => {
        const found = distanceTransformMm(mask).data;
        distancesByHand(mask).forEach((expected, at) => {
          if (expected === Infinity) expect(found[at]).toBe(Infinity);
          else expect(Math.abs(found[at] - expected)).toBeLessThan(1e-5);
        });
      }),
    );
  });

  it('does not depend on how the voxel axes are turned', () => {
    const values = [0, 1, 0, 0, 0, 0, 0, 0];
    const turned = maskOf([2, 2, 2], values, [0, -2, 0, 7, 1, 0, 0, 8, 0, 0, 3, 9, 0, 0, 0, 1]);
    const plain = maskOf([2, 2, 2], values, scaling([1, 2, 3]));
    expect(distanceTransformMm(turned).data).toEqual(distanceTransformMm(plain).data);
  });
});

describe('morphology', () => {
  const radii = fc.constantFrom(0, 0.5, 0.72, 1, 2, 3.3);

  it('dilates by exactly the voxels within the radius', () => {
    fc.assert(
      fc.property(masks, radii, (mask, radiusMm) => {
        const expected = distancesByHand(mask).map((mm) => (mm <= radiusMm + 1e-4 ? 1 : 0));
        expect([...dilate(mask, radiusMm).data]).toEqual(expected);
      }),
    );
  });

  it('erodes as it dilates the complement', () => {
    fc.assert(
      fc.property(masks, radii, (mask, radiusMm) => {
        const complement = maskOf(
          mask.size,
          mask.data.map((v) => 1 - v),
          mask.affine,
        );
        const dilated = dilate(complement, radiusMm).data;
        expect(erode(mask, radiusMm).data).toEqual(dilated.map((v) => 1 - v));
      }),
    );
  });

  it('opens to a part of the mask, closes to something that holds it, and both only once', () => {
    fc.assert(
      fc.property(masks, radii, (mask, radiusMm) => {
        const opened = open(mask, radiusMm);
        const closed = close(mask, radiusMm);
        expect(opened.data.every((v, at) => v <= mask.data[at])).toBe(true);
        expect(closed.data.every((v, at) => v >= mask.data[at])).toBe(true);
        expect(open(opened, radiusMm).data).toEqual(opened.data);
        expect(close(closed, radiusMm).data).toEqual(closed.data);
      }),
    );
  });

  it('fills what is enclosed, and leaves what is open to the border or over a diagonal', () => {
    const ball = maskOf([5, 5, 5], new Array(125).fill(1));
    const hollow = maskOf(
      [5, 5, 5],
      ball.data.map((_, at) => (at === 62 ? 0 : 1)),
    );
    expect(fillHoles(hollow).data).toEqual(ball.data);
    const drilled = maskOf(
      [5, 5, 5],
      ball.data.map((_, at) => (at >= 62 && at <= 64 ? 0 : 1)),
    );
    expect(fillHoles(drilled).data).toEqual(drilled.data);
    // A cavity that touches the outside only over an edge is a hole: paths go over faces.
    const edge = maskOf(
      [5, 5, 5],
      ball.data.map((_, at) => (at === 31 || at === 25 ? 0 : 1)),
    );
    expect(fillHoles(edge).data[31]).toBe(1);
    expect(fillHoles(edge).data[25]).toBe(0);
  });

  it('of an empty and of a full mask is that mask', () => {
    const empty = maskOf([3, 3, 3], new Array(27).fill(0));
    const full = maskOf([3, 3, 3], new Array(27).fill(1));
    for (const change of [dilate, erode, open, close, fillHoles]) {
      expect(change(empty, 1).data).toEqual(empty.data);
      expect(change(full, 1).data).toEqual(full.data);
    }
  });
});
