import { applyToPoint, invert, type Mat4, mapAxes, multiply } from '../volume/affine.js';
import type { Grid, Mask } from '../volume/volume.js';
import { rotation, translation } from './register-motion.js';

/** Two exams are compared here, as far from the one as from the other. */
export interface HalfwaySpace {
  /** Voxels of {@link voxelMm}, axes in RAS; holds both brains. */
  readonly grid: Grid;
  /** Map points of the halfway space to points of either exam, RAS mm. */
  readonly toFirst: Mat4;
  readonly toSecond: Mat4;
}

const voxelMm = 1;
const marginMm = 6;

/**
 * The rigid motion that, done twice, is the motion given: half the angle about the same axis.
 * @throws RangeError for a turn of half a circle, which has no middle, and what is not rigid.
 */
export function halfOf(motion: Mat4): Mat4 {
  const cosine = Math.max(-1, Math.min(1, (motion[0] + motion[5] + motion[10] - 1) / 2));
  // The antisymmetric part: the axis times the sine of the angle.
  const [x, y, z] = [motion[9] - motion[6], motion[2] - motion[8], motion[4] - motion[1]].map(
    (difference) => difference / 2,
  );
  const sine = Math.hypot(x, y, z);
  const angle = Math.atan2(sine, cosine);
  if (angle > Math.PI - 1e-3) throw new RangeError('a turn of half a circle has no middle');
  const share = sine < 1e-12 ? 0 : angle / 2 / sine;
  const half = rotation(share * x, share * y, share * z);
  if (multiply(half, half).some((value, at) => at % 4 < 3 && Math.abs(value - motion[at]) > 1e-6)) {
    throw new RangeError('the motion is not rigid');
  }
  // half(half(p)) = S S p + S u + u, so that (S + I) u is the whole translation.
  const sum = half.map((value, at) => (at < 12 && at % 5 === 0 ? value + 1 : value));
  const shift = applyToPoint(invert(sum as unknown as Mat4), [motion[3], motion[7], motion[11]]);
  return multiply(translation(shift), half);
}

/** The space halfway between two exams of one head. `firstToSecond` is rigid, RAS mm. */
export function halfwaySpace(first: Mask, second: Mask, firstToSecond: Mat4): HalfwaySpace {
  const toSecond = halfOf(firstToSecond);
  const toFirst = invert(toSecond);
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  for (const [mask, toExam] of [
    [first, toFirst],
    [second, toSecond],
  ] as const) {
    growBoxInPlace(low, high, mask, multiply(invert(toExam), mask.affine));
  }
  const size = mapAxes(low, (mm, axis) =>
    Math.max(1, Math.ceil((high[axis] - mm + 2 * marginMm) / voxelMm)),
  );
  const [x, y, z] = low.map((mm) => mm - marginMm);
  const affine: Mat4 = [voxelMm, 0, 0, x, 0, voxelMm, 0, y, 0, 0, voxelMm, z, 0, 0, 0, 1];
  return { grid: { size, affine }, toFirst, toSecond };
}

/** Widens a box by the corners of a mask's own box. Nothing in the mask counts as all of it. */
function growBoxInPlace(
  low: number[],
  high: number[],
  { data, size: [nx, ny, nz] }: Mask,
  toPoint: Mat4,
): void {
  const first = [nx, ny, nz];
  const last = [-1, -1, -1];
  let voxel = 0;
  for (let k = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++) {
      for (let i = 0; i < nx; i++, voxel++) {
        if (data[voxel] === 0) continue;
        if (i < first[0]) first[0] = i;
        if (i > last[0]) last[0] = i;
        if (j < first[1]) first[1] = j;
        if (j > last[1]) last[1] = j;
        if (k < first[2]) first[2] = k;
        if (k > last[2]) last[2] = k;
      }
    }
  }
  const [from, to] =
    last[0] < 0
      ? [
          [0, 0, 0],
          [nx - 1, ny - 1, nz - 1],
        ]
      : [first, last];
  for (let corner = 0; corner < 8; corner++) {
    const [i, j, k] = [0, 1, 2].map((axis) => ((corner >> axis) & 1 ? to[axis] : from[axis]));
    applyToPoint(toPoint, [i, j, k]).forEach((mm, axis) => {
      low[axis] = Math.min(low[axis], mm);
      high[axis] = Math.max(high[axis], mm);
    });
  }
}
