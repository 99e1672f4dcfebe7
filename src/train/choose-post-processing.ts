import { definitions } from '../evaluate/definitions.js';
import { type LesionRule, lesionsAmong, peaksOf } from '../model/lesion-rule.js';
import { voxelVolumeMm3 } from '../volume/affine.js';
import { connectedComponents } from '../volume/components.js';
import { countNonZero, type Mask, maskWhere, onesWhere, type Volume } from '../volume/volume.js';
import { inWorker } from '../workers.js';

/** Thresholds to choose from; of equally good ones the first counts. */
export const thresholds: readonly number[] = [
  0.5, 0.45, 0.55, 0.4, 0.6, 0.35, 0.65, 0.3, 0.7, 0.25, 0.75, 0.2, 0.8, 0.15, 0.85, 0.1, 0.9, 0.05,
  0.95,
];
/** By which a lesion is found here. */
const { connectivity, match } = definitions['tenth-overlap'];
const minimumVolumesMm3 = [0, 3, 6, 9, 15, 30];
/** Not nearer to 1: thick slices lie beside the peak of a small lesion. */
const minimumPeaks = [undefined, 0.7, 0.8, 0.9, 0.95];

/**
 * The rules among which one is chosen; of equally good ones the first counts: the nearest to the
 * plain threshold of 0.5.
 */
export const candidateRules: readonly LesionRule[] = thresholds.flatMap((threshold) => [
  ...minimumPeaks
    .filter((peak) => peak === undefined || peak > threshold)
    .flatMap((minimumPeak) =>
      minimumVolumesMm3.map((minimumVolumeMm3) => ({
        threshold,
        minimumVolumeMm3,
        ...(minimumPeak !== undefined && { minimumPeak }),
        keepLargest: false,
        connectivity,
      })),
    ),
  { threshold, minimumVolumeMm3: 0, keepLargest: true, connectivity },
]);

/**
 * Dice similarity of one case under each of {@link candidateRules}, in their order; 1 where neither
 * mask has a voxel.
 * @param probability of a network that has not seen the case
 * @param smoothMl this volume counts as found rightly in every case, so that in one with next to no
 *   lesions a tenth of a millilitre does not count as much as everything
 * @throws RangeError when the two are of different size.
 */
export function diceByRule(probability: Volume, reference: Mask, smoothMl = 0): Float64Array {
  const judged = judgeCase(probability, reference);
  return Float64Array.from(
    candidateRules,
    (rule) =>
      scoreOf(
        judged,
        lesionsAmong(judged.componentsByThreshold.get(rule.threshold)!, rule),
        smoothMl,
      ).dice,
  );
}

export const diceByRuleInWorker = inWorker<typeof diceByRule>(import.meta.url, 'diceByRule');

/** What the score of any rule for a case depends on. */
export interface JudgedCase {
  readonly voxelMl: number;
  /** Voxels of each lesion of the reference; index 0 is not one. */
  readonly lesionSizesVoxels: Int32Array;
  readonly componentsByThreshold: ReadonlyMap<number, readonly Component[]>;
}

/** @throws RangeError when the two are of different size. */
export function judgeCase(probability: Volume, reference: Mask): JudgedCase {
  if (probability.data.length !== reference.data.length) {
    throw new RangeError(
      `${probability.data.length} probabilities for ${reference.data.length} voxels`,
    );
  }
  const lesions = connectedComponents(reference, connectivity);
  return {
    voxelMl: voxelVolumeMm3(probability.affine) / 1000,
    lesionSizesVoxels: lesions.sizesVoxels,
    componentsByThreshold: new Map(
      thresholds.map((threshold) => [threshold, componentsFrom(probability, lesions, threshold)]),
    ),
  };
}

export const judgeCaseInWorker = inWorker<typeof judgeCase>(import.meta.url, 'judgeCase');

/** How good a mask is, 0 to 1. */
export interface Score {
  /** Dice similarity; 1 where neither mask has a voxel. */
  readonly dice: number;
  /**
   * F1 of the lesions: one is found, and one that was found is real, where a tenth of it overlaps. One
   * more lesion counts as found rightly in every case, as `smoothMl` does for Dice.
   */
  readonly detection: number;
}

/** The score of the mask that some components make. */
export function scoreOf(
  { voxelMl, lesionSizesVoxels }: Omit<JudgedCase, 'componentsByThreshold'>,
  found: readonly Component[],
  smoothMl: number,
): Score {
  const smoothVoxels = smoothMl / voxelMl;
  const lesions = lesionSizesVoxels.length - 1;
  let [voxels, overlap, real] = [smoothVoxels, 0, 0];
  for (const component of found) {
    voxels += component.voxels;
    overlap += component.overlap;
    if (isReal(component)) real++;
  }
  for (let lesion = 1; lesion <= lesions; lesion++) voxels += lesionSizesVoxels[lesion];
  const hit = countNonZero(lesionsHit(lesionSizesVoxels, found));
  return {
    dice: voxels === 0 ? 1 : (2 * overlap + smoothVoxels) / voxels,
    detection: (hit + real + 2) / (lesions + found.length + 2),
  };
}

/** 1 for each lesion of the reference of which enough was found; index 0 is not one. */
export function lesionsHit(lesionSizesVoxels: Int32Array, found: readonly Component[]): Uint8Array {
  const overlapOf = new Int32Array(lesionSizesVoxels.length);
  for (const component of found) {
    for (const [lesion, shared] of component.overlapOf) overlapOf[lesion] += shared;
  }
  return onesWhere(
    lesionSizesVoxels,
    (voxels, lesion) => lesion > 0 && isReal({ voxels, overlap: overlapOf[lesion] }),
  );
}

/** Whether enough of a component lies in the reference, or of a lesion in what was found. */
export const isReal = ({ voxels, overlap }: Pick<Component, 'voxels' | 'overlap'>): boolean =>
  overlap >= match.atLeast * voxels;

/** A component of a thresholded map: how large, how probable, and how much of it lies in the reference. */
export interface Component {
  readonly voxels: number;
  readonly volumeMl: number;
  readonly maxProbability: number;
  readonly overlap: number;
  /** The same by lesion of the reference. */
  readonly overlapOf: ReadonlyMap<number, number>;
}

function componentsFrom(
  probability: Volume,
  reference: ReturnType<typeof connectedComponents>,
  threshold: number,
): Component[] {
  const mask = maskWhere(probability, (p) => p >= threshold);
  const { labels, count, sizesVoxels } = connectedComponents(mask, connectivity);
  const overlaps = Array.from({ length: count + 1 }, () => new Map<number, number>());
  for (let at = 0; at < labels.data.length; at++) {
    const lesion = reference.labels.data[at];
    if (lesion === 0 || labels.data[at] === 0) continue;
    const ofComponent = overlaps[labels.data[at]];
    ofComponent.set(lesion, (ofComponent.get(lesion) ?? 0) + 1);
  }
  const peaks = peaksOf(probability, labels.data, count);
  const voxelMl = voxelVolumeMm3(probability.affine) / 1000;
  return Array.from({ length: count }, (_, index) => ({
    voxels: sizesVoxels[index + 1],
    volumeMl: sizesVoxels[index + 1] * voxelMl,
    maxProbability: peaks[index + 1],
    overlap: [...overlaps[index + 1].values()].reduce((sum, voxels) => sum + voxels, 0),
    overlapOf: overlaps[index + 1],
  }));
}

/**
 * The rule with the largest mean score over the cases of the cross-validation.
 * @param cases for each a score of every rule, such as {@link diceByRule} gives
 */
export function bestRule(cases: readonly Float64Array[]): {
  rule: LesionRule;
  meanScore: number;
} {
  if (cases.length === 0) throw new RangeError('a rule from no cases');
  let [best, meanScore] = [0, -1];
  for (const index of candidateRules.keys()) {
    const mean = cases.reduce((sum, scores) => sum + scores[index], 0) / cases.length;
    // Sums in another order must not decide.
    if (mean > meanScore + 1e-12) [best, meanScore] = [index, mean];
  }
  return { rule: candidateRules[best], meanScore };
}
