import { DawsonError } from '../errors.js';
import { applyToPoint, determinant, type Mat4, mapAxes, type Vec3, voxelSizeMm } from './affine.js';
import { emptyLike, strides, type Volume, type VoxelData, voxelCount } from './volume.js';

/** The two ends of each world axis, positive first: x grows to the right, y to anterior, z up. */
const axisEnds = ['RL', 'AP', 'SI'] as const;

const permutations: readonly Vec3[] = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
];

/** For each voxel axis, the world axis it runs along (0 x, 1 y, 2 z) and in which sense. */
interface AxisDirections {
  readonly worldAxis: Vec3;
  readonly sign: Vec3;
}

/**
 * Matches voxel axes with world axes so that the sum of the absolute cosines of the angles between
 * them is largest; among equal ones (an image turned by exactly 45 degrees) the first permutation
 * counts, which changes the order of the axes least.
 */
function axisDirections(affine: Mat4): AxisDirections {
  const det = determinant(affine);
  if (!Number.isFinite(det) || det === 0) throw new RangeError('the affine is singular');
  const lengths = voxelSizeMm(affine);
  const cosine = (axis: number, worldAxis: number) => affine[4 * worldAxis + axis] / lengths[axis];
  const agreement = (worldAxis: Vec3) =>
    worldAxis.reduce((sum, world, axis) => sum + Math.abs(cosine(axis, world)), 0);
  let worldAxis = permutations[0];
  for (const candidate of permutations) {
    if (agreement(candidate) > agreement(worldAxis) + 1e-9) worldAxis = candidate;
  }
  const sign = worldAxis.map((world, axis) => (cosine(axis, world) < 0 ? -1 : 1));
  return { worldAxis, sign: sign as unknown as Vec3 };
}

function parseOrientation(orientation: string): AxisDirections {
  const worldAxis = [...orientation].map((letter) =>
    axisEnds.findIndex((ends) => ends.includes(letter)),
  );
  if (worldAxis.toSorted().join() !== '0,1,2') {
    throw new DawsonError('usage', {
      expected: 'an orientation of three letters, one each of R or L, A or P, S or I, such as RAS',
      found: JSON.stringify(orientation),
    });
  }
  const sign = worldAxis.map((world, axis) => (axisEnds[world][0] === orientation[axis] ? 1 : -1));
  return { worldAxis: worldAxis as unknown as Vec3, sign: sign as unknown as Vec3 };
}

/**
 * Where the voxel axes point to, as three letters of R/L, A/P, S/I: in 'RAS' the first axis runs
 * to the right, the second to anterior, the third to superior. An oblique axis counts for the
 * direction nearest to it.
 * @throws RangeError when the affine is singular or not finite.
 */
export function orientationOf(affine: Mat4): string {
  const { worldAxis, sign } = axisDirections(affine);
  return worldAxis.map((world, axis) => axisEnds[world][sign[axis] > 0 ? 0 : 1]).join('');
}

/**
 * The same image with its voxel axes permuted and flipped into an orientation. No value changes and
 * none is interpolated, and every voxel stays at its place in RAS mm. An image that is in this
 * orientation already is returned as it is.
 * @throws DawsonError `usage` when the orientation is not three letters of R/L, A/P, S/I.
 */
export function reorient<T extends VoxelData>(volume: Volume<T>, orientation = 'RAS'): Volume<T> {
  const wanted = parseOrientation(orientation);
  const present = axisDirections(volume.affine);
  const sourceAxis = wanted.worldAxis.map((world) => present.worldAxis.indexOf(world));
  const flipped = sourceAxis.map((axis, target) => wanted.sign[target] !== present.sign[axis]);
  if (sourceAxis.every((axis, target) => axis === target) && !flipped.includes(true)) return volume;

  const size = mapAxes(sourceAxis, (axis) => volume.size[axis]);
  const sourceStrides = strides(volume.size);
  const step = sourceAxis.map((axis, target) => sourceStrides[axis] * (flipped[target] ? -1 : 1));
  const corner = [0, 0, 0];
  sourceAxis.forEach((axis, target) => {
    if (flipped[target]) corner[axis] = volume.size[axis] - 1;
  });
  const first =
    corner[0] * sourceStrides[0] + corner[1] * sourceStrides[1] + corner[2] * sourceStrides[2];

  const { data } = volume;
  const result = emptyLike(data, voxelCount(size));
  let target = 0;
  for (let k = 0; k < size[2]; k++) {
    for (let j = 0; j < size[1]; j++) {
      let source = first + j * step[1] + k * step[2];
      for (let i = 0; i < size[0]; i++) {
        result[target++] = data[source];
        source += step[0];
      }
    }
  }

  const origin = applyToPoint(volume.affine, corner as unknown as Vec3);
  const affine = [0, 1, 2].flatMap((row) => [
    ...sourceAxis.map((axis, to) => volume.affine[4 * row + axis] * (flipped[to] ? -1 : 1) + 0),
    origin[row],
  ]);
  return { data: result, size, affine: [...affine, 0, 0, 0, 1] as unknown as Mat4 };
}
