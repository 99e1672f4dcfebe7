import { DawsonError } from '../errors.js';
import {
  gridDifference,
  type Mask,
  onGrid,
  sameGrid,
  type Volume,
  type VoxelData,
} from '../volume/volume.js';

/** A volume and the file it came from, for messages. */
export interface NamedVolume {
  readonly volume: Volume;
  readonly file: string;
}

/**
 * A reference and a prediction as masks of 0 and 1, and what was assumed to make them so.
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
): { reference: Mask; prediction: Mask; notes: string[] } {
  const notes = requireSameGrid(reference, prediction);
  const allowed = ignoredReferenceLabel === null ? [0, 1] : [0, 1, ignoredReferenceLabel];
  const lesionInTruth = lesionValue(reference, allowed, notes);
  const lesionInAnswer = lesionValue(prediction, [0, 1], notes);
  const truth = reference.volume.data;
  const answer = prediction.volume.data;
  const referenceMask = new Uint8Array(truth.length);
  const predictionMask = new Uint8Array(truth.length);
  for (let voxel = 0; voxel < truth.length; voxel++) {
    if (truth[voxel] === lesionInTruth) referenceMask[voxel] = 1;
    if (answer[voxel] === lesionInAnswer && truth[voxel] !== ignoredReferenceLabel) {
      predictionMask[voxel] = 1;
    }
  }
  return {
    reference: onGrid(reference.volume, referenceMask),
    prediction: onGrid(prediction.volume, predictionMask),
    notes,
  };
}

/** White in pictures of one byte: programs that work on pictures write masks of it. */
const white = 255;

/** Whether a value of a mask that {@link masksOf} takes marks a lesion. */
export const marksLesion = (value: number) => value === 1 || value === white;

const shownValues = 8;

/** The value that marks lesions: 1, or 255 where the file holds it and 0 alone. */
function lesionValue(
  { volume, file }: NamedVolume,
  allowed: readonly number[],
  notes: string[],
): number {
  const present = valuesOf(volume.data);
  const others = present.filter((value) => !allowed.includes(value)).sort((a, b) => a - b);
  if (others.length === 0) return 1;
  if (others[0] === white && present.every((value) => value === 0 || value === white)) {
    notes.push(`${file}: a mask of 0 and ${white}; ${white} is taken as 1`);
    return white;
  }
  throw new DawsonError('not-a-mask', {
    file,
    expected: `a mask with the values ${allowed.join(', ')}`,
    found: `also ${others.slice(0, shownValues).join(', ')}${others.length > shownValues ? ' and more' : ''}`,
  });
}

/** The different values of a mask; not all of them where there are many. */
function valuesOf(data: VoxelData): number[] {
  const values = new Set<number>();
  for (let voxel = 0; voxel < data.length && values.size <= shownValues + 2; voxel++) {
    values.add(data[voxel]);
  }
  return [...values];
}

/** @returns how far grids that count as one lie apart, where it is worth a word. */
function requireSameGrid(reference: NamedVolume, prediction: NamedVolume): string[] {
  const difference = gridDifference(reference.volume, prediction.volume);
  if (difference === undefined) return [];
  if (sameGrid(reference.volume, prediction.volume)) {
    return [`${prediction.file}: ${difference}, which is taken as the grid of the reference`];
  }
  throw new DawsonError('inputs-conflict', {
    file: prediction.file,
    expected: `the grid of ${reference.file}`,
    found: difference,
    advice:
      'Give masks on the same grid, or add --resample to bring the prediction to the grid of ' +
      'the reference by its nearest voxels.',
  });
}
