import type { LabelMap, Volume } from '../volume/volume.js';

/** What a segmenter finds in a prepared exam, on the exam's grid. */
export interface Segmentation {
  /** Probability of lesion, 0 to 1; 0 outside the brain. */
  readonly probability: Volume<Float32Array>;
  /** A voxel is lesion from this probability on. */
  readonly threshold: number;
  /** The tissues that the segmenter told apart on its way, where it does. */
  readonly tissues?: LabelMap<Uint8Array>;
  /** What the reader of the result has to know: what was missing and what was done without it. */
  readonly notes: readonly string[];
}
