import { identity, invert, type Mat4, mapAxes, multiply } from './affine.js';
import { bsplineCoefficients } from './bspline.js';
import {
  emptyLike,
  type Grid,
  onGrid,
  type Size,
  strides,
  type Volume,
  type VoxelData,
  voxelCount,
} from './volume.js';

export type Interpolation = 'nearest' | 'linear' | 'cubic';

export interface ResampleOptions {
  /** Maps RAS mm of the grid to RAS mm of the moving image; identity by default. */
  readonly toMoving?: Mat4;
  /** `linear` by default. */
  readonly interpolation?: Interpolation;
  /** Value where the moving image has none; 0 by default. */
  readonly outside?: number;
}

/**
 * How far, in voxels, a point may lie from a voxel centre or from the border and count as on it:
 * more than the rounding of affines to single precision, as NIfTI keeps them.
 */
const tolerance = 1e-4;

/**
 * The moving image as seen on another grid: each voxel takes the value that the moving image has at
 * the place that `toMoving` gives it.
 *
 * - `nearest` keeps the data type (labels stay labels); a point halfway goes to the higher index.
 * - `linear` and `cubic` give single precision. `cubic` is interpolation by cubic B-splines (Unser
 *   1999, doi 10.1109/79.799930) with mirrored borders; it can overshoot beside edges, and a NaN or
 *   Inf anywhere spoils everything around it.
 *
 * An image reaches from -0.5 to n - 0.5 along each voxel axis: voxels have an extent. Between the
 * outermost centres and that border `linear` repeats the outermost values; beyond it the result is
 * `outside`. Where all points fall on voxel centres (the same grid, one shifted by whole voxels,
 * flipped or permuted; to within 0.0001 voxels), values are copied, whatever the interpolation.
 * @throws RangeError when the moving image's affine is singular.
 */
export function resample<T extends VoxelData>(
  moving: Volume<T>,
  grid: Grid,
  options: ResampleOptions & { readonly interpolation: 'nearest' },
): Volume<T>;
export function resample(
  moving: Volume,
  grid: Grid,
  options?: ResampleOptions & { readonly interpolation?: 'linear' | 'cubic' },
): Volume<Float32Array>;
export function resample(moving: Volume, grid: Grid, options?: ResampleOptions): Volume;
export function resample(moving: Volume, grid: Grid, options: ResampleOptions = {}): Volume {
  const { toMoving = identity, interpolation = 'linear', outside = 0 } = options;
  const toIndex = snapToWhole(
    multiply(invert(moving.affine), multiply(toMoving, grid.affine)),
    grid.size,
  );
  const length = voxelCount(grid.size);
  const target =
    interpolation === 'nearest' ? emptyLike(moving.data, length) : new Float32Array(length);
  if (outside !== 0) target.fill(outside);

  if (interpolation === 'nearest' || toIndex.every(Number.isInteger)) {
    pullNearest(moving, toIndex, grid.size, target);
  } else if (interpolation === 'linear') {
    pullLinear(padded(moving, 1, clampIndex), toIndex, grid.size, target as Float32Array);
  } else {
    const coefficients = onGrid(moving, bsplineCoefficients(moving.data, moving.size));
    pullCubic(padded(coefficients, 2, mirrorIndex), toIndex, grid.size, target as Float32Array);
  }
  return onGrid(grid, target);
}

/**
 * Rounds the numbers of an index-to-index map that are whole but for rounding errors, so that
 * voxel centres are met exactly; no point of the grid moves by more than the tolerance.
 */
function snapToWhole(toIndex: Mat4, size: Size): Mat4 {
  const reach = [size[0], size[1], size[2], 1];
  return toIndex.map((value, position) => {
    const whole = Math.round(value) + 0; // + 0 turns -0 into 0
    return Math.abs(value - whole) * reach[position % 4] * 4 < tolerance ? whole : value;
  }) as unknown as Mat4;
}

/**
 * The part [first, end) of a row of `n` voxels whose points start + i * step stay within the
 * borders of an image, all three axes taken together. Written into `range`.
 */
function insideInto(range: Int32Array, n: number, start: Float64Array, m: Mat4, size: Size): void {
  let first = 0;
  let last = n - 1;
  for (let axis = 0; axis < 3; axis++) {
    const step = m[4 * axis];
    const low = -0.5 - tolerance - start[axis];
    const high = size[axis] - 0.5 + tolerance - start[axis];
    if (step === 0) {
      if (low > 0 || high < 0) last = -1;
    } else {
      first = Math.max(first, Math.ceil((step > 0 ? low : high) / step));
      last = Math.min(last, Math.floor((step > 0 ? high : low) / step));
    }
  }
  range[0] = first;
  range[1] = Math.max(first, last + 1);
}

/** Calls `pullRow` with the part of each row that lies inside the moving image. */
function eachRow(
  toIndex: Mat4,
  size: Size,
  movingSize: Size,
  pullRow: (row: number, first: number, end: number, start: Float64Array) => void,
): void {
  const start = new Float64Array(3);
  const range = new Int32Array(2);
  for (let k = 0; k < size[2]; k++) {
    for (let j = 0; j < size[1]; j++) {
      for (let axis = 0; axis < 3; axis++) {
        const at = 4 * axis;
        start[axis] = toIndex[at + 1] * j + toIndex[at + 2] * k + toIndex[at + 3];
      }
      insideInto(range, size[0], start, toIndex, movingSize);
      if (range[1] > range[0]) pullRow(size[0] * (j + size[1] * k), range[0], range[1], start);
    }
  }
}

function pullNearest(moving: Volume, toIndex: Mat4, size: Size, target: VoxelData): void {
  const { data } = moving;
  const [nx, ny, nz] = moving.size;
  const [stepX, , , , stepY, , , , stepZ] = toIndex;
  const within = (index: number, n: number) => (index < 0 ? 0 : index >= n ? n - 1 : index);
  eachRow(toIndex, size, moving.size, (row, first, end, start) => {
    for (let i = first; i < end; i++) {
      const x = within(Math.floor(start[0] + i * stepX + 0.5 + tolerance), nx);
      const y = within(Math.floor(start[1] + i * stepY + 0.5 + tolerance), ny);
      const z = within(Math.floor(start[2] + i * stepZ + 0.5 + tolerance), nz);
      target[row + i] = data[x + nx * (y + ny * z)];
    }
  });
}

/** An image with a border around it, so that the inner loops need not look where they are. */
interface PaddedImage {
  readonly data: Float32Array;
  /** Size without the border. */
  readonly size: Size;
  readonly paddedSize: Size;
  readonly border: number;
}

function clampIndex(index: number, n: number): number {
  return Math.min(Math.max(index, 0), n - 1);
}

/** Index of the image mirrored at the centres of its outermost voxels. */
function mirrorIndex(index: number, n: number): number {
  if (n === 1) return 0;
  const period = 2 * (n - 1);
  const within = ((index % period) + period) % period;
  return within < n ? within : period - within;
}

function padded(
  volume: Volume,
  border: number,
  sourceIndex: (index: number, n: number) => number,
): PaddedImage {
  const { data, size } = volume;
  const paddedSize = mapAxes(size, (n) => n + 2 * border);
  const result = new Float32Array(voxelCount(paddedSize));
  let target = 0;
  for (let k = 0; k < paddedSize[2]; k++) {
    const slice = size[1] * sourceIndex(k - border, size[2]);
    for (let j = 0; j < paddedSize[1]; j++) {
      const row = size[0] * (slice + sourceIndex(j - border, size[1]));
      for (let i = 0; i < border; i++)
        result[target++] = data[row + sourceIndex(i - border, size[0])];
      for (let i = 0; i < size[0]; i++) result[target++] = data[row + i];
      for (let i = 0; i < border; i++)
        result[target++] = data[row + sourceIndex(size[0] + i, size[0])];
    }
  }
  return { data: result, size, paddedSize, border };
}

function pullLinear(moving: PaddedImage, toIndex: Mat4, size: Size, target: Float32Array): void {
  const { data, border } = moving;
  const [, sy, sz] = strides(moving.paddedSize);
  const [stepX, , , , stepY, , , , stepZ] = toIndex;
  eachRow(toIndex, size, moving.size, (row, first, end, start) => {
    const x0 = start[0] + border;
    const y0 = start[1] + border;
    const z0 = start[2] + border;
    for (let i = first; i < end; i++) {
      const x = x0 + i * stepX;
      const y = y0 + i * stepY;
      const z = z0 + i * stepZ;
      // Inside the padded image all coordinates are positive: | 0 is the floor.
      const xi = x | 0;
      const yi = y | 0;
      const zi = z | 0;
      const fx = x - xi;
      const fy = y - yi;
      const fz = z - zi;
      const a = xi + sy * yi + sz * zi;
      const b = a + sy;
      const c = a + sz;
      const d = c + sy;
      const va = data[a] + fx * (data[a + 1] - data[a]);
      const vb = data[b] + fx * (data[b + 1] - data[b]);
      const vc = data[c] + fx * (data[c + 1] - data[c]);
      const vd = data[d] + fx * (data[d + 1] - data[d]);
      const lower = va + fy * (vb - va);
      const upper = vc + fy * (vd - vc);
      target[row + i] = lower + fz * (upper - lower);
    }
  });
}

function pullCubic(moving: PaddedImage, toIndex: Mat4, size: Size, target: Float32Array): void {
  const { data, border } = moving;
  const [, sy, sz] = strides(moving.paddedSize);
  const [stepX, , , , stepY, , , , stepZ] = toIndex;
  eachRow(toIndex, size, moving.size, (row, first, end, start) => {
    const x0 = start[0] + border;
    const y0 = start[1] + border;
    const z0 = start[2] + border;
    for (let i = first; i < end; i++) {
      const x = x0 + i * stepX;
      const y = y0 + i * stepY;
      const z = z0 + i * stepZ;
      const xi = x | 0;
      const yi = y | 0;
      const zi = z | 0;
      const fx = x - xi;
      const fy = y - yi;
      const fz = z - zi;
      // Weights of the cubic B-spline, named for the voxels at -1, 0, 1 and 2 of the one below.
      const gx = 1 - fx;
      const xm = (gx * gx * gx) / 6;
      const xp2 = (fx * fx * fx) / 6;
      const xo = 2 / 3 - 0.5 * fx * fx * (2 - fx);
      const xp = 1 - xm - xo - xp2;
      const gy = 1 - fy;
      const ym = (gy * gy * gy) / 6;
      const yp2 = (fy * fy * fy) / 6;
      const yo = 2 / 3 - 0.5 * fy * fy * (2 - fy);
      const yp = 1 - ym - yo - yp2;
      const gz = 1 - fz;
      const zm = (gz * gz * gz) / 6;
      const zp2 = (fz * fz * fz) / 6;
      const zo = 2 / 3 - 0.5 * fz * fz * (2 - fz);
      const zp = 1 - zm - zo - zp2;
      let sum = 0;
      let a = xi - 1 + sy * (yi - 1) + sz * (zi - 1);
      for (let slice = 0; slice < 4; slice++) {
        const b = a + sy;
        const c = b + sy;
        const d = c + sy;
        const inSlice =
          ym * (xm * data[a] + xo * data[a + 1] + xp * data[a + 2] + xp2 * data[a + 3]) +
          yo * (xm * data[b] + xo * data[b + 1] + xp * data[b + 2] + xp2 * data[b + 3]) +
          yp * (xm * data[c] + xo * data[c + 1] + xp * data[c + 2] + xp2 * data[c + 3]) +
          yp2 * (xm * data[d] + xo * data[d + 1] + xp * data[d + 2] + xp2 * data[d + 3]);
        sum += inSlice * (slice === 0 ? zm : slice === 1 ? zo : slice === 2 ? zp : zp2);
        a += sz;
      }
      target[row + i] = sum;
    }
  });
}
