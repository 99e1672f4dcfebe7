import type { Mask, Volume } from '../volume/volume.js';

/**
 * An exam as segmenters take it: every sequence on one grid, with the intensities of the scanner
 * above their background, which is 0 (see `aboveBackground`; not normalised, not corrected), and the
 * brain. The images may show the whole head or only the brain; `brain` says where the brain is.
 */
export interface PreparedExam {
  readonly flair: Volume<Float32Array>;
  readonly t2?: Volume<Float32Array>;
  readonly t1?: Volume<Float32Array>;
  readonly brain: Mask;
  /** Where an atlas expects the tissues; absent where none was laid onto this head. */
  readonly tissuePriors?: TissuePriors;
}

/** Share of heads, 0 to 1, that have each tissue at a voxel; what is left is CSF or no brain. */
export interface TissuePriors {
  readonly gm: Volume<Float32Array>;
  readonly wm: Volume<Float32Array>;
}
