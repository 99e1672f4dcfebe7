import { percentile } from '../volume/histogram.js';
import type { Mask, Volume } from '../volume/volume.js';
import type { Window } from './picture.js';

/** White, as a multiple of how far the brain's median lies above black. */
const whiteToMedian = 2.2;

/**
 * The window in which a FLAIR is read: CSF nearly black, healthy tissue in the darker half, lesions
 * bright but not burnt out. Black is the 0.5th percentile of the values inside `brain`, a mask on
 * the same grid (of all values where it is empty), and white lies 2.2 times as far above it as the
 * median: a measure of healthy tissue, so that exams of one person look alike whatever their
 * lesions. Where that leaves no contrast, white is the 99.8th percentile.
 */
export function flairWindow(flair: Volume, brain?: Mask): Window {
  const inside = brain?.data.some((value) => value !== 0) ? brain.data : undefined;
  const black = percentile(flair.data, 0.5, inside);
  const median = percentile(flair.data, 50, inside);
  return median > black
    ? { black, white: black + whiteToMedian * (median - black) }
    : { black, white: percentile(flair.data, 99.8, inside) };
}
