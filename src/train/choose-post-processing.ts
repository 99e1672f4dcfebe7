import { isLargeEnough, type PostProcessing } from '../segment/lesion-rule.js';
import { voxelVolumeMm3 } from '../volume/affine.js';
import { connectedComponents } from '../volume/components.js';
import { type Mask, onGrid, type Volume } from '../volume/volume.js';

const thresholds = [
  0.5, 0.45, 0.55, 0.4, 0.6, 0.35, 0.65, 0.3, 0.7, 0.25, 0.75, 0.2, 0.8, 0.15, 0.85, 0.1, 0.9, 0.05,
  0.95,
];
const minimumVolumesMm3 = [0, 3, 6, 9, 15, 30];

/**
 * The rules among which one is chosen; of equally good ones the first counts: the nearest to the
 * plain threshold of 0.5.
 */
export const candidateRules: readonly PostProcessing[] = thresholds.flatMap((threshold) => [
  ...minimumVolumesMm3.map((minimumVolumeMm3) => ({
    threshold,
    minimumVolumeMm3,
    keepLargest: false,
  })),
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

/** What {@link diceByRule} gives, and the components at each threshold. */
export interface JudgedRules {
  readonly dice: Float64Array;
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
  let referenceVoxels = 0;
  for (let at = 0; at < data.length; at++) if (data[at] !== 0) referenceVoxels++;
  const dice = new Float64Array(candidateRules.length);
  const componentsByThreshold = new Map(
    thresholds.map((threshold) => [threshold, componentsFrom(probability, reference, threshold)]),
  );
  for (const [index, rule] of candidateRules.entries()) {
    const components = componentsByThreshold.get(rule.threshold)!;
    let [voxels, overlap] = [0, 0];
    for (const component of kept(components, rule)) {
      voxels += component.voxels;
      overlap += component.overlap;
    }
    const sum = voxels + referenceVoxels + smoothVoxels;
    dice[index] = sum === 0 ? 1 : (2 * overlap + smoothVoxels) / sum;
  }
  return { dice, componentsByThreshold };
}

/** Of a thresholded map: how large, how probable, and how much of it lies in the reference. */
export interface Component {
  readonly voxels: number;
  readonly volumeMl: number;
  readonly maxProbability: number;
  readonly overlap: number;
}

function componentsFrom(probability: Volume, reference: Mask, threshold: number): Component[] {
  const mask = Uint8Array.from(probability.data, (p) => (p >= threshold ? 1 : 0));
  const { labels, count, sizesVoxels } = connectedComponents(onGrid(probability, mask), 26);
  const overlaps = new Int32Array(count + 1);
  const highest = new Float32Array(count + 1);
  for (let at = 0; at < mask.length; at++) {
    const label = labels.data[at];
    if (label === 0) continue;
    if (reference.data[at] !== 0) overlaps[label]++;
    if (probability.data[at] > highest[label]) highest[label] = probability.data[at];
  }
  const voxelMl = voxelVolumeMm3(probability.affine) / 1000;
  return Array.from({ length: count }, (_, index) => ({
    voxels: sizesVoxels[index + 1],
    volumeMl: sizesVoxels[index + 1] * voxelMl,
    maxProbability: highest[index + 1],
    overlap: overlaps[index + 1],
  }));
}

/** Those that a rule keeps, as `lesionMask` does. */
export function kept(components: readonly Component[], rule: PostProcessing): readonly Component[] {
  if (!rule.keepLargest) {
    return components.filter(({ volumeMl }) => isLargeEnough(1, 1000 * volumeMl, rule));
  }
  if (components.length === 0) return [];
  return [components.reduce((best, one) => (one.voxels > best.voxels ? one : best))];
}

/**
 * The rule with the largest mean Dice similarity over the cases of the cross-validation.
 * @param cases what {@link diceByRule} gave for each
 */
export function bestRule(cases: readonly Float64Array[]): {
  rule: PostProcessing;
  meanDice: number;
} {
  if (cases.length === 0) throw new RangeError('a rule from no cases');
  let [best, meanDice] = [0, -1];
  for (const index of candidateRules.keys()) {
    const mean = cases.reduce((sum, dice) => sum + dice[index], 0) / cases.length;
    // Sums in another order must not decide.
    if (mean > meanDice + 1e-12) [best, meanDice] = [index, mean];
  }
  return { rule: candidateRules[best], meanDice };
}
