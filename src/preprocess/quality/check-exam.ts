import {
  type Remark,
  type RemarkCode,
  type RemarkValues,
  remark,
  type Severity,
  severities,
} from '../../remarks.js';
import { invert, type Mat4, multiply, type Vec3, voxelSizeMm } from '../../volume/affine.js';
import { aboveBackground } from '../../volume/background.js';
import { nonZeroVolumeMl, type Volume } from '../../volume/volume.js';
import { inWorker } from '../../workers.js';
import { type SequenceName, sequenceLabels } from '../exam.js';
import { type BrainMap, brainSamples, intensityRange } from './brain-samples.js';
import { canBe, surelyLooksLike, type TissueContrast, tissueContrast } from './contrast.js';
import { type Coverage, coverageOf, type Side, sides } from './coverage.js';
import { withoutEvenSlices } from './even-slices.js';
import { ghosting } from './ghosting.js';
import { type Outliers, outliersOf } from './outliers.js';
import { type Signal, signalOf } from './signal.js';

/** A sequence as it was read, and where the brain's grid lies in it. */
export interface CheckedSequence {
  readonly name: SequenceName;
  readonly volume: Volume;
  /** Maps points of the reference (on whose grid the brain lies) to points of it, RAS mm. */
  readonly referenceToSequence: Mat4;
}

/** What is checked: the images as the scanner made them, and where their brain lies. */
export interface CheckedExam extends BrainMap {
  readonly sequences: readonly CheckedSequence[];
  /** Share of heads, 0 to 1, that have brain at a voxel of the atlas. */
  readonly atlasBrain: Volume;
  /** Maps points of the reference to points of the atlas, RAS mm. */
  readonly referenceToAtlas: Mat4;
}

/** What is measured of one sequence; a measure that its image does not allow is absent. */
export interface SequenceMeasures {
  readonly name: SequenceName;
  readonly voxelSizeMm: Vec3;
  /** Slices, from 0, that hold one value instead of the brain; the other measures are of the rest. */
  readonly evenSlices: readonly number[];
  /** Share of the brain that lies in them, 0 to 1. */
  readonly evenShare: number;
  readonly contrast?: TissueContrast;
  readonly signal?: Signal;
  /** Brightness of ghosts beside the head, as a share of the range of the brain's intensities. */
  readonly ghostShare?: number;
  readonly outliers?: Outliers;
  readonly coverage: Coverage;
}

/** Beyond a limit a measure is a finding of that severity. */
type Limits = { readonly [severity in Severity]?: number };

/**
 * Distance between slices. Up to 3 mm are recommended for multiple sclerosis (Wattjes et al. 2021,
 * doi 10.1016/S1474-4422(21)00095-8).
 */
const sliceMm: Limits = { info: 3.5, warning: 6.5, severe: 10 };
const inPlaneMm: Limits = { warning: 1.6, severe: 3 };
/** Share of the brain outside the field of view. */
const cutOff: Limits = { info: 0.01, warning: 0.03, severe: 0.2 };
/** Share of the brain in slices without an image: resampled series often lose their outermost ones. */
const evenLimits: Limits = { info: 0, warning: 0.01, severe: 0.03 };
const ghostLimits: Limits = { warning: 0.02, severe: 0.06 };
const clippedShare: Limits = { warning: 0.001, severe: 0.02 };
const negativeShare: Limits = { info: 0.05 };
/** Noise as a share of the range of the intensities of the brain, which the noise widens by itself. */
const noiseShare: Limits = { warning: 1 / 12, severe: 1 / 8 };
/** Volumes of the brain with the fluid around it; adults lie well within. */
const usualBrainMl = { least: 900, most: 2100 };

/**
 * Looks for what makes a result worse or wrong: sequences that are not what they are said to be, a
 * brain that is cut off, coarse voxels, noise, motion, intensities that were cut off. The measures
 * and their limits: docs/methods/input-gate.md.
 * @returns what stands out, the worst first.
 */
export function checkExam(exam: CheckedExam): Remark[] {
  const measures = exam.sequences.map((sequence) => measureSequence(sequence, exam));
  const findings = [
    ...brainSizeFindings(nonZeroVolumeMl(exam.brain), measures[0]),
    ...measures.flatMap((measured) => [
      ...contrastFindings(measured),
      ...coverageFindings(measured),
      ...resolutionFindings(measured),
      ...evenSliceFindings(measured),
      ...signalFindings(measured),
      ...outlierFindings(measured),
    ]),
  ];
  const rank = ({ severity }: Remark) => -severities.indexOf(severity);
  return findings.sort((a, b) => rank(a) - rank(b));
}

export const checkExamInWorker = inWorker<typeof checkExam>(import.meta.url, 'checkExam');

/** Measures one sequence of an exam. */
export function measureSequence(
  { name, volume, referenceToSequence }: CheckedSequence,
  exam: CheckedExam,
): SequenceMeasures {
  const { samples, evenSlices, evenShare } = withoutEvenSlices(
    brainSamples(volume, exam, referenceToSequence),
    volume,
  );
  const [low, high] = intensityRange(samples);
  const ghost = ghosting(aboveBackground(volume));
  const atlasToSequence = multiply(referenceToSequence, invert(exam.referenceToAtlas));
  return {
    name,
    voxelSizeMm: voxelSizeMm(volume.affine),
    evenSlices,
    evenShare,
    contrast: tissueContrast(samples),
    signal: signalOf(volume, samples),
    outliers: outliersOf(volume, high - low),
    ghostShare: ghost === undefined || !(high > low) ? undefined : ghost / (high - low),
    coverage: coverageOf(volume, exam.atlasBrain, atlasToSequence),
  };
}

function severityOf(value: number, limits: Limits): Severity | undefined {
  return severities.findLast((severity) => value > (limits[severity] ?? Number.POSITIVE_INFINITY));
}

function brainSizeFindings(brainMl: number, first: SequenceMeasures): Remark[] {
  const { least, most } = usualBrainMl;
  const enough = brainMl >= least || first.coverage.share < 1 - cutOff.warning!;
  return enough && brainMl <= most ? [] : [remark('brain-size', { brainMl, least, most })];
}

function contrastFindings({ name, contrast }: SequenceMeasures): Remark[] {
  if (contrast === undefined) return [];
  const kind = surelyLooksLike(contrast);
  if (kind === name || (kind === undefined && canBe(name, contrast))) return [];
  const { fluidOverWhite, greyAboveWhite } = contrast;
  const measured = {
    label: sequenceLabels[name],
    fluid: fluidOverWhite > 0 ? 'brighter' : 'darker',
    difference: Math.abs(fluidOverWhite),
    greyAboveWhite,
  };
  return kind === undefined
    ? [remark('unusual-contrast', measured, { sequence: name })]
    : [remark('wrong-sequence', { ...measured, kind: sequenceLabels[kind] }, { sequence: name })];
}

function coverageFindings({ name, coverage }: SequenceMeasures): Remark[] {
  const severity = severityOf(1 - coverage.share, cutOff);
  if (severity === undefined) return [];
  const missing = Object.entries(coverage.missingMl) as [Side, number][];
  const missingMl = missing.reduce((sum, [, ml]) => sum + ml, 0);
  const values = {
    label: sequenceLabels[name],
    missingMl,
    share: 1 - coverage.share,
    sides: missing
      .filter(([, ml]) => ml > missingMl / 10)
      .sort((a, b) => b[1] - a[1])
      .map(([side]) => sides[side]),
  };
  return [remark('brain-cut-off', values, { severity, sequence: name })];
}

function resolutionFindings({ name, voxelSizeMm }: SequenceMeasures): Remark[] {
  const [, middle, largest] = [...voxelSizeMm].sort((a, b) => a - b);
  const label = sequenceLabels[name];
  const findings: Remark[] = [];
  const slices = severityOf(largest, sliceMm);
  if (slices && (slices !== 'info' || name === 'flair')) {
    const about = { severity: slices, sequence: name };
    findings.push(remark('coarse-resolution', { label, mm: largest }, about));
  }
  const inPlane = severityOf(middle, inPlaneMm);
  if (inPlane) {
    const about = { severity: inPlane, sequence: name };
    findings.push(remark('coarse-in-plane', { label, mm: middle }, about));
  }
  return findings;
}

function evenSliceFindings({ name, evenSlices, evenShare }: SequenceMeasures): Remark[] {
  const severity = severityOf(evenShare, evenLimits);
  if (severity === undefined) return [];
  const values = {
    label: sequenceLabels[name],
    count: evenSlices.length,
    first: evenSlices[0] + 1,
    share: evenShare,
  };
  return [remark('even-slices', values, { severity, sequence: name })];
}

function signalFindings({ name, signal, ghostShare }: SequenceMeasures): Remark[] {
  const label = sequenceLabels[name];
  const findings: Remark[] = [];
  const add = (code: RemarkCode, values: RemarkValues, severity: Severity | undefined) => {
    if (severity) findings.push(remark(code, { label, ...values }, { severity, sequence: name }));
  };
  if (ghostShare !== undefined) {
    add('ghosting', { share: ghostShare }, severityOf(ghostShare, ghostLimits));
  }
  if (signal === undefined) return findings;
  const { rangeToNoise, clipped, negative } = signal;
  add('noise', { rangeToNoise }, severityOf(1 / rangeToNoise, noiseShare));
  add('clipped', { share: clipped }, severityOf(clipped, clippedShare));
  add('negative-values', { share: negative }, severityOf(negative, negativeShare));
  return findings;
}

function outlierFindings({ name, outliers }: SequenceMeasures): Remark[] {
  if (outliers === undefined) return [];
  const { voxels, darkest, brightest, brainShare } = outliers;
  const values = { label: sequenceLabels[name], voxels, darkest, brightest, share: brainShare };
  return [remark('outliers', values, { sequence: name })];
}
