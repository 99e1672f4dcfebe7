import type { PreparedExam } from '../preprocess/prepared-exam.js';
import { applyToPoint, invert } from '../volume/affine.js';
import type { Random } from '../volume/random.js';
import { type Mask, onGrid, type Size } from '../volume/volume.js';
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
