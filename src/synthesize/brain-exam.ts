import type { PreparedExam } from '../preprocess/prepared-exam.js';
import { applyToPoint, invert, type Mat4, multiply } from '../volume/affine.js';
import type { Random } from '../volume/random.js';
import {
  type Mask,
  maskWhere,
  onGrid,
  type Size,
  toFloat32,
  type Volume,
} from '../volume/volume.js';
import { alongAxis, interpolationRows, profileRows, type Row } from './along-axis.js';
import { sequenceNames } from './exam.js';
import type { Head } from './head.js';
import type { LesionLibrary } from './lesion-library.js';
import type { LesionParameters } from './lesions.js';
import { type PatchParameters, patchGrid, renderPatch, samplePatch } from './patch.js';
import { isPlausible } from './sample-contrast.js';
import { sampleLesions } from './sample-lesions.js';
import { sampleStripping } from './stripping.js';

/** Holds the brain of any head at any size that is drawn. */
const size: Size = [192, 224, 192];

/** A whole brain as segmenters take it, with its lesions. */
export interface BrainExam {
  readonly exam: PreparedExam;
  readonly truth: Mask;
}

/**
 * A random whole brain in voxels of 1 mm: like a patch of that size, with the lesions of a whole head,
 * in sequences that a scanner may have made.
 * @param lesions instead of random ones
 */
export function sampleBrainExam(
  random: Random,
  head: Head,
  library: LesionLibrary,
  lesions?: LesionParameters,
): PatchParameters {
  let sampled: PatchParameters;
  do {
    sampled = samplePatch(random, head, library, 64);
  } while (!isOfScanner(sampled));
  const drawn = sampleLesions(random, head, library);
  return {
    ...sampled,
    centreMm: applyToPoint(invert(sampled.geometry.toHead), head.brainCentreMm),
    lesions: lesions ?? drawn,
    stripping: sampleStripping(random),
  };
}

const isOfScanner = ({ sequences }: PatchParameters) =>
  sequenceNames.every((name) => {
    const sequence = sequences[name];
    return !sequence || isPlausible(name, sequence.contrast);
  });

/** Makes the exam, its sequences aligned and the brain extracted imperfectly. */
export function renderBrainExam(
  parameters: PatchParameters,
  head: Head,
  library: LesionLibrary,
): BrainExam {
  const patch = renderPatch(parameters, head, library, size);
  const grid = patchGrid(parameters, size);
  const exam = Object.fromEntries(
    sequenceNames.flatMap((name) => {
      const image = patch.images[name];
      return image ? [[name, onGrid(grid, image)]] : [];
    }),
  ) as unknown as Omit<PreparedExam, 'brain'>;
  const truth = patch.truth.map((lesion, at) => (lesion !== 0 && patch.kept[at] !== 0 ? 1 : 0));
  return { exam: { ...exam, brain: onGrid(grid, patch.kept) }, truth: onGrid(grid, truth) };
}

/**
 * An exam on the grid of its FLAIR's slices, as a scanner gives it and as an expert marks it: a voxel is lesion
 * where half of its slice is. In slices no further apart than a voxel it stays as it is.
 */
export function inSlicesOfFlair(
  { exam, truth }: BrainExam,
  { sequences }: PatchParameters,
): BrainExam {
  const { slicing, phase } = sequences.flair!;
  const { bodyAxis, distanceMm, thicknessMm } = slicing;
  if (distanceMm <= 1) return { exam, truth };
  const count = truth.size[bodyAxis];
  const slices = Math.floor((count - 1) / distanceMm - phase) + 1;
  const centres = Array.from({ length: slices }, (_, slice) => (phase + slice) * distanceMm);
  const toVoxels = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
  toVoxels[5 * bodyAxis] = distanceMm;
  toVoxels[4 * bodyAxis + 3] = phase * distanceMm;
  const affine = multiply(truth.affine, toVoxels as unknown as Mat4);
  const sliced = (volume: Volume, rows: readonly Row[]) => {
    const { data, size } = alongAxis(toFloat32(volume).data, volume.size, bodyAxis, rows);
    return onGrid({ size, affine }, data);
  };
  const read = interpolationRows(centres, count);
  const averaged = profileRows(centres, thicknessMm, count);
  const half = (mask: Mask) => maskWhere(sliced(mask, averaged), (share) => share > 0.5);
  const images = Object.fromEntries(
    sequenceNames.flatMap((name) => {
      const image = exam[name];
      return image ? [[name, sliced(image, read)]] : [];
    }),
  ) as unknown as Omit<PreparedExam, 'brain'>;
  return { exam: { ...images, brain: half(exam.brain) }, truth: half(truth) };
}
