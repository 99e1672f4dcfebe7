import type { Connectivity } from '../volume/components.js';

/** How lesions of the reference and of the prediction find each other. */
export type MatchRule =
  /**
   * A lesion counts when more than `overlapAbove` of it is covered, and when the lesions that cover
   * it, largest overlap first until they make up `coverageStop` of the covered part, each lie by at
   * most `outsideAtMost` outside all lesions of the other mask.
   */
  | {
      readonly kind: 'overlap-rule';
      readonly overlapAbove: number;
      readonly outsideAtMost: number;
      readonly coverageStop: number;
    }
  /** One shared voxel is enough; a lesion may match several. */
  | { readonly kind: 'any-voxel' }
  /** A lesion counts where at least this share of it lies in the other mask. */
  | { readonly kind: 'share'; readonly atLeast: number }
  /** Each lesion matches at most one: pairs by falling intersection over union, from `iouAtLeast`. */
  | { readonly kind: 'one-to-one'; readonly iouAtLeast: number };

/**
 * What lesion-wise precision, recall and F1 mean. A row of {@link definitions}; adding a definition
 * is adding a row.
 */
export interface Definition {
  readonly name: string;
  /** What it is, in a line for people. */
  readonly summary: string;
  readonly source: string;
  /**
   * A lesion is a component of voxels that touch by a face (6), an edge (18), a corner (26).
   * Null: voxel-wise figures only, no lesions.
   */
  readonly connectivity: Connectivity | null;
  /** Components of this volume and below are no lesions. */
  readonly minimumMm3: number;
  readonly match: MatchRule;
  /** Precision when nothing was predicted and recall when there is nothing to find; null: undefined. */
  readonly precisionOfNone: 0 | 1 | null;
  readonly recallOfNone: 1 | null;
  /** Whether an empty reference mask leaves all but the predicted count and volume undefined. */
  readonly emptyReferenceCountsOnly: boolean;
  /** Label of other pathology in the reference, which is left out of both masks; null: none. */
  readonly ignoredReferenceLabel: number | null;
  /**
   * Surface voxels: those with a face neighbour outside the mask, the array's edge being outside
   * (`face-3d`); or with one of the eight neighbours of the slice outside, the array's edge being
   * inside (`in-slice`).
   */
  readonly surface: 'face-3d' | 'in-slice';
}

const anima = {
  connectivity: 6,
  minimumMm3: 3,
  match: { kind: 'overlap-rule', overlapAbove: 0.1, outsideAtMost: 0.7, coverageStop: 0.65 },
  precisionOfNone: 0,
  recallOfNone: null,
  emptyReferenceCountsOnly: true,
  ignoredReferenceLabel: null,
  surface: 'face-3d',
} as const;

const plain = {
  minimumMm3: 0,
  match: { kind: 'any-voxel' },
  precisionOfNone: null,
  recallOfNone: null,
  emptyReferenceCountsOnly: false,
  ignoredReferenceLabel: null,
  surface: 'face-3d',
} as const;

export const definitions = {
  anima: {
    name: 'anima',
    summary: 'MSSEG 2016: overlap rule both ways, lesions over 3 mm3 joined by faces',
    source: 'Commowick et al. 2018, doi 10.1038/s41598-018-31911-7; animaSegPerfAnalyzer 4.2',
    ...anima,
  },
  msseg2: {
    name: 'msseg2',
    summary: 'MSSEG-2: the same on masks of new lesions; count and volume where there are none',
    source: 'Commowick et al. 2021, MICCAI MSSEG-2 challenge; animaSegPerfAnalyzer 4.2',
    ...anima,
  },
  isbi2015: {
    name: 'isbi2015',
    summary: 'ISBI 2015: any shared voxel, lesions joined by faces and edges',
    source: 'Carass et al. 2017, doi 10.1016/j.neuroimage.2016.12.064',
    ...plain,
    connectivity: 18,
  },
  wmh: {
    name: 'wmh',
    summary: 'WMH 2017: any shared voxel, other pathology left out, surfaces slice by slice',
    source: "Kuijf et al. 2019, doi 10.1109/TMI.2019.2905770; the challenge's evaluation script",
    ...plain,
    connectivity: 26,
    precisionOfNone: 1,
    recallOfNone: 1,
    ignoredReferenceLabel: 2,
    surface: 'in-slice',
  },
  panoptica: {
    name: 'panoptica',
    summary: 'one to one, intersection over union of at least one half; panoptic quality',
    source: 'Kofler et al. 2023, arXiv 2312.02608; panoptica 2.1.7',
    ...plain,
    connectivity: 26,
    match: { kind: 'one-to-one', iouAtLeast: 0.5 },
  },
  nnunet: {
    name: 'nnunet',
    summary: 'voxel-wise figures only, as nnU-Net prints them',
    source: 'Isensee et al. 2021, doi 10.1038/s41592-020-01008-z; nnunetv2 2.8.1',
    ...plain,
    connectivity: null,
  },
  'any-overlap': {
    name: 'any-overlap',
    summary: 'any shared voxel, lesions joined by corners, minimum size to be chosen',
    source: 'for comparison',
    ...plain,
    connectivity: 26,
  },
  'tenth-overlap': {
    name: 'tenth-overlap',
    summary: 'a tenth of the lesion is covered; by which lesion rules are chosen',
    source: 'Dawson’s own: lesion rules are chosen by it',
    ...plain,
    connectivity: 26,
    match: { kind: 'share', atLeast: 0.1 },
  },
} as const satisfies Record<string, Definition>;

export type DefinitionName = keyof typeof definitions;
export const definitionNames = Object.keys(definitions) as DefinitionName[];

/** What "lesion" and "found" mean, as a sentence that every table of results carries. */
export function definitionInWords({
  name,
  connectivity,
  minimumMm3,
  match,
}: Pick<Definition, 'name' | 'connectivity' | 'minimumMm3'> & {
  /** A rule, or one in words already. */
  readonly match: MatchRule | string;
}): string {
  if (connectivity === null) return `Definition ${name}: voxel-wise figures only.`;
  const size = minimumMm3 > 0 ? `larger than ${minimumMm3} mm3` : 'of any size';
  return (
    `Definition ${name}: lesions are components with connectivity ${connectivity} ${size}; ` +
    `a lesion counts as found when ${typeof match === 'string' ? match : matchInWords(match)}.`
  );
}

/** When a lesion counts as found. */
export function matchInWords(match: MatchRule): string {
  switch (match.kind) {
    case 'overlap-rule':
      return (
        `more than ${percent(match.overlapAbove)} of it is covered and the lesions that cover it ` +
        `(the largest overlaps, up to ${percent(match.coverageStop)} of the cover) lie by at most ` +
        `${percent(match.outsideAtMost)} outside`
      );
    case 'any-voxel':
      return 'it shares a voxel with the other mask';
    case 'share':
      return `at least ${percent(match.atLeast)} of it is covered`;
    case 'one-to-one':
      return `it is matched one to one with an intersection over union of at least ${match.iouAtLeast}`;
  }
}

const percent = (fraction: number) => `${Math.round(100 * fraction)} %`;
