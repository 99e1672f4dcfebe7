import { voxelVolumeMm3 } from '../volume/affine.js';
import { connectedComponents } from '../volume/components.js';
import { type Mask, onGrid, type Volume } from '../volume/volume.js';

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
  /** nnU-Net's own rule: only the largest component stays. For lesions it hardly ever helps. */
  readonly keepLargest: boolean;
}

/** MSSEG's rule for the size (docs/methods/lesions.md). */
export const msseg: PostProcessing = { threshold: 0.5, minimumVolumeMm3: 3, keepLargest: false };

/** nnU-Net's default, before anything is chosen. */
export const argmax: PostProcessing = { threshold: 0.5, minimumVolumeMm3: 0, keepLargest: false };

/** Whether a component is large enough for a lesion; rounding of voxel sizes does not decide. */
export const isLargeEnough = (
  sizeVoxels: number,
  voxelMm3: number,
  { minimumVolumeMm3 }: Pick<PostProcessing, 'minimumVolumeMm3'>,
): boolean => sizeVoxels * voxelMm3 > minimumVolumeMm3 * (1 + 1e-5);

/** Whether a component is probable enough somewhere. */
export const isProbableEnough = (
  maxProbability: number,
  { minimumPeak = 0 }: Pick<PostProcessing, 'minimumPeak'>,
): boolean => maxProbability >= minimumPeak;

/** The lesion mask of a probability map. */
export function lesionMask(probability: Volume, rule: PostProcessing): Mask {
  const mask = new Uint8Array(probability.data.length);
  for (let at = 0; at < mask.length; at++) if (probability.data[at] >= rule.threshold) mask[at] = 1;
  const volume = onGrid(probability, mask);
  if (rule.minimumVolumeMm3 === 0 && !rule.minimumPeak && !rule.keepLargest) return volume;
  const { labels, sizesVoxels, count } = connectedComponents(volume, 26);
  const voxelMm3 = voxelVolumeMm3(probability.affine);
  const peaks = peaksOf(probability, labels.data, count);
  let largest = 0;
  for (let label = 1; label <= count; label++) {
    if (largest === 0 || sizesVoxels[label] > sizesVoxels[largest]) largest = label;
  }
  for (let at = 0; at < mask.length; at++) {
    const label = labels.data[at];
    if (label === 0) continue;
    const kept =
      isLargeEnough(sizesVoxels[label], voxelMm3, rule) && isProbableEnough(peaks[label], rule);
    if (!kept || (rule.keepLargest && label !== largest)) mask[at] = 0;
  }
  return volume;
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
