import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import type { Mat4, Vec3 } from '../../src/volume/affine.js';
import type { Mask, Size, Volume } from '../../src/volume/volume.js';
import { voxelCount } from '../../src/volume/volume.js';

/** Results of NumPy and SciPy; made by make.py beside it. */
export const golden = JSON.parse(
  readFileSync(new URL('../goldens/volume/golden.json', import.meta.url), 'utf8'),
);

export function scaling(spacingMm: Vec3 | number[] = [1, 1, 1]): Mat4 {
  const [x, y, z] = spacingMm;
  return [x, 0, 0, 0, 0, y, 0, 0, 0, 0, z, 0, 0, 0, 0, 1];
}

export function floats(size: Size, values: ArrayLike<number>, affine = scaling()) {
  return { size, affine, data: Float32Array.from(values) } satisfies Volume;
}

export function maskOf(size: Size, values: ArrayLike<number>, affine = scaling()): Mask {
  return { size, affine, data: Uint8Array.from(values) };
}

/** Small sizes, single voxels and slices among them. */
export const sizes: fc.Arbitrary<Size> = fc.tuple(
  fc.integer({ min: 1, max: 7 }),
  fc.integer({ min: 1, max: 7 }),
  fc.integer({ min: 1, max: 7 }),
);

/** Voxel sizes in mm as scanners have them, thick slices among them. */
export const spacings = fc.tuple(
  fc.constantFrom(0.5, 0.72, 1, 3),
  fc.constantFrom(0.5, 0.72, 1, 3),
  fc.constantFrom(0.5, 1, 3.3, 5.5),
);

/** All 48 ways in which voxel axes can follow the world axes. */
export const orientations: string[] = ['RL', 'AP', 'SI'].flatMap((first, a, axes) =>
  axes.flatMap((second, b) =>
    a === b
      ? []
      : [...first].flatMap((x) =>
          [...second].flatMap((y) => [...axes[3 - a - b]].map((z) => x + y + z)),
        ),
  ),
);

export const masks: fc.Arbitrary<Mask> = fc
  .tuple(sizes, spacings, fc.double({ min: 0, max: 1, noNaN: true }))
  .chain(([size, spacing, density]) =>
    fc
      .array(fc.double({ min: 0, max: 1, noNaN: true }), {
        minLength: voxelCount(size),
        maxLength: voxelCount(size),
      })
      .map((draws) =>
        maskOf(
          size,
          draws.map((draw) => (draw < density ? 1 : 0)),
          scaling(spacing),
        ),
      ),
  );

/** A rotation about all three axes times voxel sizes, with an offset: what a scanner's affine is. */
const angle = fc.double({ min: -3, max: 3, noNaN: true });
const offset = fc.double({ min: -200, max: 200, noNaN: true });
export const affines: fc.Arbitrary<Mat4> = fc
  .tuple(angle, angle, angle, spacings, fc.tuple(offset, offset, offset), fc.boolean())
  .map(([a, b, c, spacing, shift, flip]) => {
    const [ca, sa, cb, sb, cc, sc] = [a, b, c].flatMap((t) => [Math.cos(t), Math.sin(t)]);
    const rotation = [
      [cb * cc, -cb * sc, sb],
      [sa * sb * cc + ca * sc, -sa * sb * sc + ca * cc, -sa * cb],
      [-ca * sb * cc + sa * sc, ca * sb * sc + sa * cc, ca * cb],
    ];
    const signs = [flip ? -1 : 1, 1, 1];
    const rows = rotation.flatMap((row, world) => [
      ...row.map((cosine, axis) => cosine * spacing[axis] * signs[axis]),
      shift[world],
    ]);
    return [...rows, 0, 0, 0, 1] as unknown as Mat4;
  });

export const volumes = fc.tuple(sizes, affines).chain(([size, affine]) =>
  fc
    .array(fc.integer({ min: -1000, max: 1000 }), {
      minLength: voxelCount(size),
      maxLength: voxelCount(size),
    })
    .map((values) => floats(size, values, affine)),
);

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let largest = 0;
  for (let at = 0; at < a.length; at++) largest = Math.max(largest, Math.abs(a[at] - b[at]));
  return largest;
}
