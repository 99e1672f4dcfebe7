import { gaussianSmooth } from '../volume/gaussian.js';
import { percentile } from '../volume/histogram.js';
import { type Mask, onGrid, type Volume } from '../volume/volume.js';
import type { LesionChange } from './change.js';
import { type ExamHalfway, type Mismatch, matchFlairs } from './matched-flairs.js';

/** An exam in the halfway space, with its probability of lesion. */
export interface SegmentedHalfway extends ExamHalfway {
  /** NaN where the exam shows nothing. */
  readonly probability: Volume<Float32Array>;
}

/** What the FLAIRs of two exams differ by, in the halfway space. */
export interface ImageDifference {
  /** 1 where both exams show brain. */
  readonly both: Mask;
  /** Current less previous, matched and smoothed, in standard deviations of unchanged places. */
  readonly difference: Volume<Float32Array>;
}

const smoothingMm = 1;
/** Exams may be the same file. */
const leastDeviation = 0.05;

/** The difference of two exams' FLAIRs; exchanging the exams changes its sign and nothing else. */
export function imageDifference(
  previous: SegmentedHalfway,
  current: SegmentedHalfway,
): ImageDifference | Mismatch {
  const lesions = [previous.probability.data, current.probability.data] as const;
  const matched = matchFlairs(previous, current, lesions);
  if (typeof matched === 'string') return matched;
  const smooth = gaussianSmooth(matched.difference, smoothingMm);
  const away = smooth.data.map((value) => Math.abs(value));
  const deviation = Math.max(leastDeviation, 1.4826 * percentile(away, 50, matched.both.data));
  const difference = onGrid(
    smooth,
    smooth.data.map((value, at) => (matched.both.data[at] === 0 ? 0 : value / deviation)),
  );
  return { both: matched.both, difference };
}

/**
 * Groups of lesions with what the images differ by there, their mean over the place; where the images
 * cannot be compared no change is claimed.
 * @param groups with their voxels in the halfway space
 */
export function withImages(
  groups: readonly (LesionChange & { readonly voxels: readonly number[] })[],
  images: ImageDifference | Mismatch | undefined,
): LesionChange[] {
  return groups.map(({ voxels, ...group }): LesionChange => {
    if (images === undefined) return group;
    if (typeof images === 'string') return { ...group, changeClass: 'uncertain', doubt: images };
    const { both, difference } = images;
    const shown = voxels.filter((voxel) => both.data[voxel] !== 0);
    const sum = shown.reduce((all, voxel) => all + difference.data[voxel], 0);
    const isShown = shown.length > 0 && 2 * shown.length >= voxels.length;
    return { ...group, deviations: isShown ? sum / shown.length : null };
  });
}
