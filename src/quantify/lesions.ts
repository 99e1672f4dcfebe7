import { counted } from '../counted.js';
import { type LesionRule, lesionsAmong } from '../model/lesion-rule.js';
import { applyToPoint, mapAxes, type Vec3, voxelVolumeMm3 } from '../volume/affine.js';
import { connectedComponents } from '../volume/components.js';
import { type Mask, maskWhere, type Size, type Volume } from '../volume/volume.js';
import { inWorker } from '../workers.js';

/** One lesion: a connected component of the lesion mask on the FLAIR's own grid. */
export interface Lesion {
  /** 1 for the largest lesion, counting up as lesions get smaller. */
  readonly id: number;
  readonly sizeVoxels: number;
  readonly volumeMl: number;
  /** Mean position of its voxels, RAS mm. */
  readonly centroidMm: Vec3;
  /** Length of its box along the right, anterior and superior axes in mm, whole voxels included. */
  readonly extentMm: Vec3;
  /** First and last voxel index along each axis of the FLAIR's grid, both inside the lesion's box. */
  readonly boxVoxels: { readonly first: Vec3; readonly last: Vec3 };
  readonly meanProbability: number;
  readonly maxProbability: number;
  /** How likely it is a real one, 0 to 1; absent where the rule does not ask. */
  readonly confidence?: number;
}

/** The one lesion list of an exam, from which every count, table and picture is made. */
export interface Lesions {
  readonly list: readonly Lesion[];
  /** 1 where a listed lesion is, on the grid of the probability map. */
  readonly mask: Mask;
  readonly volumeMl: number;
}

/** A number of lesions in words. */
export const countOfLesions = (count: number): string => counted(count, 'lesion');

/**
 * The lesions in a probability map.
 *
 * Lesions are ordered by falling size; equal sizes by the place of their first voxel in memory, so
 * that the order is the same in every run. A map without a voxel above the threshold gives an empty
 * list.
 * @param labelled the voxels whose most probable class is a lesion, where the rule goes by class
 */
export function findLesions(
  probability: Volume<Float32Array>,
  rule: LesionRule,
  labelled?: Mask,
): Lesions {
  const { affine } = probability;
  const { labels, count, sizesVoxels } = connectedComponents(
    labelled ?? maskWhere(probability, (value) => value >= rule.threshold),
    rule.connectivity,
  );
  const voxelMl = voxelVolumeMm3(affine) / 1000;
  const measured = measure(probability, labels.data, count);
  const found = Array.from({ length: count }, (_, index) => ({
    label: index + 1,
    maxProbability: measured[index + 1].maxProbability,
    volumeMl: sizesVoxels[index + 1] * voxelMl,
  }));
  const kept = lesionsAmong(found, rule).sort(
    (a, b) => sizesVoxels[b.label] - sizesVoxels[a.label] || a.label - b.label,
  );

  const list = kept.map(({ label, volumeMl, maxProbability, confidence }, index): Lesion => {
    const { first, last, indexSum, probabilitySum } = measured[label];
    const sizeVoxels = sizesVoxels[label];
    const centroid = mapAxes(indexSum, (sum) => sum / sizeVoxels);
    return {
      id: index + 1,
      sizeVoxels,
      volumeMl,
      centroidMm: applyToPoint(affine, centroid),
      extentMm: mapAxes([0, 1, 2], (row) =>
        [0, 1, 2].reduce(
          (sum, axis) => sum + Math.abs(affine[4 * row + axis]) * (last[axis] - first[axis] + 1),
          0,
        ),
      ),
      boxVoxels: { first, last },
      meanProbability: probabilitySum / sizeVoxels,
      maxProbability,
      ...(confidence !== undefined && { confidence }),
    };
  });

  const isKept = new Uint8Array(count + 1);
  for (const { label } of kept) isKept[label] = 1;
  const mask = maskWhere(labels, (label) => isKept[label] === 1);
  return { list, mask, volumeMl: list.reduce((sum, lesion) => sum + lesion.volumeMl, 0) };
}

export const findLesionsInWorker = inWorker<typeof findLesions>(import.meta.url, 'findLesions');

interface Measured {
  first: [number, number, number];
  last: [number, number, number];
  indexSum: [number, number, number];
  probabilitySum: number;
  maxProbability: number;
}

/** Box, index sums and probabilities of every component, in one pass over the volume. */
function measure(probability: Volume<Float32Array>, labels: Int32Array, count: number): Measured[] {
  const [nx, ny, nz]: Size = probability.size;
  const measured = Array.from(
    { length: count + 1 },
    (): Measured => ({
      first: [nx, ny, nz],
      last: [-1, -1, -1],
      indexSum: [0, 0, 0],
      probabilitySum: 0,
      maxProbability: 0,
    }),
  );
  let voxel = 0;
  for (let k = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++) {
      for (let i = 0; i < nx; i++, voxel++) {
        if (labels[voxel] === 0) continue;
        const component = measured[labels[voxel]];
        const index = [i, j, k];
        for (let axis = 0; axis < 3; axis++) {
          component.first[axis] = Math.min(component.first[axis], index[axis]);
          component.last[axis] = Math.max(component.last[axis], index[axis]);
          component.indexSum[axis] += index[axis];
        }
        component.probabilitySum += probability.data[voxel];
        component.maxProbability = Math.max(component.maxProbability, probability.data[voxel]);
      }
    }
  }
  return measured;
}
