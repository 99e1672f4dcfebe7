import type { MaskPair } from './mask-pair.js';
import { ratio, type Undefined } from './undefined.js';

/** Voxel-wise agreement; null where a figure is undefined. */
export interface VoxelOverlap {
  /** Dice similarity coefficient, 2 |R and P| / (|R| + |P|). */
  readonly dsc: number | null;
  /** |R and P| / |R or P|. */
  readonly jaccard: number | null;
  /** Positive predictive value, |R and P| / |P|. */
  readonly precision: number | null;
  /** Sensitivity, |R and P| / |R|. */
  readonly recall: number | null;
  readonly specificity: number | null;
}

export interface Volumes {
  readonly referenceMl: number;
  readonly predictionMl: number;
  /** Prediction less reference. */
  readonly differenceMl: number;
  /** The difference in percent of the reference. */
  readonly differencePercent: number | null;
}

/**
 * Voxel-wise overlap of a pair. Two empty masks have no DSC (never 1): nothing was there to be
 * found, and a cohort's mean must not grow by it. An empty reference beside a prediction has a DSC
 * of 0.
 */
export function voxelOverlap(pair: MaskPair, undefinedFigures: Undefined): VoxelOverlap {
  const { reference, prediction, referenceVoxels: r, predictionVoxels: p } = pair;
  let both = 0;
  for (let voxel = 0; voxel < reference.data.length; voxel++) {
    if (reference.data[voxel] !== 0 && prediction.data[voxel] !== 0) both++;
  }
  const figure = (name: string, part: number, whole: number, reason: string) =>
    ratio(name, part, whole, reason, undefinedFigures);
  const negative = pair.imageVoxels - r;
  return {
    dsc: figure('dsc', 2 * both, r + p, 'both masks are empty'),
    jaccard: figure('jaccard', both, r + p - both, 'both masks are empty'),
    precision: figure('precision', both, p, 'the prediction is empty'),
    recall: figure('recall', both, r, 'the reference is empty'),
    specificity: figure('specificity', negative - (p - both), negative, 'the reference is full'),
  };
}

/** Volumes of a pair in ml. */
export function volumes(pair: MaskPair, undefinedFigures: Undefined): Volumes {
  const { referenceVoxels: r, predictionVoxels: p, voxelVolumeMm3 } = pair;
  return {
    referenceMl: (r * voxelVolumeMm3) / 1000,
    predictionMl: (p * voxelVolumeMm3) / 1000,
    differenceMl: ((p - r) * voxelVolumeMm3) / 1000,
    differencePercent: ratio(
      'volumes.differencePercent',
      100 * (p - r),
      r,
      'the reference is empty',
      undefinedFigures,
    ),
  };
}
