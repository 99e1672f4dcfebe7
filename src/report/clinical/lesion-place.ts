import type { Vec3 } from '../../volume/affine.js';
import type { Volume } from '../../volume/volume.js';
import { type Plane, planes } from '../slice.js';

/** Where a lesion is shown best. */
export interface LesionPlace {
  readonly slice: number;
  /** Mean position of its voxels in that slice, in voxels. */
  readonly centre: Vec3;
}

/** The slice with most of each lesion, the first of equal ones; `labels` holds the lesions' ids. */
export function lesionPlaces(
  { data, size }: Volume<Int32Array>,
  plane: Plane,
  ids: ReadonlySet<number>,
): Map<number, LesionPlace> {
  const [nx, ny, nz] = size;
  const axis = planes[plane];
  /** For each lesion and slice: number of voxels, and the sums of their three indices. */
  const sums = new Map([...ids].map((id) => [id, new Float64Array(4 * size[axis])]));
  for (let k = 0, voxel = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++) {
      for (let i = 0; i < nx; i++, voxel++) {
        const own = data[voxel] === 0 ? undefined : sums.get(data[voxel]);
        if (!own) continue;
        const at = 4 * (axis === 0 ? i : axis === 1 ? j : k);
        own[at]++;
        own[at + 1] += i;
        own[at + 2] += j;
        own[at + 3] += k;
      }
    }
  }
  const places = new Map<number, LesionPlace>();
  for (const [id, own] of sums) {
    let slice = 0;
    for (let index = 1; index < size[axis]; index++)
      if (own[4 * index] > own[4 * slice]) slice = index;
    const count = own[4 * slice];
    if (count === 0) continue;
    const [i, j, k] = own.slice(4 * slice + 1, 4 * slice + 4).map((sum) => sum / count);
    places.set(id, { slice, centre: [i, j, k] });
  }
  return places;
}
