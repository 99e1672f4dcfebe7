import { voxelVolumeMm3 } from '../volume/affine.js';
import { connectedComponents } from '../volume/components.js';
import { type Mask, maskWhere, type Volume } from '../volume/volume.js';
import {
  type ConfidenceModel,
  confidencesOf,
  isAbove,
  type JudgedLesion,
} from './lesion-confidence.js';

/** How probabilities become lesions; for a model chosen on the cross-validation and stored with it. */
export interface PostProcessing {
  /** A voxel is lesion from this probability on. */
  readonly threshold: number;
  /** Components (26 neighbours) up to this volume are removed: a lesion is strictly larger. */
  readonly minimumVolumeMm3: number;
  /**
   * A component stays if one of its voxels has at least this probability; absent, the threshold does.
   * What is surely a lesion so gets its faint border, and a faint speck goes.
   */
  readonly minimumPeak?: number;
  /**
   * How likely a component is a real lesion, and from which `minimum` on it stays. What is small needs
   * another peak than what is large (docs/decisions/0094).
   */
  readonly confidence?: ConfidenceModel & { readonly minimum: number };
  /**
   * A voxel is lesion where its most probable class is one, as in nnU-Net, in the place of the
   * threshold: with several classes the two differ.
   */
  readonly byClass?: boolean;
  /** nnU-Net's own rule: only the largest component stays. For lesions it hardly ever helps. */
  readonly keepLargest: boolean;
}

/** MSSEG's rule for the size (docs/methods/lesions.md). */
export const msseg: PostProcessing = { threshold: 0.5, minimumVolumeMm3: 3, keepLargest: false };

/** nnU-Net's default, before anything is chosen. */
export const argmax: PostProcessing = { threshold: 0.5, minimumVolumeMm3: 0, keepLargest: false };

/**
 * The components that are lesions, in their order.
 * @param found all of one exam
 */
export function lesionsAmong<Component extends JudgedLesion>(
  found: readonly Component[],
  { minimumVolumeMm3, minimumPeak = 0, confidence, keepLargest }: Omit<PostProcessing, 'threshold'>,
): (Component & { readonly confidence?: number })[] {
  const confidences = confidence && confidencesOf(confidence, found);
  const judged = confidences
    ? found.map((component, index) => ({ ...component, confidence: confidences[index] }))
    : (found as readonly (Component & { readonly confidence?: number })[]);
  const lesions = judged.filter(
    (component) =>
      isAbove(component, minimumVolumeMm3) &&
      component.maxProbability >= minimumPeak &&
      (!confidence || component.confidence! >= confidence.minimum),
  );
  if (!keepLargest || lesions.length === 0) return lesions;
  return [lesions.reduce((best, one) => (one.volumeMl > best.volumeMl ? one : best))];
}

/** The lesion mask of a probability map. */
export function lesionMask(probability: Volume, rule: PostProcessing): Mask {
  const above = maskWhere(probability, (value) => value >= rule.threshold);
  const { labels, sizesVoxels, count } = connectedComponents(above, 26);
  const voxelMl = voxelVolumeMm3(probability.affine) / 1000;
  const peaks = peaksOf(probability, labels.data, count);
  const found = Array.from({ length: count }, (_, index) => ({
    label: index + 1,
    maxProbability: peaks[index + 1],
    volumeMl: sizesVoxels[index + 1] * voxelMl,
  }));
  const isKept = new Uint8Array(count + 1);
  for (const { label } of lesionsAmong(found, rule)) isKept[label] = 1;
  return maskWhere(labels, (label) => isKept[label] === 1);
}

/** The highest probability of each component, by label. */
export function peaksOf(
  probability: Volume,
  labels: ArrayLike<number>,
  count: number,
): Float32Array {
  const peaks = new Float32Array(count + 1);
  for (let at = 0; at < labels.length; at++) {
    const label = labels[at];
    if (label !== 0 && probability.data[at] > peaks[label]) peaks[label] = probability.data[at];
  }
  return peaks;
}
