import { percentile } from '../volume/histogram.js';
import type { Mask, Volume } from '../volume/volume.js';
import type { Window } from './picture.js';

/**
 * The window in which a FLAIR is read: CSF nearly black, white matter dark, lesions bright but not
 * burnt out. From the 0.5th to the 99.8th percentile of the values inside `brain`, a mask on the
 * same grid; of all values where it is empty.
 */
export function flairWindow(flair: Volume, brain?: Mask): Window {
  const inside = brain?.data.some((value) => value !== 0) ? brain.data : undefined;
  return {
    black: percentile(flair.data, 0.5, inside),
    white: percentile(flair.data, 99.8, inside),
  };
}
