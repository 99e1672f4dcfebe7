import { DawsonError } from '../errors.js';
import { type ImageFile, readLabels } from '../formats/index.js';
import { type Vec3, voxelSizeMm } from '../volume/affine.js';
import { resample } from '../volume/resample.js';
import { inWorker } from '../workers.js';
import { type Definition, definitions } from './definitions.js';
import { evaluatePair, type PairEvaluation } from './evaluate-pair.js';
import { pairMasks } from './mask-pair.js';
import { masksOf } from './masks.js';

/** Two files of masks to be compared. */
export interface FilePair {
  readonly reference: string;
  readonly prediction: string;
}

/** How files are compared. */
export interface EvaluationSettings {
  readonly definition: Definition;
  /** Bring the prediction to the reference's grid by nearest voxels, instead of refusing it. */
  readonly resample: boolean;
}

/** The figures of a pair of files, and what was worked around or assumed in reading them. */
export interface FileEvaluation extends PairEvaluation {
  readonly notes: readonly string[];
}

/**
 * Evaluates a prediction against its reference.
 * @throws DawsonError for files that cannot be read, are no masks, or differ in their grids.
 */
export async function evaluateFiles(
  files: FilePair,
  {
    definition = definitions.anima,
    resample: bringToGrid = false,
  }: Partial<EvaluationSettings> = {},
): Promise<FileEvaluation> {
  const reference = await readLabels(files.reference);
  const prediction = await readLabels(files.prediction);
  const onReference = bringToGrid
    ? resample(prediction.volume, reference.volume, { interpolation: 'nearest' })
    : prediction.volume;
  const masks = masksOf(
    { volume: reference.volume, file: files.reference },
    { volume: onReference, file: files.prediction },
    definition.ignoredReferenceLabel,
  );
  const pair = pairMasks(masks.reference, masks.prediction, statedVoxelSizeMm(reference));
  const notes = [
    ...reference.notes.map((note) => `${files.reference}: ${note}`),
    ...prediction.notes.map((note) => `${files.prediction}: ${note}`),
    ...masks.notes,
  ];
  return { ...evaluatePair(pair, definition), notes };
}

/** What became of one case of a cohort; failures as data, so that all of them can be listed. */
export type CaseOutcome = FileEvaluation | { readonly problem: string };

/** {@link evaluateFiles}, for workers: what is wrong with the input comes back as a sentence. */
export async function caseOutcome(
  files: FilePair,
  settings: Partial<EvaluationSettings>,
): Promise<CaseOutcome> {
  try {
    return await evaluateFiles(files, settings);
  } catch (error) {
    if (error instanceof DawsonError) return { problem: error.message };
    throw error;
  }
}

export const caseOutcomeInWorker = inWorker<typeof caseOutcome>(import.meta.url, 'caseOutcome');

/**
 * Voxel size as the header states it, in its own precision, where it agrees with the affine; else,
 * or without such a header, that of the affine.
 */
export function statedVoxelSizeMm({ volume, header }: Pick<ImageFile, 'volume' | 'header'>): Vec3 {
  const ofAffine = voxelSizeMm(volume.affine);
  if (!header) return ofAffine;
  const stated = header.pixdim.slice(1, 4).map(Math.abs);
  const agrees = stated.every((mm, axis) => Math.abs(mm - ofAffine[axis]) <= 1e-4 * ofAffine[axis]);
  return agrees ? (stated as unknown as Vec3) : ofAffine;
}
