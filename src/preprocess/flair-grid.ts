import { invert, type Mat4, multiply } from '../volume/affine.js';
import { orientationOf, reorient } from '../volume/reorient.js';
import { resample } from '../volume/resample.js';
import { onGrid, type Volume } from '../volume/volume.js';
import type { Exam, SequenceName } from './exam.js';
import type { Preparation } from './prepare.js';

/** Maps points of the FLAIR to points of the head atlas, RAS mm. */
export function flairToAtlas({ referenceToAtlas, transforms }: Preparation): Mat4 {
  return multiply(referenceToAtlas, invert(transforms.flair!));
}

/** Maps points of the FLAIR to points of another sequence, RAS mm. */
export function flairTo(name: SequenceName, { transforms }: Preparation): Mat4 {
  return multiply(transforms[name]!, invert(transforms.flair!));
}

/**
 * A volume of the prepared exam on the FLAIR's own grid: exactly its voxels where the FLAIR is the
 * reference, resampled where it is not.
 */
export function onFlairGrid<V extends Volume>(volume: V, preparation: Preparation, exam: Exam): V {
  const flair = exam.flair.volume;
  if (preparation.reference === 'flair') {
    return onGrid(flair, reorient(volume, orientationOf(flair.affine)).data) as V;
  }
  return resample(volume, flair, {
    toMoving: invert(preparation.transforms.flair!),
    interpolation: volume.data instanceof Float32Array ? 'linear' : 'nearest',
  }) as V;
}
