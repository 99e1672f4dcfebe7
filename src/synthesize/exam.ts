import { type SequenceName, sequenceNames } from '../sequences.js';
import { applyToPoint, invert } from '../volume/affine.js';
import { seededRandom } from '../volume/random.js';
import {
  type Grid,
  type Mask,
  maskWhere,
  onGrid,
  type Size,
  type Volume,
} from '../volume/volume.js';
import { acquire, averagedOverSlices, type Protocol } from './acquisition.js';
import { type Anatomy, renderAnatomy } from './anatomy.js';
import { type Artefacts, addArtefactsInPlace } from './artefacts.js';
import { type Contrast, type Mimics, paint } from './contrast.js';
import { type Geometry, uprightGrid } from './geometry.js';
import type { Head } from './head.js';
import type { LesionLibrary } from './lesion-library.js';
import type { LesionParameters } from './lesions.js';
import { renderField, type SmoothField } from './smooth-field.js';
import { keptByStripping, type Stripping } from './stripping.js';

export { type SequenceName, sequenceNames };

/** One sequence of an exam. */
export interface SequenceParameters {
  readonly contrast: Contrast;
  readonly protocol: Protocol;
  readonly artefacts: Artefacts;
  readonly seed: number;
}

/** Everything that makes a synthetic exam: a plain value, the same for the same exam. */
export interface ExamParameters {
  /** Name of the head. */
  readonly head: string;
  readonly geometry: Geometry;
  readonly lesions: LesionParameters;
  readonly mimics: Mimics;
  /** Absent when the whole head is shown. */
  readonly stripping?: Stripping;
  readonly sequences: { readonly [Name in SequenceName]?: SequenceParameters };
}

export interface SyntheticExam {
  /** 16-bit images as a scanner gives them; a sequence that was not taken is absent. */
  readonly images: { readonly [Name in SequenceName]?: Volume<Int16Array> };
  /** Voxels of the FLAIR (or else of the first sequence) more than half of which is lesion. */
  readonly truth: Mask;
}

/** Largest 16-bit number. */
const largestIntensity = 32767;
/** How far below the centre of the brain a body is rendered. */
const bodyBelowBrainMm = 130;

/**
 * Makes an exam from a head and its parameters.
 * @param bodyVoxelMm voxel size of the body before it is measured
 * @throws RangeError when the exam has no sequence, or is one of another head.
 */
export function renderExam(
  parameters: ExamParameters,
  head: Head,
  library: LesionLibrary,
  bodyVoxelMm = 1,
): SyntheticExam {
  if (parameters.head !== head.name)
    throw new RangeError(`an exam of ${parameters.head}, not ${head.name}`);
  const reference = sequenceNames.map((name) => parameters.sequences[name]).find(Boolean);
  if (!reference) throw new RangeError('an exam without sequences');
  const anatomy = renderAnatomy(
    bodyGrid(head, parameters.geometry, bodyVoxelMm),
    head,
    parameters.geometry,
    parameters.lesions,
    library,
  );
  const { stripping } = parameters;
  const kept =
    stripping &&
    onGrid(
      anatomy.grid,
      keptByStripping(
        stripping,
        anatomy.brainDistance,
        renderField(stripping.field, uprightGrid(anatomy.grid)),
      ),
    );
  const images: { [Name in SequenceName]?: Volume<Int16Array> } = {};
  for (const name of sequenceNames) {
    const sequence = parameters.sequences[name];
    if (sequence) images[name] = renderSequence(anatomy, sequence, parameters.mimics, kept);
  }
  const share = averagedOverSlices(onGrid(anatomy.grid, anatomy.mask), reference.protocol);
  return { images, truth: maskWhere(share, (lesion) => lesion > 0.5) };
}

function renderSequence(
  anatomy: Anatomy,
  { contrast, protocol, artefacts, seed }: SequenceParameters,
  mimics: Mimics,
  kept: Mask | undefined,
): Volume<Int16Array> {
  const random = seededRandom(seed);
  const field = (smooth: SmoothField) => renderField(smooth, uprightGrid(anatomy.grid));
  const image = acquire(paint(anatomy, contrast, mimics, random, field), protocol);
  addArtefactsInPlace(image, artefacts, random);
  if (kept) {
    const share = averagedOverSlices(kept, protocol).data;
    for (let at = 0; at < share.length; at++) if (share[at] < 0.5) image.data[at] = 0;
  }
  const integers = new Int16Array(image.data.length);
  for (let at = 0; at < integers.length; at++) {
    integers[at] = Math.max(0, Math.min(largestIntensity, Math.round(image.data[at])));
  }
  return onGrid(image, integers);
}

/** A grid parallel to the axes of the body that holds the head down to the neck. */
function bodyGrid(head: Pick<Head, 'tissues'>, { toHead, warp }: Geometry, voxelMm: number): Grid {
  const toBody = invert(toHead);
  const margin = 3 * warp.sdMm + 2;
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  for (let corner = 0; corner < 8; corner++) {
    const voxel = head.tissues.size.map((n, axis) => ((corner >> axis) & 1 ? n - 1 : 0));
    const [i, j, k] = voxel;
    applyToPoint(toBody, applyToPoint(head.tissues.affine, [i, j, k])).forEach((mm, axis) => {
      low[axis] = Math.min(low[axis], mm - margin);
      high[axis] = Math.max(high[axis], mm + margin);
    });
  }
  low[2] = Math.max(low[2], -bodyBelowBrainMm);
  const size = low.map((mm, axis) => Math.ceil((high[axis] - mm) / voxelMm) + 1);
  return {
    size: size as unknown as Size,
    affine: [voxelMm, 0, 0, low[0], 0, voxelMm, 0, low[1], 0, 0, voxelMm, low[2], 0, 0, 0, 1],
  };
}
