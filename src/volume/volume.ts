import { applyToPoint, invert, type Mat4, mapAxes, voxelVolumeMm3 } from './affine.js';

/** Numbers of voxels along the three voxel axes; the first axis runs fastest in memory. */
export type Size = readonly [number, number, number];

export type IntegerData =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array;
export type VoxelData = IntegerData | Float32Array | Float64Array;

/**
 * A three-dimensional image: voxel (i, j, k) is `data[i + nx * (j + ny * k)]`, and `affine` maps
 * (i, j, k) to millimetres in RAS. Immutable by convention: functions return new volumes, and one
 * that changes its argument says so in its name (`...InPlace`).
 */
export interface Volume<T extends VoxelData = VoxelData> {
  readonly data: T;
  readonly size: Size;
  readonly affine: Mat4;
}

/** A volume of 0 and 1. */
export type Mask = Volume<Uint8Array>;

/** A volume of integer labels and what they stand for; 0 is background and has no name. */
export interface LabelMap<T extends IntegerData = IntegerData> extends Volume<T> {
  readonly names: ReadonlyMap<number, string>;
}

/** A grid without values: what two images share when their voxels lie at the same places. */
export type Grid = Pick<Volume, 'size' | 'affine'>;

export function voxelCount(size: Size): number {
  return size[0] * size[1] * size[2];
}

/** A volume on the grid of another. @throws RangeError when the number of values does not fit. */
export function onGrid<T extends VoxelData>(grid: Grid, data: T): Volume<T> {
  if (data.length !== voxelCount(grid.size)) {
    throw new RangeError(`${data.length} values for a grid of ${grid.size.join('x')} voxels`);
  }
  return { data, size: grid.size, affine: grid.affine };
}

/** The volume with single-precision values; the same object when it has them already. */
export function toFloat32(volume: Volume): Volume<Float32Array> {
  if (volume.data instanceof Float32Array) return volume as Volume<Float32Array>;
  return onGrid(volume, Float32Array.from(volume.data));
}

/** 1 where the test holds, else 0. `Uint8Array.from` would take ten times as long. */
export function onesWhere(
  data: VoxelData,
  test: (value: number, index: number) => boolean,
): Uint8Array {
  const ones = new Uint8Array(data.length);
  for (let index = 0; index < data.length; index++) if (test(data[index], index)) ones[index] = 1;
  return ones;
}

/** The voxels of a volume for which the test holds. */
export function maskWhere(volume: Volume, test: (value: number, voxel: number) => boolean): Mask {
  return onGrid(volume, onesWhere(volume.data, test));
}

/** Number of voxels that are not 0. */
export function countNonZero(data: VoxelData): number {
  let count = 0;
  for (let index = 0; index < data.length; index++) if (data[index] !== 0) count++;
  return count;
}

/** Volume in ml of the voxels that are not 0. */
export function nonZeroVolumeMl(volume: Volume): number {
  return (countNonZero(volume.data) * voxelVolumeMm3(volume.affine)) / 1000;
}

/** How far two grids of the same size place a corner voxel apart: a distance, and in voxels an axis. */
export function gridDistance(a: Grid, b: Grid): { readonly mm: number; readonly voxels: number } {
  const toIndex = invert(a.affine);
  let [mm, voxels] = [0, 0];
  for (let corner = 0; corner < 8; corner++) {
    const index = mapAxes(a.size, (n, axis) => ((corner >> axis) & 1 ? n - 1 : 0));
    const inB = applyToPoint(b.affine, index);
    const inA = applyToPoint(a.affine, index);
    mm = Math.max(mm, Math.hypot(inA[0] - inB[0], inA[1] - inB[1], inA[2] - inB[2]));
    const apart = applyToPoint(toIndex, inB).map((at, axis) => Math.abs(at - index[axis]));
    voxels = Math.max(voxels, ...apart);
  }
  return { mm, voxels };
}

/**
 * Headers keep affines in single precision, and quaternions beside them: what differs by less than
 * this, in voxels, are two ways to write one grid.
 */
const oneGridVoxels = 0.01;

/** A difference between grids that is not worth a word, in voxels. */
const silentVoxels = 1e-3;

const sameSize = (a: Grid, b: Grid) => a.size.every((n, axis) => n === b.size[axis]);

/** Whether two grids have the same size and nowhere lie further apart than `tolerance` voxels. */
export function sameGrid(a: Grid, b: Grid, tolerance = oneGridVoxels): boolean {
  return sameSize(a, b) && gridDistance(a, b).voxels <= tolerance;
}

/** How the grid of `b` differs from that of `a`, in words; undefined where there is nothing to say. */
export function gridDifference(a: Grid, b: Grid): string | undefined {
  if (!sameSize(a, b)) return `${b.size.join(' x ')} voxels instead of ${a.size.join(' x ')}`;
  const { mm, voxels } = gridDistance(a, b);
  if (voxels <= silentVoxels) return undefined;
  return (
    'the same number of voxels at other places, ' +
    `up to ${mm.toPrecision(3)} mm apart (${voxels.toPrecision(2)} voxels)`
  );
}

/** A zeroed array of the same type as another. */
export function emptyLike<T extends VoxelData>(data: T, length: number): T {
  return new (data.constructor as new (length: number) => T)(length);
}

/** Distances in memory between neighbours along the three axes. */
export function strides(size: Size): Size {
  return [1, size[0], size[0] * size[1]];
}

/** Index (i, j, k) of a voxel by its place in memory. */
export const voxelIndex = (voxel: number, [nx, ny]: Size): [number, number, number] => [
  voxel % nx,
  Math.floor(voxel / nx) % ny,
  Math.floor(voxel / (nx * ny)),
];
