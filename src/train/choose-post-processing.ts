import {
  isLargeEnough,
  isProbableEnough,
  type PostProcessing,
  peaksOf,
} from '../segment/lesion-rule.js';
import { voxelVolumeMm3 } from '../volume/affine.js';
import { connectedComponents } from '../volume/components.js';
import { type Mask, onGrid, type Volume } from '../volume/volume.js';

const thresholds = [
  0.5, 0.45, 0.55, 0.4, 0.6, 0.35, 0.65, 0.3, 0.7, 0.25, 0.75, 0.2, 0.8, 0.15, 0.85, 0.1, 0.9, 0.05,
  0.95,
];
const minimumVolumesMm3 = [0, 3, 6, 9, 15, 30];
/** Not nearer to 1: thick slices lie beside the peak of a small lesion. */
const minimumPeaks = [undefined, 0.7, 0.8, 0.9, 0.95];

/**
 * The rules among which one is chosen; of equally good ones the first counts: the nearest to the
 * plain threshold of 0.5.
 */
export const candidateRules: readonly PostProcessing[] = thresholds.flatMap((threshold) => [
  ...minimumPeaks
    .filter((peak) => peak === undefined || peak > threshold)
    .flatMap((minimumPeak) =>
      minimumVolumesMm3.map((minimumVolumeMm3) => ({
        threshold,
        minimumVolumeMm3,
        ...(minimumPeak !== undefined && { minimumPeak }),
        keepLargest: false,
      })),
    ),
  { threshold, minimumVolumeMm3: 0, keepLargest: true },
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
  return judgeRules(probability, reference, smoothMl).dice;
}

/** How a case does under each of {@link candidateRules}, and the components at each threshold. */
export interface JudgedRules {
  readonly dice: Float64Array;
  /**
   * F1 of the lesions: one is found, and one that was found is real, where a tenth of it overlaps. One
   * more lesion counts as found rightly in every case, as `smoothMl` does for Dice.
   */
  readonly detection: Float64Array;
  readonly componentsByThreshold: ReadonlyMap<number, readonly Component[]>;
}

/** {@link diceByRule}, with what it found on the way. */
export function judgeRules(probability: Volume, reference: Mask, smoothMl: number): JudgedRules {
  const { data } = reference;
  if (probability.data.length !== data.length) {
    throw new RangeError(`${probability.data.length} probabilities for ${data.length} voxels`);
  }
  const voxelMm3 = voxelVolumeMm3(probability.affine);
  const smoothVoxels = (1000 * smoothMl) / voxelMm3;
  const lesions = connectedComponents(reference, 26);
  const referenceVoxels = reference.data.length - lesions.sizesVoxels[0];
  const dice = new Float64Array(candidateRules.length);
  const detection = new Float64Array(candidateRules.length);
  const componentsByThreshold = new Map(
    thresholds.map((threshold) => [threshold, componentsFrom(probability, lesions, threshold)]),
  );
  for (const [index, rule] of candidateRules.entries()) {
    const found = kept(componentsByThreshold.get(rule.threshold)!, rule);
    let [voxels, overlap, real] = [0, 0, 0];
    const overlapOf = new Int32Array(lesions.count + 1);
    for (const component of found) {
      voxels += component.voxels;
      overlap += component.overlap;
      if (isReal(component)) real++;
      for (const [lesion, shared] of component.overlapOf) overlapOf[lesion] += shared;
    }
    const sum = voxels + referenceVoxels + smoothVoxels;
    dice[index] = sum === 0 ? 1 : (2 * overlap + smoothVoxels) / sum;
    const hit = overlapOf.reduce(
      (n, shared, lesion) =>
        n +
        (shared > 0 && isReal({ voxels: lesions.sizesVoxels[lesion], overlap: shared }) ? 1 : 0),
      0,
    );
    detection[index] = (hit + real + 2) / (lesions.count + found.length + 2);
  }
  return { dice, detection, componentsByThreshold };
}

/** Least share of a lesion that both masks have, for it to be one of both. */
const leastShared = 0.1;

/** Whether enough of a component lies in the reference. */
export const isReal = ({ voxels, overlap }: Pick<Component, 'voxels' | 'overlap'>): boolean =>
  overlap >= leastShared * voxels;

/** Of a thresholded map: how large, how probable, and how much of it lies in the reference. */
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
  const mask = Uint8Array.from(probability.data, (p) => (p >= threshold ? 1 : 0));
  const { labels, count, sizesVoxels } = connectedComponents(onGrid(probability, mask), 26);
  const overlaps = Array.from({ length: count + 1 }, () => new Map<number, number>());
  for (let at = 0; at < mask.length; at++) {
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

/** Those that a rule keeps, as `lesionMask` does. */
export function kept(components: readonly Component[], rule: PostProcessing): readonly Component[] {
  if (!rule.keepLargest) {
    return components.filter(
      ({ volumeMl, maxProbability }) =>
        isLargeEnough(1, 1000 * volumeMl, rule) && isProbableEnough(maxProbability, rule),
    );
  }
  if (components.length === 0) return [];
  return [components.reduce((best, one) => (one.voxels > best.voxels ? one : best))];
}

/**
 * The rule with the largest mean score over the cases of the cross-validation.
 * @param cases for each a score of every rule, such as {@link diceByRule} gives
 */
export function bestRule(cases: readonly Float64Array[]): {
  rule: PostProcessing;
  /** Of {@link candidateRules}. */
  index: number;
  meanScore: number;
} {
  if (cases.length === 0) throw new RangeError('a rule from no cases');
  let [best, meanScore] = [0, -1];
  for (const index of candidateRules.keys()) {
    const mean = cases.reduce((sum, scores) => sum + scores[index], 0) / cases.length;
    // Sums in another order must not decide.
    if (mean > meanScore + 1e-12) [best, meanScore] = [index, mean];
  }
  return { rule: candidateRules[best], index: best, meanScore };
}
