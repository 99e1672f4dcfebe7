import { applyToPoint, type Mat4, mapAxes } from './affine.js';
import type { Mask, Size, Volume, VoxelData } from './volume.js';
import { emptyLike, voxelCount } from './volume.js';

/** A box of voxels; it may reach beyond the grid that it is a box of. */
export interface Box {
  /** Index of its first voxel. */
  readonly first: Size;
  readonly size: Size;
}

/** The smallest box of the voxels for which a test holds; nothing where it holds for none. */
export function boxOfWhere(
  [nx, ny, nz]: Size,
  isInside: (voxel: number) => boolean,
): Box | undefined {
  let [left, right, front, back, bottom, top] = [nx, -1, ny, -1, nz, -1];
  for (let k = 0, voxel = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++) {
      for (let i = 0; i < nx; i++, voxel++) {
        if (!isInside(voxel)) continue;
        if (i < left) left = i;
        if (i > right) right = i;
        if (j < front) front = j;
        if (j > back) back = j;
        if (k < bottom) bottom = k;
        top = k;
      }
    }
  }
  if (top < 0) return undefined;
  const size: Size = [right - left + 1, back - front + 1, top - bottom + 1];
  return { first: [left, front, bottom], size };
}

/** The smallest box of what is not 0; nothing where all is. */
export const boxOfMask = ({ data, size }: Mask): Box | undefined =>
  boxOfWhere(size, (voxel) => data[voxel] !== 0);

/** The same; the whole grid where the mask is empty. */
export const boxOrAll = (mask: Mask): Box =>
  boxOfMask(mask) ?? { first: [0, 0, 0], size: mask.size };

/** The box of the mask and one voxel more on every side, so that each voxel in it has neighbours. */
export function paddedBox(mask: Mask): Box | undefined {
  const box = boxOfMask(mask);
  return (
    box && {
      first: mapAxes(box.first, (index) => index - 1),
      size: mapAxes(box.size, (n) => n + 2),
    }
  );
}

/** The part of a volume in a box, at its place in space; 0 where the box leaves the grid. */
export function cropTo<T extends VoxelData>(volume: Volume<T>, box: Box): Volume<T> {
  const data = emptyLike(volume.data, voxelCount(box.size));
  copyRows(volume, box, (inVolume, inBox, length) => {
    data.set(volume.data.subarray(inVolume, inVolume + length) as never, inBox);
  });
  const affine = [...volume.affine];
  const corner = applyToPoint(volume.affine, box.first);
  for (let row = 0; row < 3; row++) affine[4 * row + 3] = corner[row];
  return { data, size: box.size, affine: affine as unknown as Mat4 };
}

/** The values of a box at their place in a volume on the grid; 0 elsewhere. */
export function pasteInto<T extends VoxelData>(grid: Volume, cropped: Volume<T>, box: Box) {
  const data = emptyLike(cropped.data, grid.data.length);
  copyRows(grid, box, (inVolume, inBox, length) => {
    data.set(cropped.data.subarray(inBox, inBox + length) as never, inVolume);
  });
  return { data, size: grid.size, affine: grid.affine };
}

/** Calls with every row of voxels that the box and the grid share: where it starts in each. */
function copyRows(
  { size: [nx, ny, nz] }: Volume,
  { first: [x, y, z], size: [width, height, depth] }: Box,
  copy: (inVolume: number, inBox: number, length: number) => void,
): void {
  const from = Math.max(0, x);
  const length = Math.min(nx, x + width) - from;
  for (let k = Math.max(0, z); k < Math.min(nz, z + depth); k++) {
    for (let j = Math.max(0, y); j < Math.min(ny, y + height); j++) {
      copy(from + nx * (j + ny * k), from - x + width * (j - y + height * (k - z)), length);
    }
  }
}
