import { type Connectivity, connectedComponents } from '../volume/components.js';
import type { Mask } from '../volume/volume.js';
import type { MaskPair } from './mask-pair.js';

/** The lesions of one mask: largest first, of equal ones the one first in memory. */
export interface MaskLesions {
  /** Label of each voxel of the mask: 0 none, n the lesion number n - 1 of `sizesVoxels`. */
  readonly labels: Int32Array;
  readonly sizesVoxels: readonly number[];
}

/** Voxels that lesion number `reference` and lesion number `prediction` share. */
export interface SharedVoxels {
  readonly reference: number;
  readonly prediction: number;
  readonly voxels: number;
}

/** How the lesions of two masks lie on each other; lesions are numbered from 0. */
export interface LesionOverlap {
  readonly referenceSizes: readonly number[];
  readonly predictionSizes: readonly number[];
  /** One entry for each two lesions that share voxels, by reference, then prediction. */
  readonly shared: readonly SharedVoxels[];
}

/**
 * The components of a mask that are strictly larger than `minimumMm3`. Voxels of smaller components
 * count as background.
 */
export function lesionsOf(
  mask: Mask,
  connectivity: Connectivity,
  minimumMm3: number,
  voxelVolumeMm3: number,
): MaskLesions {
  const { labels, count, sizesVoxels } = connectedComponents(mask, connectivity);
  const minimumVoxels = Math.floor(minimumMm3 / voxelVolumeMm3) + 1;
  const kept = Array.from({ length: count }, (_, index) => index + 1)
    .filter((label) => sizesVoxels[label] >= minimumVoxels)
    .sort((a, b) => sizesVoxels[b] - sizesVoxels[a] || a - b);
  const rank = new Int32Array(count + 1);
  for (const [index, label] of kept.entries()) rank[label] = index + 1;
  const ranks = labels.data;
  for (let voxel = 0; voxel < ranks.length; voxel++) {
    if (ranks[voxel] !== 0) ranks[voxel] = rank[ranks[voxel]];
  }
  return {
    labels: ranks,
    sizesVoxels: kept.map((label) => sizesVoxels[label]),
  };
}

/** Which lesions of a pair share how many voxels. */
export function lesionOverlap(
  pair: MaskPair,
  connectivity: Connectivity,
  minimumMm3: number,
): LesionOverlap {
  const { voxelVolumeMm3 } = pair;
  const reference = lesionsOf(pair.reference, connectivity, minimumMm3, voxelVolumeMm3);
  const prediction = lesionsOf(pair.prediction, connectivity, minimumMm3, voxelVolumeMm3);
  const columns = prediction.sizesVoxels.length;
  const counts = new Map<number, number>();
  for (let voxel = 0; voxel < reference.labels.length; voxel++) {
    const row = reference.labels[voxel];
    if (row === 0) continue;
    const column = prediction.labels[voxel];
    if (column === 0) continue;
    const cell = (row - 1) * columns + column - 1;
    counts.set(cell, (counts.get(cell) ?? 0) + 1);
  }
  const shared = [...counts]
    .sort(([a], [b]) => a - b)
    .map(([cell, voxels]) => ({
      reference: Math.floor(cell / columns),
      prediction: cell % columns,
      voxels,
    }));
  return {
    referenceSizes: reference.sizesVoxels,
    predictionSizes: prediction.sizesVoxels,
    shared,
  };
}

/** The overlap seen from the other side. */
export function transposed({ referenceSizes, predictionSizes, shared }: LesionOverlap) {
  return {
    referenceSizes: predictionSizes,
    predictionSizes: referenceSizes,
    shared: shared
      .map(({ reference, prediction, voxels }) => ({
        reference: prediction,
        prediction: reference,
        voxels,
      }))
      .sort((a, b) => a.reference - b.reference || a.prediction - b.prediction),
  } satisfies LesionOverlap;
}
