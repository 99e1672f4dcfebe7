import { voxelSizeMm } from '../volume/affine.js';
import type { Connectivity } from '../volume/components.js';
import type { Grid, Volume } from '../volume/volume.js';
import {
  type ConfidenceModel,
  confidencesOf,
  isAbove,
  type JudgedLesion,
} from './lesion-confidence.js';

/** How probabilities become lesions: one for each model, chosen with it and stored in its card. */
export interface LesionRule {
  /** A voxel is lesion from this probability on. */
  readonly threshold: number;
  /** Components up to this volume are removed: a lesion is strictly larger. */
  readonly minimumVolumeMm3: number;
  /**
   * A component stays if one of its voxels has at least this probability; absent, the threshold does.
   * What is surely a lesion so gets its faint border, and a faint speck goes.
   */
  readonly minimumPeak?: number;
  /**
   * How likely a component is a real lesion, and from which `minimum` on it stays. What is small needs
   * another peak than what is large (docs/decisions/0094).
   */
  readonly confidence?: ConfidenceModel & { readonly minimum: number };
  /**
   * A voxel is lesion where its most probable class is one, as in nnU-Net, in the place of the
   * threshold: with several classes the two differ.
   */
  readonly byClass?: boolean;
  /** nnU-Net's own rule: only the largest component stays. For lesions it hardly ever helps. */
  readonly keepLargest: boolean;
  /** Voxels touching by a face (6), also an edge (18), also a corner (26) are one lesion. */
  readonly connectivity: Connectivity;
  /**
   * What is another in images whose slices are at most so far apart, as {@link ruleForImage} puts it in:
   * thick slices show as bright as a lesion what thin ones do not (docs/decisions/0113).
   */
  readonly thinSlices?: Pick<LesionRule, 'threshold' | 'confidence'> & { readonly upToMm: number };
}

/** The rule for lesions in an image: by the distance of its slices, where it matters. */
export function ruleForImage({ thinSlices, ...rule }: LesionRule, { affine }: Grid): LesionRule {
  if (!thinSlices || Math.max(...voxelSizeMm(affine)) > thinSlices.upToMm) return rule;
  const { upToMm: _, ...ofThinSlices } = thinSlices;
  return { ...rule, ...ofThinSlices };
}

/** nnU-Net's default, before anything is chosen; what touches only by a corner is one lesion. */
export const argmax: LesionRule = {
  threshold: 0.5,
  minimumVolumeMm3: 0,
  keepLargest: false,
  connectivity: 26,
};

/** MSSEG's rule for the size (docs/methods/lesions.md). */
export const msseg: LesionRule = { ...argmax, minimumVolumeMm3: 3 };

const thresholdSchema = { type: 'number', exclusiveMinimum: 0, maximum: 1 } as const;
const confidenceSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['intercept', 'perLogOdds', 'perLogVolume', 'perLogMeanVolume', 'minimum'],
  properties: {
    intercept: { type: 'number' },
    perLogOdds: { type: 'number' },
    perLogVolume: { type: 'number' },
    perLogMeanVolume: { type: 'number' },
    minimum: { type: 'number', minimum: 0, maximum: 1 },
  },
} as const;

/** A rule in the card of a model. Cards of before rules had a connectivity say none: it was 26. */
export const lesionRuleSchema = {
  type: 'object',
  required: ['threshold', 'minimumVolumeMm3', 'keepLargest'],
  additionalProperties: false,
  properties: {
    threshold: thresholdSchema,
    minimumVolumeMm3: { type: 'number', minimum: 0, maximum: 1e6 },
    minimumPeak: { type: 'number', exclusiveMinimum: 0, maximum: 1 },
    confidence: confidenceSchema,
    byClass: { type: 'boolean' },
    keepLargest: { type: 'boolean' },
    connectivity: { enum: [6, 18, 26] },
    thinSlices: {
      type: 'object',
      required: ['upToMm', 'threshold'],
      additionalProperties: false,
      properties: {
        upToMm: { type: 'number', exclusiveMinimum: 0, maximum: 100 },
        threshold: thresholdSchema,
        confidence: confidenceSchema,
      },
    },
  },
} as const;

/** A rule as {@link lesionRuleSchema} lets it stand in a card. */
export type RuleOfCard = Omit<LesionRule, 'connectivity'> & Partial<LesionRule>;

export const ruleOfCard = (rule: RuleOfCard): LesionRule => ({
  ...rule,
  connectivity: rule.connectivity ?? 26,
});

const touching = { 6: 'a face', 18: 'an edge', 26: 'a corner' } as const;

/** By what a lesion is told, as a phrase. */
export function ruleInWords(rule: LesionRule): string {
  const { threshold, minimumVolumeMm3, minimumPeak, confidence, keepLargest, connectivity } = rule;
  const { thinSlices } = rule;
  return [
    rule.byClass ? 'the most probable class' : `probability from ${threshold}`,
    `voxels that touch by ${touching[connectivity]} are one`,
    ...(minimumVolumeMm3 > 0 ? [`larger than ${minimumVolumeMm3} mm3`] : []),
    ...(minimumPeak === undefined ? [] : [`a peak from ${minimumPeak}`]),
    ...(confidence ? [`confidence from ${confidence.minimum}`] : []),
    ...(keepLargest ? ['the largest only'] : []),
    ...(thinSlices
      ? [
          `in slices up to ${thinSlices.upToMm} mm apart a probability from ${thinSlices.threshold}` +
            (thinSlices.confidence
              ? ` and a confidence from ${thinSlices.confidence.minimum}`
              : ''),
        ]
      : []),
  ].join(', ');
}

/**
 * The components that are lesions, in their order.
 * @param found all of one exam
 */
export function lesionsAmong<Component extends JudgedLesion>(
  found: readonly Component[],
  {
    minimumVolumeMm3,
    minimumPeak = 0,
    confidence,
    keepLargest,
  }: Omit<LesionRule, 'threshold' | 'connectivity'>,
): (Component & { readonly confidence?: number })[] {
  const confidences = confidence && confidencesOf(confidence, found);
  const judged = confidences
    ? found.map((component, index) => ({ ...component, confidence: confidences[index] }))
    : (found as readonly (Component & { readonly confidence?: number })[]);
  const lesions = judged.filter(
    (component) =>
      isAbove(component, minimumVolumeMm3) &&
      component.maxProbability >= minimumPeak &&
      (!confidence || component.confidence! >= confidence.minimum),
  );
  if (!keepLargest || lesions.length === 0) return lesions;
  return [lesions.reduce((best, one) => (one.volumeMl > best.volumeMl ? one : best))];
}

/** The highest probability of each component, by label. */
export function peaksOf(
  probability: Volume,
  labels: ArrayLike<number>,
  count: number,
): Float32Array {
  const peaks = new Float32Array(count + 1);
  for (let at = 0; at < labels.length; at++) {
    const label = labels[at];
    if (label !== 0 && probability.data[at] > peaks[label]) peaks[label] = probability.data[at];
  }
  return peaks;
}
