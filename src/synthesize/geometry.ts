import { translation } from '../preprocess/register-motion.js';
import { applyToPoint, type Mat4, multiply, type Vec3 } from '../volume/affine.js';
import type { Random } from '../volume/random.js';
import { type Grid, voxelCount } from '../volume/volume.js';
import type { Head } from './head.js';
import { between, rotationDegrees } from './sampling.js';
import { renderField, type SmoothField, type UprightGrid } from './smooth-field.js';

/** How a head is shaped and turned: a map from the space of the exam's body to the head's own. */
export interface Geometry {
  /** RAS mm of the body, with the brain's centre at the origin, to RAS mm of the head. */
  readonly toHead: Mat4;
  /** Smooth displacement in head space, mm, added after `toHead`. */
  readonly warp: Warp;
}

/** A smooth random displacement. */
export interface Warp {
  readonly fields: readonly [SmoothField, SmoothField, SmoothField];
  /** Standard deviation along each axis. */
  readonly sdMm: number;
}

export function sampleWarp(random: Random, spacingMm: number, sdMm: number): Warp {
  const field = () => ({ seed: random.bits(), spacingMm });
  return { fields: [field(), field(), field()], sdMm };
}

/** A random shape and pose of a head. */
export function sampleGeometry(random: Random, head: Pick<Head, 'brainCentreMm'>): Geometry {
  const size = between(random, 0.85, 1.25);
  const linear = [...rotationDegrees(random, 12)];
  const mirrored = random.uniform() < 0.5 ? -1 : 1;
  const stretch = [0, 1, 2].map(() => 1 / (size * between(random, 0.93, 1.07)));
  stretch[0] *= mirrored;
  const shear = [0, 1, 2].map((row) =>
    [0, 1, 2].map((column) => (row === column ? 1 : between(random, -0.04, 0.04))),
  );
  const shaped: Mat4 = [
    stretch[0] * shear[0][0],
    stretch[0] * shear[0][1],
    stretch[0] * shear[0][2],
    0,
    stretch[1] * shear[1][0],
    stretch[1] * shear[1][1],
    stretch[1] * shear[1][2],
    0,
    stretch[2] * shear[2][0],
    stretch[2] * shear[2][1],
    stretch[2] * shear[2][2],
    0,
    0,
    0,
    0,
    1,
  ];
  const toHead = multiply(
    translation(head.brainCentreMm),
    multiply(shaped, linear as unknown as Mat4),
  );
  return { toHead, warp: sampleWarp(random, 24, between(random, 0, 3)) };
}

/** Coordinates of points, one array an axis. */
export type Points = readonly [Float32Array, Float32Array, Float32Array];

/** Where the voxels of a grid parallel to the body's axes lie in the head, RAS mm. */
export function pointsInHead(grid: Grid, { toHead, warp }: Geometry): Points {
  const map = multiply(toHead, grid.affine);
  const count = voxelCount(grid.size);
  const points = [0, 1, 2].map(() => new Float32Array(count)) as unknown as Points;
  const displacement =
    warp.sdMm > 0 ? warp.fields.map((field) => renderField(field, uprightGrid(grid))) : undefined;
  const [nx, ny, nz] = grid.size;
  for (let axis = 0; axis < 3; axis++) {
    const target = points[axis];
    const added = displacement?.[axis];
    const [a, b, c, d] = map.slice(4 * axis, 4 * axis + 4);
    for (let k = 0, at = 0; k < nz; k++) {
      for (let j = 0; j < ny; j++) {
        const start = b * j + c * k + d;
        for (let i = 0; i < nx; i++, at++) target[at] = a * i + start;
      }
    }
    if (added) for (let at = 0; at < count; at++) target[at] += warp.sdMm * added[at];
  }
  return points;
}

/** A grid as an upright one. @throws RangeError when its axes are not parallel to those of the space. */
export function uprightGrid({ size, affine }: Grid): UprightGrid {
  for (const offDiagonal of [1, 2, 4, 6, 8, 9]) {
    if (affine[offDiagonal] !== 0) throw new RangeError('the grid is oblique');
  }
  return {
    size,
    originMm: applyToPoint(affine, [0, 0, 0]),
    spacingMm: [affine[0], affine[5], affine[10]] as Vec3,
  };
}
