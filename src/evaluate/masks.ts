import { DawsonError } from '../errors.js';
import { type Mask, onGrid, sameGrid, type Volume } from '../volume/volume.js';

/** A volume and the file it came from, for messages. */
export interface NamedVolume {
  readonly volume: Volume;
  readonly file: string;
}

/**
 * A reference and a prediction as masks of 0 and 1.
 *
 * @param ignoredReferenceLabel label of other pathology in the reference: its voxels are background
 *   in both masks (Kuijf et al. 2019). Null: the reference holds 0 and 1 alone.
 * @throws DawsonError `not-a-mask` for a file with other values, listing them; `inputs-conflict`
 *   when the grids differ, saying how.
 */
export function masksOf(
  reference: NamedVolume,
  prediction: NamedVolume,
  ignoredReferenceLabel: number | null,
): { reference: Mask; prediction: Mask } {
  requireSameGrid(reference, prediction);
  const allowed = ignoredReferenceLabel === null ? [0, 1] : [0, 1, ignoredReferenceLabel];
  requireValues(reference, allowed);
  requireValues(prediction, [0, 1]);
  const truth = reference.volume.data;
  const answer = prediction.volume.data;
  const referenceMask = new Uint8Array(truth.length);
  const predictionMask = new Uint8Array(truth.length);
  for (let voxel = 0; voxel < truth.length; voxel++) {
    if (truth[voxel] === 1) referenceMask[voxel] = 1;
    if (answer[voxel] === 1 && truth[voxel] !== ignoredReferenceLabel) predictionMask[voxel] = 1;
  }
  return {
    reference: onGrid(reference.volume, referenceMask),
    prediction: onGrid(prediction.volume, predictionMask),
  };
}

const shownValues = 8;

function requireValues({ volume, file }: NamedVolume, allowed: readonly number[]): void {
  const others = new Set<number>();
  const { data } = volume;
  for (let voxel = 0; voxel < data.length; voxel++) {
    const value = data[voxel];
    if (value !== 0 && value !== 1 && !allowed.includes(value)) {
      others.add(value);
      if (others.size > shownValues) break;
    }
  }
  if (others.size === 0) return;
  const values = [...others].sort((a, b) => a - b).slice(0, shownValues);
  throw new DawsonError('not-a-mask', {
    file,
    expected: `a mask with the values ${allowed.join(', ')}`,
    found: `also ${values.join(', ')}${others.size > shownValues ? ' and more' : ''}`,
  });
}

function requireSameGrid(reference: NamedVolume, prediction: NamedVolume): void {
  if (sameGrid(reference.volume, prediction.volume)) return;
  throw new DawsonError('inputs-conflict', {
    file: prediction.file,
    expected: `the grid of ${reference.file}`,
    found: gridDifference(reference.volume, prediction.volume),
    advice:
      'Give masks on the same grid, or add --resample to bring the prediction to the grid of ' +
      'the reference by its nearest voxels.',
  });
}

/** How the grid of the second volume differs from that of the first, in words. */
export function gridDifference(first: Volume, second: Volume): string {
  if (first.size.some((n, axis) => n !== second.size[axis])) {
    return `${second.size.join(' x ')} voxels instead of ${first.size.join(' x ')}`;
  }
  let farthestMm = 0;
  for (let corner = 0; corner < 8; corner++) {
    const index = first.size.map((n, axis) => ((corner >> axis) & 1 ? n - 1 : 0));
    const apart = [0, 1, 2].map((row) => {
      let difference = first.affine[4 * row + 3] - second.affine[4 * row + 3];
      for (let axis = 0; axis < 3; axis++) {
        const at = 4 * row + axis;
        difference += (first.affine[at] - second.affine[at]) * index[axis];
      }
      return difference;
    });
    farthestMm = Math.max(farthestMm, Math.hypot(...apart));
  }
  return `the same number of voxels at other places, up to ${farthestMm.toPrecision(3)} mm apart`;
}
