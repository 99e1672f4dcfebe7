import { applyToPoint, mapAxes } from './affine.js';
import type { Grid, Volume } from './volume.js';

/**
 * Cubic voxels parallel to the scanner's axes around what is not 0 in a mask; a single one around
 * nothing. One of them lies on a voxel of the mask, so that nothing is interpolated in an exam that
 * has such voxels already.
 */
export function gridAround(
  { data, size, affine }: Volume,
  voxelMm: number,
  marginMm: number,
): Grid {
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  const [nx, ny] = size;
  for (let at = 0; at < data.length; at++) {
    if (data[at] === 0) continue;
    const row = Math.floor(at / nx);
    const point = applyToPoint(affine, [at % nx, row % ny, Math.floor(row / ny)]);
    for (let axis = 0; axis < 3; axis++) {
      low[axis] = Math.min(low[axis], point[axis]);
      high[axis] = Math.max(high[axis], point[axis]);
    }
  }
  const [x, y, z] = low.map((mm) => (Number.isFinite(mm) ? mm - marginMm : 0));
  const n = mapAxes(low, (mm, axis) =>
    Number.isFinite(mm) ? Math.ceil((high[axis] - mm + 2 * marginMm) / voxelMm - 1e-9) + 1 : 1,
  );
  return { size: n, affine: [voxelMm, 0, 0, x, 0, voxelMm, 0, y, 0, 0, voxelMm, z, 0, 0, 0, 1] };
}
