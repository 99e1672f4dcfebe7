import { applyToPoint, type Mat4 } from './affine.js';
import type { Mask, Size, Volume, VoxelData } from './volume.js';
import { emptyLike, voxelCount } from './volume.js';

/** A box of voxels; it may reach beyond the grid that it is a box of. */
export interface Box {
  /** Index of its first voxel. */
  readonly first: Size;
  readonly size: Size;
}

/** The box of the mask and one voxel more on every side, so that each voxel in it has neighbours. */
export function paddedBox({ data, size }: Mask): Box | null {
  const first = [...size];
  const last = [-1, -1, -1];
  const index = [0, 0, 0];
  let at = 0;
  for (index[2] = 0; index[2] < size[2]; index[2]++) {
    for (index[1] = 0; index[1] < size[1]; index[1]++) {
      for (index[0] = 0; index[0] < size[0]; index[0]++, at++) {
        if (data[at] === 0) continue;
        for (let axis = 0; axis < 3; axis++) {
          if (index[axis] < first[axis]) first[axis] = index[axis];
          if (index[axis] > last[axis]) last[axis] = index[axis];
        }
      }
    }
  }
  if (last[0] < 0) return null;
  const [x, y, z] = first;
  return {
    first: [x - 1, y - 1, z - 1],
    size: [last[0] - x + 3, last[1] - y + 3, last[2] - z + 3],
  };
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
