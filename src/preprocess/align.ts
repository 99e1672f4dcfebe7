import { identity, type Mat4 } from '../volume/affine.js';
import { aboveBackground, backgroundOf } from '../volume/background.js';
import { resample } from '../volume/resample.js';
import type { Grid, Volume } from '../volume/volume.js';
import { inWorker } from '../workers.js';
import { register } from './register.js';

/** A sequence on the reference's grid, and the map that brought it there. */
export interface Aligned {
  /** Maps points of the reference to points of the sequence, RAS mm. */
  readonly referenceToSequence: Mat4;
  /** Resampled once, by cubic B-splines, from the original voxels; background outside of them. */
  readonly resampled: Volume<Float32Array>;
}

/**
 * Brings a sequence onto the grid of the reference, both as whole heads, by registration with 6 or
 * 12 degrees of freedom; with 0 the headers are trusted as they are.
 * @throws DawsonError `registration-failed`.
 */
export function alignTo(
  reference: Volume<Float32Array>,
  sequence: Volume<Float32Array>,
  degreesOfFreedom: 0 | 6 | 12,
): Aligned {
  const referenceToSequence =
    degreesOfFreedom === 0
      ? identity
      : register(aboveBackground(reference), aboveBackground(sequence), { dof: degreesOfFreedom })
          .fixedToMoving;
  return {
    referenceToSequence,
    resampled: resampleOnto(reference, sequence, referenceToSequence),
  };
}

export const alignToInWorker = inWorker<typeof alignTo>(import.meta.url, 'alignTo');

/** A volume on another grid, by cubic B-splines within the range of its own values. */
export function resampleOnto(
  grid: Grid,
  volume: Volume<Float32Array>,
  gridToVolume: Mat4,
): Volume<Float32Array> {
  return resample(volume, grid, {
    toMoving: gridToVolume,
    interpolation: 'cubic',
    outside: backgroundOf(volume),
  }) as Volume<Float32Array>;
}
