import type { Vec3 } from '../volume/affine.js';
import type { Mask } from '../volume/volume.js';

/** First and last voxel index along each axis, both inside. */
export interface Box {
  readonly first: Vec3;
  readonly last: Vec3;
}

/** The box of the non-zero voxels; the whole grid when there are none. */
export function boxOf(mask: Mask): Box {
  const [nx, ny, nz] = mask.size;
  const first = [nx, ny, nz];
  const last = [-1, -1, -1];
  for (let k = 0, voxel = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++) {
      for (let i = 0; i < nx; i++, voxel++) {
        if (mask.data[voxel] === 0) continue;
        if (i < first[0]) first[0] = i;
        if (i > last[0]) last[0] = i;
        if (j < first[1]) first[1] = j;
        if (j > last[1]) last[1] = j;
        if (k < first[2]) first[2] = k;
        last[2] = k;
      }
    }
  }
  if (last[0] < 0) return { first: [0, 0, 0], last: [nx - 1, ny - 1, nz - 1] };
  return { first: first as unknown as Vec3, last: last as unknown as Vec3 };
}
