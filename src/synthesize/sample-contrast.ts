import type { SequenceName } from '../sequences.js';
import { clamp } from '../volume/outliers.js';
import type { Random } from '../volume/random.js';
import { type Contrast, type Mimics, type Texture, typicalMeans } from './contrast.js';
import type { Slicing } from './sample-acquisition.js';
import { between, chance } from './sampling.js';
import type { SmoothField } from './smooth-field.js';
import { isBrain, isFluid, type TissueName, tissue, tissues } from './tissues.js';

/** What the sequences of one exam have in common. */
export interface Appearance {
  readonly mimics: Mimics;
  /** Fields of the textures, shared so that tissue varies at the same places in all sequences. */
  readonly fields: readonly SmoothField[];
  /** Strengths of dirty white matter and of the rim in thick slices, as parts of the lesions' own contrast. */
  readonly dirty: number;
  readonly rim: number;
  /** What of both is left in thin slices. */
  readonly inThinSlices: number;
  readonly fieldStrengthTesla: 1.5 | 3;
}

/** Share of sequences with any contrast at all. */
const anyContrast = 0.12;

/** Scales of the textures, in mm: of grey matter two, of white matter two, of fluid, outside the brain. */
const textureScalesMm = [14, 4.5, 18, 4, 10, 3, 3.5];

export function sampleAppearance(random: Random): Appearance {
  const field = (spacingMm: number) => ({ seed: random.bits(), spacingMm });
  return {
    mimics: {
      dirtyDecayMm: between(random, 3, 14),
      dirtyField: field(10),
      rimMm: between(random, 0.5, 3),
      rimFadesMm: between(random, 1, 3.5),
      capMm: chance(random, 0.6) ? between(random, 0.5, 4) : 0,
      rimField: field(10),
      sheetField: field(10),
      greySpecksField: field(3.7),
      // Rare and within two voxels of the cortex: a spot further in a gyrus is a lesion.
      greySpecksAbove: between(random, 1, 2.2),
      greySpecksWeight: chance(random, 0.2) ? between(random, 0.3, 1) : 0,
      vesselField: field(2.4),
      vesselsAbove: chance(random, 0.7) ? between(random, 1.3, 2.2) : 4,
    },
    fields: textureScalesMm.map(field),
    dirty: chance(random, 0.6) ? between(random, 0, 0.4) : 0,
    rim: chance(random, 0.75) ? between(random, 0.15, 1.1) : 0,
    inThinSlices: between(random, 0.3, 1),
    fieldStrengthTesla: chance(random, 0.5) ? 1.5 : 3,
  };
}

/** Highest mean of bone in a sequence of a scanner. */
const mostOfBone = 0.12;

/**
 * Whether a scanner may have made a sequence of this kind: the generator also draws sequences of any
 * contrast, from which networks learn, and by which nothing is to be judged.
 */
export const isPlausible = (kind: SequenceName, { means }: Pick<Contrast, 'means'>): boolean =>
  means[tissue.bone] <= mostOfBone &&
  (kind === 't2') === means[tissue.csf] > means[tissue['white matter']];

/** Distances of slices up to which they are thin, and from which they are thick: those that were measured, and between them. */
const thinUpToMm = 3.5;
const thickFromMm = 6.5;

/** How one sequence of an exam shows it, in slices so far apart. */
export function sampleContrast(
  random: Random,
  kind: SequenceName,
  exam: Appearance,
  { distanceMm }: Slicing,
): Contrast {
  const arbitrary = chance(random, anyContrast);
  const means = arbitrary
    ? tissues.map((_, number) => (number === 0 ? 0 : random.uniform()))
    : sampleMeans(random, kind, exam.fieldStrengthTesla);
  const lesion = sampleLesionContrast(random, kind, means, arbitrary);
  const hole = kind === 't1' || kind === 'flair' ? -1 : 1;
  const thick = clamp((distanceMm - thinUpToMm) / (thickFromMm - thinUpToMm), { low: 0, high: 1 });
  const shown =
    (kind === 'flair' ? 1 : kind === 't2' ? 0.6 : 0.5) *
    (exam.inThinSlices + thick * (1 - exam.inThinSlices));
  return {
    means,
    grain: tissues.map(() => between(random, 0.004, 0.039)),
    textures: sampleTextures(random, kind, exam.fields),
    lesion,
    lesionVariation: between(random, 0, 0.5),
    lesionField: { seed: random.bits(), spacingMm: 10 },
    // Black holes on T1, cavities on FLAIR: both in some exams only.
    lesionCore: chance(random, 0.25) ? hole * between(random, 0.05, 0.35) : 0,
    dirty: shown * exam.dirty,
    rim: shown * exam.rim,
  };
}

function sampleMeans(random: Random, kind: SequenceName, fieldStrengthTesla: number): number[] {
  const typical = typicalMeans(kind);
  const white = typical[tissue['white matter']];
  // T1 contrast between grey and white matter fades with the field; that of T2 grows a little.
  const byField =
    kind === 't1' ? (fieldStrengthTesla === 3 ? 0.9 : 1.1) : fieldStrengthTesla === 3 ? 1.05 : 0.95;
  const step = byField * between(random, 0.4, 1.4);
  const means = typical.map((mean, number) => {
    if (number === 0) return 0;
    if (isFluid[number])
      return Math.max(0, mean * between(random, 0.7, 1.2) + between(random, -0.05, 0.1));
    if (isBrain[number]) return white + (mean - white) * step + 0.035 * random.normal();
    return Math.max(0, mean * between(random, 0.5, 1.6) + between(random, -0.02, 0.1));
  });
  means[tissue['choroid plexus']] = between(random, 0.1, 0.9);
  means[tissue.vessel] = between(random, 0, 1);
  // With and without fat saturation.
  means[tissue.fat] = chance(random, kind === 'flair' ? 0.6 : 0.2)
    ? between(random, 0.05, 0.3)
    : between(random, 0.5, 1.5);
  means[tissue.bone] = between(random, 0, mostOfBone);
  return means;
}

function sampleLesionContrast(
  random: Random,
  kind: SequenceName,
  means: readonly number[],
  arbitrary: boolean,
): number {
  const white = means[tissue['white matter']];
  if (kind === 'flair') {
    const lesion = chance(random, 0.95) ? between(random, 0.14, 0.5) : between(random, 0.09, 0.14);
    // Lesions are brighter than cortex in nearly all FLAIR images.
    const aboveCortex = means[tissue.cortex] - white + between(random, 0.03, 0.25);
    return chance(random, 0.9) ? Math.max(lesion, aboveCortex) : lesion;
  }
  if (arbitrary) return between(random, -0.4, 0.4);
  if (kind === 't2') return between(random, 0.05, 0.45);
  // Spin-echo T1 of routine exams shows few lesions, or none.
  return -(chance(random, 0.25) ? between(random, -0.03, 0.05) : between(random, -0.03, 0.4));
}

const greyMatter: readonly TissueName[] = [
  'cortex',
  'cerebellar cortex',
  'thalamus',
  'caudate',
  'putamen',
  'hippocampus and amygdala',
];
const deepWhiteMatter: readonly TissueName[] = [
  'brainstem',
  'ventral diencephalon',
  'cerebellar white matter',
];

function sampleTextures(
  random: Random,
  kind: SequenceName,
  fields: readonly SmoothField[],
): Texture[] {
  const [greyWide, greyFine, whiteWide, whiteFine, limbic, outside, flow] = fields;
  const textures: Texture[] = [
    { field: greyWide, tissues: greyMatter, sd: between(random, 0, 0.06) },
    { field: greyFine, tissues: greyMatter, sd: between(random, 0, 0.04) },
    {
      field: whiteWide,
      tissues: ['white matter', ...deepWhiteMatter],
      sd: between(random, 0, 0.04),
    },
    {
      field: whiteFine,
      tissues: ['white matter', ...deepWhiteMatter],
      sd: between(random, 0, 0.02),
    },
    { field: greyWide, tissues: deepWhiteMatter, sd: between(random, 0, 0.05) },
    { field: outside, tissues: outsideBrain, sd: between(random, 0, 0.12) },
  ];
  if (kind !== 't1') {
    // Insula, cingulate and hippocampus are brighter than other cortex.
    const sd = between(random, 0, 0.08);
    textures.push({
      field: limbic,
      tissues: ['cortex', 'hippocampus and amygdala'],
      sd,
      above: 0.4,
    });
  }
  if (chance(random, kind === 'flair' ? 0.4 : 0.2)) {
    // Inflow and pulsation: fluid that is not dark on FLAIR, and flow voids on T2.
    const sign = kind === 't2' ? -1 : 1;
    const sd = sign * between(random, 0, kind === 't1' ? 0.15 : 0.45);
    textures.push({ field: flow, tissues: ['csf', 'ventricle'], sd, above: 0.8 });
  }
  return textures;
}

const outsideBrain: readonly TissueName[] = [
  'muscle',
  'fat',
  'marrow',
  'skin',
  'mucosa',
  'sinus and fat',
];
