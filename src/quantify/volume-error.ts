import { type Mat4, type Vec3, voxelSizeMm, voxelVolumeMm3 } from '../volume/affine.js';
import { strides, type Volume } from '../volume/volume.js';

/**
 * How the border of a lesion is uncertain, measured on synthetic lesions of known volume under many
 * protocols (docs/methods/change.md).
 */
const borderModel = {
  /**
   * Share of a voxel's length by which the whole border is off, after volumes were compared as if both
   * exams had the same voxels.
   */
  common: 0.0225,
  /** The shape, which both exams' volumes rest on, is off by this multiple of the sharper exam's error. */
  shape: 2.5,
  /** For each unit of p (1 - p) around the border: a soft probability map is unsure. */
  soft: 0.5,
};

/** Area of a lesion's surface in mm2, seen along x, y and z, from both sides together. */
export type Surface = Vec3;

/** Surface of a set of voxels of 1 mm, of a grid of this size, along its axes. */
export function surfaceOf(voxels: readonly number[], size: Volume['size']): Surface {
  const own = new Set(voxels);
  const areas = strides(size).map((step) => {
    let faces = 0;
    for (const voxel of voxels) {
      if (!own.has(voxel + step)) faces++;
      if (!own.has(voxel - step)) faces++;
    }
    return faces;
  });
  return areas as unknown as Surface;
}

/**
 * Standard deviation in ml of the volume that an exam measures of a lesion, from the resolution of
 * the exam: where a voxel is long, a border across it is uncertain by a share of that length. Small
 * lesions and thick slices have large errors for their volume.
 * @param toExam RAS mm of the surface's axes to RAS mm of the exam, rigid
 */
export function resolutionErrorMl(surface: Surface, examAffine: Mat4, toExam: Mat4): number {
  let mm3 = 0;
  voxelSizeMm(examAffine).forEach((lengthMm, axis) => {
    // The voxel axis as a unit vector along the surface's axes: rotated back by the transpose.
    const along = [0, 1, 2].map((row) => examAffine[4 * row + axis] / lengthMm);
    for (let of = 0; of < 3; of++) {
      const share = along.reduce((sum, part, row) => sum + part * toExam[4 * row + of], 0);
      mm3 += lengthMm * surface[of] * share ** 2;
    }
  });
  return (borderModel.common * mm3) / 1000;
}

/**
 * Parts of the standard deviation, ml, of the difference of two exams' volumes, to be added in squares:
 * of each exam by itself, and of the shape that they are measured with, which nobody sees better than
 * the sharper exam. Where both have thick slices, this is most of it.
 */
export const resolutionErrorsMl = (firstMl: number, secondMl: number): readonly number[] => [
  firstMl,
  secondMl,
  borderModel.shape * Math.min(firstMl, secondMl),
];

/**
 * Standard deviation in ml of each lesion's volume, by id (index 0 is unused), from how it was
 * marked: of n border voxels each belongs to it in a share that is uniform from 0 to 1, and where
 * the probabilities p are soft around the border, half of the sum of p (1 - p) is unsure. Border
 * voxels touch what is not the lesion by a face.
 * @param labels ids of the lesions on the exam's own grid, 0 elsewhere
 */
export function markingErrorsMl(
  labels: Volume<Int32Array>,
  probability: Volume,
  count: number,
): Float64Array {
  const borderVoxels = new Float64Array(count + 1);
  const unsure = new Float64Array(count + 1);
  const { data, size } = labels;
  const steps = strides(size);
  const doubtAt = (voxel: number) => {
    const p = Math.max(0, Math.min(1, probability.data[voxel]));
    return p * (1 - p);
  };
  for (let k = 0, voxel = 0; k < size[2]; k++) {
    for (let j = 0; j < size[1]; j++) {
      for (let i = 0; i < size[0]; i++, voxel++) {
        const id = data[voxel];
        if (id === 0) continue;
        const index = [i, j, k];
        let isBorder = false;
        for (let axis = 0; axis < 3; axis++) {
          for (const side of [-1, 1]) {
            const neighbour = index[axis] + side;
            const isInGrid = neighbour >= 0 && neighbour < size[axis];
            if (isInGrid && data[voxel + side * steps[axis]] === id) continue;
            isBorder = true;
            // Counted once for each face by which it touches.
            if (isInGrid) unsure[id] += doubtAt(voxel + side * steps[axis]);
          }
        }
        if (!isBorder) continue;
        borderVoxels[id]++;
        unsure[id] += doubtAt(voxel);
      }
    }
  }
  const voxelMl = voxelVolumeMm3(labels.affine) / 1000;
  return borderVoxels.map(
    (n, id) => voxelMl * Math.hypot(Math.sqrt(n / 12), borderModel.soft * unsure[id]),
  );
}
