import { gradient, gradientMagnitude } from '../volume/gradient.js';
import type { Random } from '../volume/random.js';
import { onGrid, type Volume } from '../volume/volume.js';
import type { Anatomy } from './anatomy.js';
import { stepsPerMm } from './head.js';
import { normalQuantiles } from './noise.js';
import type { SmoothField } from './smooth-field.js';
import { isOneOf, type TissueName, tissue, tissues } from './tissues.js';

/** A smooth variation of intensity inside some tissues. Equal fields vary together in all sequences. */
export interface Texture {
  readonly field: SmoothField;
  readonly tissues: readonly TissueName[];
  readonly sd: number;
  /** Only what exceeds this many standard deviations is added; all of it by default. */
  readonly above?: number;
}

/**
 * What looks like a lesion, or differs from the label map, and is no lesion. The same in all
 * sequences of an exam; how strongly a sequence shows it is part of its {@link Contrast}.
 */
export interface Mimics {
  /** Diffuse change of white matter that fades with the distance from the ventricles. */
  readonly dirtyDecayMm: number;
  readonly dirtyField: SmoothField;
  /** A rim along the ventricles, over how many mm it fades, and how much thicker it is as caps before and behind their horns. */
  readonly rimMm: number;
  readonly rimFadesMm: number;
  readonly capMm: number;
  readonly rimField: SmoothField;
  /** Thin sheets that go on from the rim into white matter, as where a horn is closed: where this is near 0. */
  readonly sheetField: SmoothField;
  /** Specks of white matter near the cortex that look like grey matter, where the field exceeds a value. */
  readonly greySpecksField: SmoothField;
  readonly greySpecksAbove: number;
  readonly greySpecksWeight: number;
  /** Vessels in the fluid around the brain, where the field exceeds a value. */
  readonly vesselField: SmoothField;
  readonly vesselsAbove: number;
}

/** How a sequence shows the tissues. Intensities are on the scale of {@link tissues}. */
export interface Contrast {
  /** By tissue number. */
  readonly means: readonly number[];
  /** Standard deviation from voxel to voxel of 1 mm, by tissue number. */
  readonly grain: readonly number[];
  readonly textures: readonly Texture[];
  /** Lesion minus white matter. */
  readonly lesion: number;
  /** How much this varies from lesion to lesion, as a part of it. */
  readonly lesionVariation: number;
  readonly lesionField: SmoothField;
  /** Added in the middle of large lesions: negative for black holes. */
  readonly lesionCore: number;
  /** Strength of the mimics in multiples of `lesion`; sheets have that of the rim. */
  readonly dirty: number;
  readonly rim: number;
}

/** Contrast of the lesions of an exam, as a part of its lesion contrast: what nobody sees, no expert marks. */
const weakestLesion = 0.5;
const whiteMatter = isOneOf('white matter', 'cerebellar white matter', 'brainstem');
/** Mimics thin out beyond this distance to the ventricles. */
const farthestMimicMm = 31;
/** Sheets reach so far from the ventricles, where the rim's field exceeds a value, and fade within so many mm of their middle. */
const sheets = { reachMm: 16, above: 0.6, halfWidthMm: 1.2 };
/** How much thickness and brightness of the rim vary together along the ventricles, and what stays of them at least. */
const rimVariation = 0.4;
const leastOfRim = 0.3;
/** Caps begin where the way from the ventricle runs so far along the axis from front to back, as a cosine. */
const capsFrom = 0.7;

/**
 * Intensities of a sequence at the voxels of an anatomy, before the scanner.
 * @param field gives the values of a smooth field on the anatomy's grid
 */
export function paint(
  anatomy: Anatomy,
  contrast: Contrast,
  mimics: Mimics,
  random: Random,
  field: (field: SmoothField) => Float32Array,
): Volume<Float32Array> {
  const { grid } = anatomy;
  const numbers = anatomy.tissues;
  const values = new Float32Array(numbers.length);
  const means = Float32Array.from(contrast.means);
  for (let at = 0; at < values.length; at++) values[at] = means[numbers[at]];
  for (const { field: smooth, tissues, sd, above = -Infinity } of contrast.textures) {
    if (sd === 0) continue;
    const variation = field(smooth);
    const inside = isOneOf(...tissues);
    const offset = Math.max(0, above);
    for (let at = 0; at < values.length; at++) {
      if (inside[numbers[at]] !== 0 && variation[at] > above) {
        values[at] += sd * (variation[at] - offset);
      }
    }
  }
  addMimicsInPlace(values, anatomy, contrast, mimics, field);
  const grain = Float32Array.from(contrast.grain);
  for (let at = 0; at < values.length; at++) {
    if (numbers[at] !== 0) values[at] += grain[numbers[at]] * normalQuantiles[random.bits() >>> 20];
  }
  addLesionsInPlace(values, anatomy, contrast, random, field);
  return onGrid(grid, values);
}

function addMimicsInPlace(
  values: Float32Array,
  { grid, tissues: numbers, ventricleDistance }: Anatomy,
  contrast: Contrast,
  mimics: Mimics,
  field: (field: SmoothField) => Float32Array,
): void {
  if (contrast.dirty !== 0 || contrast.rim !== 0) {
    const dirty = field(mimics.dirtyField);
    const rim = field(mimics.rimField);
    const sheet = field(mimics.sheetField);
    // Over its slope, a field's value is the distance to where it is 0; by the value alone, sheets
    // would be thick wherever the field is nearly flat.
    const sheetPerMm = gradientMagnitude(onGrid(grid, sheet)).data;
    const toFront = gradient(onGrid(grid, ventricleDistance)).y.data;
    const limit = farthestMimicMm * stepsPerMm;
    for (let at = 0; at < values.length; at++) {
      if (whiteMatter[numbers[at]] === 0 || ventricleDistance[at] > limit) continue;
      const distanceMm = ventricleDistance[at] / stepsPerMm;
      const diffuse =
        Math.exp(-distanceMm / mimics.dirtyDecayMm) * Math.max(0, 0.6 + 0.6 * dirty[at]);
      const alongAxis = Math.abs(toFront[at]) / stepsPerMm;
      const capMm =
        numbers[at] === tissue['white matter']
          ? mimics.capMm * Math.max(0, Math.min(1, (alongAxis - capsFrom) / (1 - capsFrom)))
          : 0;
      const variation = Math.max(leastOfRim, 1 + rimVariation * rim[at]);
      const insideMm = (mimics.rimMm + capMm) * variation - distanceMm;
      const inRim = variation * Math.max(0, Math.min(1, insideMm / mimics.rimFadesMm + 0.5));
      const sheetMm = Math.abs(sheet[at]) / Math.max(1e-6, sheetPerMm[at]);
      const inSheet =
        rim[at] > sheets.above && distanceMm < sheets.reachMm
          ? Math.max(0, 1 - sheetMm / sheets.halfWidthMm)
          : 0;
      values[at] +=
        contrast.lesion * (contrast.dirty * diffuse + contrast.rim * Math.max(inRim, inSheet));
    }
  }
  if (mimics.greySpecksWeight > 0) {
    const specks = field(mimics.greySpecksField);
    const near = nearGreyMatter(numbers, grid.size);
    const grey = contrast.means[tissue.cortex];
    for (let at = 0; at < values.length; at++) {
      if (near[at] === 0 || specks[at] <= mimics.greySpecksAbove) continue;
      const share =
        Math.min(1, 3 * (specks[at] - mimics.greySpecksAbove)) * mimics.greySpecksWeight;
      values[at] += share * (grey - values[at]);
    }
  }
  if (mimics.vesselsAbove < 4) {
    const vessels = field(mimics.vesselField);
    const vessel = contrast.means[tissue.vessel];
    for (let at = 0; at < values.length; at++) {
      if (numbers[at] !== tissue.csf || vessels[at] <= mimics.vesselsAbove) continue;
      values[at] += Math.min(1, 2 * (vessels[at] - mimics.vesselsAbove)) * (vessel - values[at]);
    }
  }
}

/** 1 in white matter with cortex within two voxels along an axis. */
function nearGreyMatter(numbers: Uint8Array, [nx, ny]: readonly number[]): Uint8Array {
  const near = new Uint8Array(numbers.length);
  const steps = [1, nx, nx * ny].flatMap((stride) =>
    [1, 2].flatMap((n) => [n * stride, -n * stride]),
  );
  for (let at = 0; at < numbers.length; at++) {
    if (numbers[at] !== tissue['white matter']) continue;
    for (const step of steps) {
      if (numbers[at + step] === tissue.cortex) {
        near[at] = 1;
        break;
      }
    }
  }
  return near;
}

function addLesionsInPlace(
  values: Float32Array,
  { weight, core }: Anatomy,
  contrast: Contrast,
  random: Random,
  field: (field: SmoothField) => Float32Array,
): void {
  const { lesion, lesionVariation, lesionCore } = contrast;
  const variation = field(contrast.lesionField);
  const white = contrast.means[tissue['white matter']];
  const grain = contrast.grain[tissue['white matter']];
  for (let at = 0; at < values.length; at++) {
    if (weight[at] === 0) continue;
    const strength = Math.max(weakestLesion, Math.min(1.5, 1 + lesionVariation * variation[at]));
    const noise = grain * normalQuantiles[random.bits() >>> 20];
    const inLesion = white + lesion * strength + lesionCore * core[at] + noise;
    values[at] += weight[at] * (inLesion - values[at]);
  }
}

/** The typical intensities of a kind of sequence, by tissue number. */
export function typicalMeans(kind: 'flair' | 't1' | 't2'): number[] {
  return tissues.map((row) => row[kind]);
}
