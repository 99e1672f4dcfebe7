import { applyToPoint, invert, mapAxes, type Vec3 } from '../volume/affine.js';
import { type Random, seededRandom } from '../volume/random.js';
import { type Grid, onGrid, type Size } from '../volume/volume.js';
import {
  alongAxis,
  composed,
  interpolationRows,
  profileRows,
  type Row,
  widthOfSigma,
} from './along-axis.js';
import { type Anatomy, renderAnatomy } from './anatomy.js';
import { type Artefacts, addArtefactsInPlace } from './artefacts.js';
import { type Contrast, type Mimics, paint } from './contrast.js';
import { type SequenceName, sequenceNames } from './exam.js';
import { type Geometry, sampleGeometry, uprightGrid } from './geometry.js';
import type { Head } from './head.js';
import type { LesionLibrary } from './lesion-library.js';
import type { LesionParameters } from './lesions.js';
import { type Slicing, sampleArtefacts, sampleSlicing } from './sample-acquisition.js';
import { sampleAppearance, sampleContrast } from './sample-contrast.js';
import { sequenceSets } from './sample-exam.js';
import { sampleLesions } from './sample-lesions.js';
import { between, chance, oneByShare } from './sampling.js';
import { renderField, type SmoothField } from './smooth-field.js';
import { keptByStripping, type Stripping, sampleStripping } from './stripping.js';
import { isBrain } from './tissues.js';

/** A sequence of a patch: measured in slices parallel to the patch and resampled to its voxels. */
export interface PatchSequence {
  readonly contrast: Contrast;
  readonly slicing: Slicing;
  /** Where the first slice lies, as a part of the distance of slices. */
  readonly phase: number;
  /** What registration left: shift of the sequence against the first, mm. */
  readonly shiftMm: Vec3;
  readonly blurMm: number;
  readonly artefacts: Artefacts;
  readonly seed: number;
}

/** Everything that makes a training patch: a plain value. */
export interface PatchParameters {
  readonly head: string;
  readonly geometry: Geometry;
  /** Middle of the patch in the body, RAS mm. */
  readonly centreMm: Vec3;
  readonly lesions: LesionParameters;
  readonly mimics: Mimics;
  readonly stripping?: Stripping;
  readonly sequences: { readonly [Name in SequenceName]?: PatchSequence };
}

/** A cube of an exam as networks see it: all sequences on one grid, parallel to the body's axes. */
export interface Patch {
  readonly size: Size;
  /** Intensities as measured, not normalised; 0 where stripping removed the head. */
  readonly images: { readonly [Name in SequenceName]?: Float32Array };
  /** 1 in lesions. */
  readonly truth: Uint8Array;
  /** Numbers of tissues, for networks that learn anatomy. */
  readonly tissues: Uint8Array;
  /** Signed distance to the surface of the brain in eighths of a mm, as in {@link Head}. */
  readonly brainDistance: Int8Array;
  /** 1 where the images show the head: everywhere, or inside the stripped brain. */
  readonly kept: Uint8Array;
}

/** Share of patches about a real lesion; the others lie anywhere in the brain. */
const aboutLesion = 0.65;
const jitterMm = 16;
/** Lesions are placed in a patch and this far beyond its borders. */
const lesionMarginMm = 8;

/**
 * A random patch of a head.
 * @param widthMm of the patch: lesions are drawn for it
 */
export function samplePatch(
  random: Random,
  head: Head,
  library: LesionLibrary,
  widthMm: number,
): PatchParameters {
  const geometry = sampleGeometry(random, head);
  const placeInHead = chance(random, aboutLesion)
    ? applyToPoint(invert(head.toLesionSpace), lesionPlace(random, library))
    : brainPlace(random, head);
  const jittered = placeInHead.map((mm) => mm + between(random, -jitterMm, jitterMm));
  const region = {
    centreMm: jittered as unknown as Vec3,
    halfWidthMm: widthMm / 2 + lesionMarginMm,
  };
  const lesions = sampleLesions(random, head, library, region);
  const appearance = sampleAppearance(random);
  const sequences: { [Name in SequenceName]?: PatchSequence } = {};
  const cube: Size = [widthMm, widthMm, widthMm];
  for (const name of oneByShare(random, sequenceSets)) {
    const shifted = name !== 'flair' && chance(random, 0.5);
    const slicing = sampleSlicing(random, name);
    sequences[name] = {
      contrast: sampleContrast(random, name, appearance, slicing),
      slicing,
      phase: random.uniform(),
      shiftMm: mapAxes([0, 1, 2], () => (shifted ? 0.4 * random.normal() : 0)),
      blurMm: between(random, 0.1, 0.8),
      // A patch does not reach the ends of the field of view.
      artefacts: { ...sampleArtefacts(random, cube, appearance.fieldStrengthTesla), wrapVoxels: 0 },
      seed: random.bits(),
    };
  }
  return {
    head: head.name,
    geometry,
    centreMm: applyToPoint(invert(geometry.toHead), region.centreMm),
    lesions,
    mimics: appearance.mimics,
    stripping: chance(random, 0.7) ? sampleStripping(random) : undefined,
    sequences,
  };
}

/** A voxel of somebody's lesions, RAS mm of lesion space. */
function lesionPlace(random: Random, { frequency }: LesionLibrary): Vec3 {
  const { data, size, affine } = frequency;
  // Rejection by the frequency itself: places of many lesions come more often.
  for (let tried = 0; tried < 100_000; tried++) {
    const at = random.integer(data.length);
    if (data[at] > 0 && random.uniform() * 255 < data[at]) {
      const row = Math.floor(at / size[0]);
      return applyToPoint(affine, [at % size[0], row % size[1], Math.floor(row / size[1])]);
    }
  }
  return [0, 0, 0];
}

function brainPlace(
  random: Random,
  { tissues: { data, size, affine }, brainCentreMm }: Head,
): Vec3 {
  for (let tried = 0; tried < 10_000; tried++) {
    const at = random.integer(data.length);
    if (isBrain[data[at]] === 0) continue;
    const row = Math.floor(at / size[0]);
    return applyToPoint(affine, [at % size[0], row % size[1], Math.floor(row / size[1])]);
  }
  return brainCentreMm;
}

/**
 * Makes a patch of `size` voxels. Its intensities are those of an exam whose sequences were
 * registered to each other and resampled to the patch.
 * @throws RangeError when the parameters are those of another head.
 */
export function renderPatch(
  parameters: PatchParameters,
  head: Head,
  library: LesionLibrary,
  size: Size,
  voxelMm = 1,
): Patch {
  if (parameters.head !== head.name) {
    throw new RangeError(`a patch of ${parameters.head}, not of ${head.name}`);
  }
  const grid = patchGrid(parameters, size, voxelMm);
  const anatomy = renderAnatomy(grid, head, parameters.geometry, parameters.lesions, library);
  const field = rememberedFields(grid);
  const { stripping } = parameters;
  const kept = stripping
    ? keptByStripping(stripping, anatomy.brainDistance, field(stripping.field))
    : new Uint8Array(anatomy.tissues.length).fill(1);
  const images: { [Name in SequenceName]?: Float32Array } = {};
  for (const name of sequenceNames) {
    const sequence = parameters.sequences[name];
    if (!sequence) continue;
    const image = renderPatchSequence(anatomy, sequence, parameters.mimics, field);
    for (let at = 0; at < image.length; at++) if (kept[at] === 0) image[at] = 0;
    images[name] = image;
  }
  const { tissues, brainDistance, mask } = anatomy;
  return { size, images, truth: mask, tissues, brainDistance, kept };
}

/** The voxels of a patch, RAS mm of the body. */
export function patchGrid(
  { centreMm: [x, y, z] }: Pick<PatchParameters, 'centreMm'>,
  size: Size,
  mm = 1,
): Grid {
  const [i, j, k] = size.map((n) => (-mm * (n - 1)) / 2);
  return { size, affine: [mm, 0, 0, x + i, 0, mm, 0, y + j, 0, 0, mm, z + k, 0, 0, 0, 1] };
}

/** Values of smooth fields on a grid, each computed once: sequences share most of them. */
function rememberedFields(grid: Grid): (field: SmoothField) => Float32Array {
  const known = new Map<string, Float32Array>();
  return (field) => {
    const key = `${field.seed} ${field.spacingMm}`;
    const values = known.get(key) ?? renderField(field, uprightGrid(grid));
    known.set(key, values);
    return values;
  };
}

function renderPatchSequence(
  anatomy: Anatomy,
  sequence: PatchSequence,
  mimics: Mimics,
  field: (field: SmoothField) => Float32Array,
): Float32Array {
  const random = seededRandom(sequence.seed);
  const painted = paint(anatomy, sequence.contrast, mimics, random, field);
  let measured = painted.data;
  const voxelMm = anatomy.grid.affine[0];
  for (let axis = 0; axis < 3; axis++) {
    const rows = measuringRows(sequence, axis, anatomy.grid.size[axis], voxelMm);
    measured = alongAxis(measured, anatomy.grid.size, axis, rows).data;
  }
  addArtefactsInPlace(onGrid(anatomy.grid, measured), sequence.artefacts, random);
  return measured;
}

/** Measuring along one axis of a patch: blur, the slice profile, and interpolation back to its voxels. */
function measuringRows(
  { slicing, phase, shiftMm, blurMm }: PatchSequence,
  axis: number,
  count: number,
  voxelMm: number,
): Row[] {
  const across = axis === slicing.bodyAxis;
  const distance = (across ? slicing.distanceMm : slicing.inPlaneMm) / voxelMm;
  const thickness = (across ? slicing.thicknessMm : slicing.inPlaneMm) / voxelMm;
  const width = Math.hypot(thickness, (widthOfSigma * blurMm) / voxelMm);
  const places = Array.from({ length: count }, (_, n) => n + shiftMm[axis] / voxelMm);
  // Samples denser than the patch's voxels are as good as a sample at each voxel.
  if (distance <= 1) return profileRows(places, width, count);
  const first = (phase - 1) * distance;
  const samples = Math.ceil((count - first) / distance) + 1;
  const centres = Array.from({ length: samples }, (_, n) => first + n * distance);
  return composed(
    interpolationRows(
      places.map((place) => (place - first) / distance),
      samples,
    ),
    profileRows(centres, width, count),
  );
}
