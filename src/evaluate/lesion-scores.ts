import type { Connectivity } from '../volume/components.js';
import type { Definition } from './definitions.js';
import type { LesionOverlap } from './lesion-overlap.js';
import { type Matches, matchLesions } from './match-lesions.js';
import type { Undefined } from './undefined.js';

/** Figures of the lesions of one range of sizes. */
export interface SizeClassScores {
  /** Lesions larger than this, in mm3, ... */
  readonly aboveMm3: number;
  /** ... and up to this; null: no bound. */
  readonly upToMm3: number | null;
  readonly referenceLesions: number;
  readonly detectedLesions: number;
  readonly predictedLesions: number;
  readonly confirmedLesions: number;
  /** Part of the reference's lesions of this size that was detected. */
  readonly recall: number | null;
  /** Part of the prediction's lesions of this size that is true. */
  readonly precision: number | null;
}

/** Lesion-wise agreement of a pair, with what "lesion" and "found" meant. */
export interface LesionScores {
  readonly definition: string;
  readonly connectivity: Connectivity;
  readonly minimumMm3: number;
  readonly referenceLesions: number;
  readonly predictedLesions: number;
  /** Lesions of the reference that were detected. */
  readonly detectedLesions: number;
  /** Lesions of the prediction that are true. */
  readonly confirmedLesions: number;
  readonly predictedLesionsMl: number;
  /** confirmedLesions / predictedLesions. */
  readonly precision: number | null;
  /** detectedLesions / referenceLesions. */
  readonly recall: number | null;
  /** Harmonic mean of precision and recall; 0 when one of them is 0 or alone undefined. */
  readonly f1: number | null;
  readonly bySize: readonly SizeClassScores[];
  /** One-to-one definitions only: mean intersection over union of the matched pairs, ... */
  readonly segmentationQuality?: number | null;
  /** ... and that times F1. */
  readonly panopticQuality?: number | null;
}

/** Bounds of the size classes in mm3. */
export const sizeClassBoundsMm3 = [10, 50, 250] as const;

/**
 * Scores the lesions of a pair under a definition whose `connectivity` and `minimumMm3` made the
 * overlap. What happens when there are no lesions on one side is the definition's row:
 *
 * - An empty reference mask under `emptyReferenceCountsOnly`: precision, recall and F1 are null,
 *   the predicted lesions and their volume are what counts.
 * - No predicted lesion: precision is `precisionOfNone`; no reference lesion: recall is
 *   `recallOfNone`. F1 is null when both are, and 0 when one is.
 */
export function lesionScores(
  overlap: LesionOverlap,
  definition: Definition & { readonly connectivity: Connectivity },
  referenceIsEmpty: boolean,
  voxelVolumeMm3: number,
  undefinedFigures: Undefined,
): LesionScores {
  const { name, connectivity, minimumMm3, match } = definition;
  const matches = matchLesions(overlap, match);
  const referenceLesions = overlap.referenceSizes.length;
  const predictedLesions = overlap.predictionSizes.length;
  const detectedLesions = count(matches.detected);
  const confirmedLesions = count(matches.confirmed);
  const predictedVoxels = overlap.predictionSizes.reduce((sum, size) => sum + size, 0);

  let precision = predictedLesions
    ? confirmedLesions / predictedLesions
    : definition.precisionOfNone;
  let recall = referenceLesions ? detectedLesions / referenceLesions : definition.recallOfNone;
  let f1 = harmonicMean(precision, recall);
  if (definition.emptyReferenceCountsOnly && referenceIsEmpty) precision = recall = f1 = null;
  for (const [figure, value] of Object.entries({ precision, recall, f1 })) {
    if (value !== null) continue;
    undefinedFigures[`lesionwise.${figure}`] =
      definition.emptyReferenceCountsOnly && referenceIsEmpty
        ? 'the reference is empty: the number and volume of predicted lesions count'
        : ({ precision: 'no lesion predicted', recall: 'no lesion in the reference' }[figure] ??
          'no lesion on either side');
  }
  return {
    definition: name,
    connectivity,
    minimumMm3,
    referenceLesions,
    predictedLesions,
    detectedLesions,
    confirmedLesions,
    predictedLesionsMl: (predictedVoxels * voxelVolumeMm3) / 1000,
    precision,
    recall,
    f1,
    bySize: bySize(overlap, matches, voxelVolumeMm3),
    ...(match.kind === 'one-to-one' ? panopticQuality(matches, f1, undefinedFigures) : {}),
  };
}

const count = (flags: readonly boolean[]) => flags.filter(Boolean).length;

function harmonicMean(precision: number | null, recall: number | null): number | null {
  if (precision === null && recall === null) return null;
  if (precision === null || recall === null || precision + recall === 0) return 0;
  return (2 * precision * recall) / (precision + recall);
}

/** Kirillov et al. 2019; without a match both are 0, without any lesion null. */
function panopticQuality({ pairIous }: Matches, f1: number | null, undefinedFigures: Undefined) {
  if (f1 === null) {
    undefinedFigures['lesionwise.segmentationQuality'] = 'no lesion on either side';
    undefinedFigures['lesionwise.panopticQuality'] = 'no lesion on either side';
    return { segmentationQuality: null, panopticQuality: null };
  }
  const sum = pairIous.reduce((total, iou) => total + iou, 0);
  const segmentationQuality = pairIous.length === 0 ? 0 : sum / pairIous.length;
  return { segmentationQuality, panopticQuality: segmentationQuality * f1 };
}

function bySize(
  { referenceSizes, predictionSizes }: LesionOverlap,
  { detected, confirmed }: Matches,
  voxelVolumeMm3: number,
): SizeClassScores[] {
  const bounds: (number | null)[] = [0, ...sizeClassBoundsMm3, null];
  return bounds.slice(0, -1).map((lower, index) => {
    const aboveMm3 = lower as number;
    const upToMm3 = bounds[index + 1];
    const inClass = (sizeVoxels: number) => {
      const sizeMm3 = sizeVoxels * voxelVolumeMm3;
      return sizeMm3 > aboveMm3 && (upToMm3 === null || sizeMm3 <= upToMm3);
    };
    const referenceLesions = referenceSizes.filter(inClass).length;
    const predictedLesions = predictionSizes.filter(inClass).length;
    const detectedLesions = referenceSizes.filter((size, n) => detected[n] && inClass(size)).length;
    const confirmedLesions = predictionSizes.filter(
      (size, n) => confirmed[n] && inClass(size),
    ).length;
    return {
      aboveMm3,
      upToMm3,
      referenceLesions,
      detectedLesions,
      predictedLesions,
      confirmedLesions,
      recall: referenceLesions === 0 ? null : detectedLesions / referenceLesions,
      precision: predictedLesions === 0 ? null : confirmedLesions / predictedLesions,
    };
  });
}
