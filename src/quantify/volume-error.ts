import { voxelVolumeMm3 } from '../volume/affine.js';
import { strides, type Volume } from '../volume/volume.js';

/**
 * How the volume of a lesion is uncertain by its border, measured on synthetic lesions of known
 * volume under many protocols (docs/methods/change.md).
 */
const borderModel = {
  /** Standard deviation of how much of a border voxel belongs to the lesion: uniform from 0 to 1. */
  independent: 1 / Math.sqrt(12),
  /** Share of all border voxels by which a whole border is off: where it was drawn, partial volume. */
  common: 0.07,
  /** The same for each unit of p (1 - p) around the border: a soft probability map is unsure. */
  soft: 0.5,
};

/**
 * Standard deviation of each lesion's volume in ml, by id (index 0 is unused): of a lesion with n
 * border voxels of volume v, `v sqrt(n / 12 + (0.07 n)^2 + (0.5 u)^2)`, where u is the sum of
 * p (1 - p) over its border voxels and their neighbours outside. Border voxels touch what is not the
 * lesion by a face. Small lesions and thick slices have large errors for their volume.
 * @param labels ids of the lesions on the exam's own grid, 0 elsewhere
 */
export function volumeErrorsMl(
  labels: Volume<Int32Array>,
  probability: Volume,
  count: number,
): Float64Array {
  const borderVoxels = new Float64Array(count + 1);
  const unsure = new Float64Array(count + 1);
  const [nx, ny, nz] = labels.size;
  const steps = strides(labels.size);
  const size = [nx, ny, nz];
  const { data } = labels;
  const doubtAt = (voxel: number) => {
    const p = Math.max(0, Math.min(1, probability.data[voxel]));
    return p * (1 - p);
  };
  for (let k = 0, voxel = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++) {
      for (let i = 0; i < nx; i++, voxel++) {
        const id = data[voxel];
        if (id === 0) continue;
        const index = [i, j, k];
        let outside = 0;
        for (let axis = 0; axis < 3; axis++) {
          for (const side of [-1, 1]) {
            const neighbour = index[axis] + side;
            if (neighbour < 0 || neighbour >= size[axis]) outside++;
            else if (data[voxel + side * steps[axis]] !== id) {
              outside++;
              // Counted once for each face by which it touches.
              unsure[id] += doubtAt(voxel + side * steps[axis]);
            }
          }
        }
        if (outside === 0) continue;
        borderVoxels[id]++;
        unsure[id] += doubtAt(voxel);
      }
    }
  }
  const voxelMl = voxelVolumeMm3(labels.affine) / 1000;
  return borderVoxels.map((n, id) => {
    const { independent, common, soft } = borderModel;
    return voxelMl * Math.hypot(independent * Math.sqrt(n), common * n, soft * unsure[id]);
  });
}
