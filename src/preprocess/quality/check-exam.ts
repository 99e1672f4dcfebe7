import { invert, type Mat4, multiply, type Vec3, voxelSizeMm } from '../../volume/affine.js';
import { aboveBackground } from '../../volume/background.js';
import { nonZeroVolumeMl, type Volume } from '../../volume/volume.js';
import { inWorker } from '../../workers.js';
import { type SequenceName, sequenceLabels } from '../exam.js';
import { type BrainMap, brainSamples, intensityRange } from './brain-samples.js';
import { canBe, surelyLooksLike, type TissueContrast, tissueContrast } from './contrast.js';
import { type Coverage, coverageOf, type Side, sides } from './coverage.js';
import { type QualityFinding, type Severity, severities } from './finding.js';
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
const ghostShare: Limits = { warning: 0.02, severe: 0.06 };
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
export function checkExam(exam: CheckedExam): QualityFinding[] {
  const measures = exam.sequences.map((sequence) => measureSequence(sequence, exam));
  const findings = [
    ...brainSizeFindings(nonZeroVolumeMl(exam.brain), measures[0]),
    ...measures.flatMap((measured) => [
      ...contrastFindings(measured),
      ...coverageFindings(measured),
      ...resolutionFindings(measured),
      ...signalFindings(measured),
      ...outlierFindings(measured),
    ]),
  ];
  const rank = ({ severity }: QualityFinding) => -severities.indexOf(severity);
  return findings.sort((a, b) => rank(a) - rank(b));
}

export const checkExamInWorker = inWorker<typeof checkExam>(import.meta.url, 'checkExam');

/** Measures one sequence of an exam. */
export function measureSequence(
  { name, volume, referenceToSequence }: CheckedSequence,
  exam: CheckedExam,
): SequenceMeasures {
  const samples = brainSamples(volume, exam, referenceToSequence);
  const [low, high] = intensityRange(samples);
  const ghost = ghosting(aboveBackground(volume));
  const atlasToSequence = multiply(referenceToSequence, invert(exam.referenceToAtlas));
  return {
    name,
    voxelSizeMm: voxelSizeMm(volume.affine),
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

function brainSizeFindings(brainMl: number, first: SequenceMeasures): QualityFinding[] {
  const { least, most } = usualBrainMl;
  const enough = brainMl >= least || first.coverage.share < 1 - cutOff.warning!;
  if (enough && brainMl <= most) return [];
  const text =
    `The brain that was found has ${brainMl.toFixed(0)} ml; usual are ${least} to ${most} ml: ` +
    'look at the mask.';
  return [{ severity: 'warning', code: 'brain-size', text }];
}

const percent = (share: number, digits = 0) => `${(100 * share).toFixed(digits)} %`;

function contrastFindings({ name, contrast }: SequenceMeasures): QualityFinding[] {
  if (contrast === undefined) return [];
  const kind = surelyLooksLike(contrast);
  if (kind === name || (kind === undefined && canBe(name, contrast))) return [];
  const label = sequenceLabels[name];
  const fluid = contrast.fluidOverWhite;
  const measured =
    `fluid is ${fluid > 0 ? 'brighter' : 'darker'} than white matter by ${percent(Math.abs(fluid))} of ` +
    `the brain’s range, and ${percent(contrast.greyAboveWhite)} of the grey matter is brighter`;
  return kind === undefined
    ? [
        {
          severity: 'warning',
          code: 'unusual-contrast',
          sequence: name,
          text: `The ${label} has an unusual contrast (${measured}).`,
        },
      ]
    : [
        {
          severity: 'severe',
          code: 'wrong-sequence',
          sequence: name,
          text: `The ${label} looks like a ${sequenceLabels[kind]} (${measured}).`,
        },
      ];
}

function coverageFindings({ name, coverage }: SequenceMeasures): QualityFinding[] {
  const severity = severityOf(1 - coverage.share, cutOff);
  if (severity === undefined) return [];
  const missing = Object.entries(coverage.missingMl) as [Side, number][];
  const totalMl = missing.reduce((sum, [, ml]) => sum + ml, 0);
  const where = missing
    .filter(([, ml]) => ml > totalMl / 10)
    .sort((a, b) => b[1] - a[1])
    .map(([side]) => sides[side])
    .join(' and ');
  const text =
    `About ${totalMl.toFixed(0)} ml of the brain (${percent(1 - coverage.share)}) lie outside the field ` +
    `of view of the ${sequenceLabels[name]}, on its ${where} side.`;
  return [{ severity, code: 'brain-cut-off', sequence: name, text }];
}

function resolutionFindings({ name, voxelSizeMm }: SequenceMeasures): QualityFinding[] {
  const [, middle, largest] = [...voxelSizeMm].sort((a, b) => a - b);
  const code = 'coarse-resolution';
  const label = sequenceLabels[name];
  const findings: QualityFinding[] = [];
  const slices = severityOf(largest, sliceMm);
  if (slices && (slices !== 'info' || name === 'flair')) {
    const text =
      `The slices of the ${label} are ${largest.toFixed(1)} mm apart (recommended: up to 3 mm): ` +
      'small lesions can be missed.';
    findings.push({ severity: slices, code, sequence: name, text });
  }
  const inPlane = severityOf(middle, inPlaneMm);
  if (inPlane) {
    const text = `The voxels of the ${label} are ${middle.toFixed(1)} mm wide within its slices.`;
    findings.push({ severity: inPlane, code, sequence: name, text });
  }
  return findings;
}

function signalFindings({ name, signal, ghostShare: ghost }: SequenceMeasures): QualityFinding[] {
  const label = sequenceLabels[name];
  const findings: QualityFinding[] = [];
  const add = (severity: Severity | undefined, code: QualityFinding['code'], text: string) => {
    if (severity) findings.push({ severity, code, sequence: name, text });
  };
  if (ghost !== undefined) {
    const text = `Beside the head in the ${label} lie ghosts of motion (${percent(ghost, 1)} of the brain’s range).`;
    add(severityOf(ghost, ghostShare), 'ghosting', text);
  }
  if (signal === undefined) return findings;
  const { rangeToNoise, clipped, negative } = signal;
  add(
    severityOf(1 / rangeToNoise, noiseShare),
    'noise',
    `The ${label} is noisy: the brain’s intensities span ${rangeToNoise.toFixed(1)} times the noise.`,
  );
  add(
    severityOf(clipped, clippedShare),
    'clipped',
    `In the ${label}, ${percent(clipped, 1)} of the brain have the largest value: brighter ones were cut off.`,
  );
  add(
    severityOf(negative, negativeShare),
    'negative-values',
    `In the ${label}, ${percent(negative)} of the brain are below zero: it was normalised or filtered before.`,
  );
  return findings;
}

function outlierFindings({ name, outliers }: SequenceMeasures): QualityFinding[] {
  if (outliers === undefined) return [];
  const { voxels, darkest, brightest, brainShare } = outliers;
  const text =
    `In the ${sequenceLabels[name]}, ${voxels} ${voxels === 1 ? 'voxel lies' : 'voxels lie'} far beyond all ` +
    `others: the brain uses ${brainShare < 1e-5 ? 'less than 0.001 %' : percent(brainShare, 3)} of the range ` +
    `from ${darkest} to ${brightest}. They are taken as the nearest value that is possible.`;
  return [{ severity: 'warning', code: 'outliers', sequence: name, text }];
}
