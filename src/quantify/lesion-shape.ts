import {
  applyToPoint,
  invert,
  type Mat4,
  mapAxes,
  multiply,
  voxelSizeMm,
} from '../volume/affine.js';
import { distanceTransformMm } from '../volume/distance.js';
import {
  type Grid,
  onGrid,
  type Size,
  strides,
  type Volume,
  voxelCount,
  voxelIndex,
} from '../volume/volume.js';

/**
 * A lesion as its signed distance in mm to the border, negative inside, on a grid with cubic voxels
 * of 1 mm. A border moved outwards by d mm is where this is d.
 */
export type LesionShape = Volume<Float32Array>;

/** The shape is known this far from the voxels around which it is laid. */
const marginMm = 8;
/** Voxels of an exam farther from the shape than this do not become part of it. */
const reachMm = 6;
/** Points across a slice at which its voxels are sampled. */
const pointsAcrossSlice = 7;

/**
 * The shape of a lesion.
 * @param voxels those of the lesion on the grid, which has voxels of 1 mm
 * @param within voxels that lie on the shape's grid as well, with a margin
 */
export function lesionShape(
  voxels: readonly number[],
  within: readonly number[],
  { size, affine }: Grid,
): LesionShape {
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  for (const voxel of [...voxels, ...within]) {
    voxelIndex(voxel, size).forEach((index, axis) => {
      low[axis] = Math.min(low[axis], index);
      high[axis] = Math.max(high[axis], index);
    });
  }
  const first = low.map((index) => index - marginMm);
  const box = mapAxes(high, (index, axis) => index + marginMm + 1 - first[axis]);
  const origin = applyToPoint(affine, first as unknown as Size);
  const grid: Grid = {
    size: box,
    affine: affine.map((value, at) =>
      at % 4 === 3 && at < 12 ? origin[(at - 3) / 4] : value,
    ) as unknown as Mat4,
  };
  const inside = new Uint8Array(voxelCount(box));
  const [, nx, nxy] = strides(box);
  for (const voxel of voxels) {
    const [i, j, k] = voxelIndex(voxel, size).map((index, axis) => index - first[axis]);
    inside[i + nx * j + nxy * k] = 1;
  }
  const outwards = distanceTransformMm(onGrid(grid, inside)).data;
  const inwards = distanceTransformMm(
    onGrid(
      grid,
      inside.map((value) => 1 - value),
    ),
  ).data;
  // The border lies halfway between the centres of voxels inside and outside.
  return onGrid(
    grid,
    outwards.map((distance, at) => (distance > 0 ? distance - 0.5 : 0.5 - inwards[at])),
  );
}

/** Volume of the shape in ml with its border moved outwards; voxels on the border count in part. */
export function shapeVolumeMl({ data }: LesionShape, offsetMm: number): number {
  let mm3 = 0;
  for (let at = 0; at < data.length; at++) {
    mm3 += Math.max(0, Math.min(1, 0.5 + offsetMm - data[at]));
  }
  return mm3 / 1000;
}

/**
 * By how many mm the border of the shape has to move outwards for each voxel of an exam to become
 * more than half lesion, ascending: the median of the signed distance across the voxel's slice.
 * Voxels far from the shape are left out.
 * @param toExam RAS mm of the shape to RAS mm of the exam, rigid
 */
export function markingOffsetsMm(shape: LesionShape, exam: Grid, toExam: Mat4): Float64Array {
  const toShape = multiply(invert(shape.affine), multiply(invert(toExam), exam.affine));
  const sizesMm = voxelSizeMm(exam.affine);
  const across = sizesMm.indexOf(Math.max(...sizesMm));
  const [low, high] = boxOn(exam, shape, invert(toShape));
  const steps = Array.from(
    { length: pointsAcrossSlice },
    (_, point) => (point + 0.5) / pointsAcrossSlice - 0.5,
  );
  const distances = new Float64Array(pointsAcrossSlice);
  const offsets: number[] = [];
  const [dx, dy, dz] = [toShape[across], toShape[4 + across], toShape[8 + across]];
  for (let k = low[2]; k <= high[2]; k++) {
    for (let j = low[1]; j <= high[1]; j++) {
      for (let i = low[0]; i <= high[0]; i++) {
        const x = toShape[0] * i + toShape[1] * j + toShape[2] * k + toShape[3];
        const y = toShape[4] * i + toShape[5] * j + toShape[6] * k + toShape[7];
        const z = toShape[8] * i + toShape[9] * j + toShape[10] * k + toShape[11];
        if (!(distanceAt(shape, x, y, z) < reachMm)) continue;
        steps.forEach((step, point) => {
          distances[point] = distanceAt(shape, x + step * dx, y + step * dy, z + step * dz);
        });
        offsets.push(distances.sort()[(pointsAcrossSlice - 1) / 2]);
      }
    }
  }
  return Float64Array.from(offsets).sort();
}

/** First and last voxels of an exam on the grid of a shape. */
function boxOn(exam: Grid, shape: Grid, toExam: Mat4): [number[], number[]] {
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  for (let corner = 0; corner < 8; corner++) {
    const [x, y, z] = shape.size.map((n, axis) => ((corner >> axis) & 1 ? n - 1 : 0));
    applyToPoint(toExam, [x, y, z]).forEach((index, axis) => {
      low[axis] = Math.min(low[axis], index);
      high[axis] = Math.max(high[axis], index);
    });
  }
  return [
    low.map((index) => Math.max(0, Math.floor(index))),
    high.map((index, axis) => Math.min(exam.size[axis] - 1, Math.ceil(index))),
  ];
}

/** Interpolated; Infinity outside the shape's grid. */
function distanceAt({ data, size }: LesionShape, x: number, y: number, z: number): number {
  const [nx, ny, nz] = size;
  if (!(x >= 0 && y >= 0 && z >= 0 && x < nx - 1 && y < ny - 1 && z < nz - 1)) return Infinity;
  const i = Math.floor(x);
  const j = Math.floor(y);
  const k = Math.floor(z);
  const fx = x - i;
  const fy = y - j;
  const along = (at: number) => data[at] + fx * (data[at + 1] - data[at]);
  const at = i + nx * (j + ny * k);
  const lower = along(at) + fy * (along(at + nx) - along(at));
  const above = at + nx * ny;
  const upper = along(above) + fy * (along(above + nx) - along(above));
  return lower + (z - k) * (upper - lower);
}

/**
 * By how many mm the border has to move outwards for an exam to mark so many voxels: halfway between
 * where the last of them and the next one are marked. For none, the farthest at which none is.
 * @param offsetsMm as {@link markingOffsetsMm} gives them
 */
export function offsetForVoxelsMm(offsetsMm: Float64Array, voxels: number): number {
  const last = offsetsMm.length - 1;
  if (last < 0) return 0;
  if (voxels === 0) return offsetsMm[0];
  return (offsetsMm[Math.min(last, voxels - 1)] + offsetsMm[Math.min(last, voxels)]) / 2;
}
