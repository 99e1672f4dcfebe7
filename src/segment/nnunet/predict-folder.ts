import { basename, join } from 'node:path';
import { DawsonError } from '../../errors.js';
import { makeFolder, readLabels, writeNifti } from '../../formats/index.js';
import { foregroundLabels } from '../../model/labels.js';
import type { ModelFolder } from '../../model/model-folder.js';
import { predictorsOf } from '../../model/model-predictors.js';
import { Engine, type EngineSettings } from '../../network/index.js';
import type { Run } from '../../run.js';
import { orientationOf, reorient } from '../../volume/reorient.js';
import { gridDifference, onGrid, sameGrid, type Volume } from '../../volume/volume.js';
import { otherAxes, turned } from './case-axes.js';
import { type CaseFiles, type CaseImages, readCaseImages } from './case-files.js';
import { predictCase } from './nnunet.js';
import type { CasePrediction } from './probability.js';

/** How nnU-Net's own prediction is run. */
export interface PredictOptions {
  /** Numbers of the folds to average; all of the model where nothing is said. */
  readonly folds?: readonly number[];
  /** Distance between windows, as a part of the patch. */
  readonly stepSize: number;
  readonly mirror: boolean;
  /** Also write the probability of each output of the network. */
  readonly probabilities: boolean;
  /** Folder of `CASE.nii.gz` that the first network of a cascade found, for its second. */
  readonly previousStage?: string;
  readonly engine: EngineSettings;
}

export interface PredictedCase {
  readonly name: string;
  /** Voxels of each label that was found, the background left out. */
  readonly voxels: Readonly<Record<number, number>>;
  readonly notes: readonly string[];
}

/**
 * Segments cases as nnU-Net does: images as they are, whole heads where the model was trained on them,
 * their axes as they lie in the files unless the model's reader turns them. Writes `CASE.nii.gz` with
 * nnU-Net's labels for each, and with `probabilities` also `CASE_class-K.nii.gz`. Each fold is loaded
 * once, and all of them stay in memory.
 * @throws DawsonError `usage` for a fold that the model does not have, and for labels of a stage before
 *   that are missing or too many; what reading and the engine throw; the signal's reason.
 */
export async function predictCases(
  cases: readonly CaseFiles[],
  out: string,
  opened: ModelFolder,
  options: PredictOptions,
  { pool, signal, stage }: Run,
): Promise<PredictedCase[]> {
  requireStage(opened, options.previousStage);
  const chosen = { ...opened, weights: weightsOf(opened, options.folds) };
  const engine = new Engine(options.engine, signal);
  const { folds, release } = predictorsOf(chosen, engine, { keep: true });
  const done: PredictedCase[] = [];
  await makeFolder(out);
  try {
    for (const [index, entry] of cases.entries()) {
      signal?.throwIfAborted();
      const images = await readCaseImages(entry);
      const previous = await labelsBefore(entry, images, opened, options.previousStage);
      const prediction = await stage(
        `${entry.name} (${index + 1} of ${cases.length})`,
        (onProgress) =>
          predictCase(
            turned(images.channels, opened),
            opened.model,
            folds,
            { ...options, pool, signal, onProgress },
            previous && turned([previous], opened)[0],
          ),
      );
      await writeCase(join(out, entry.name), images, prediction, opened, options.probabilities);
      done.push({
        name: entry.name,
        voxels: countsOf(prediction.labels.data),
        notes: [...images.notes, ...orientationNotes(images, opened)],
      });
    }
    await release();
    return done;
  } finally {
    await engine.close();
  }
}

function weightsOf({ weights, folder }: ModelFolder, folds: readonly number[] | undefined) {
  if (!folds) return weights;
  const named = new Map(weights.map((file) => [basename(file), file]));
  return folds.map((fold) => {
    const file = named.get(`fold_${fold}.safetensors`);
    if (file) return file;
    throw new DawsonError('usage', {
      file: folder,
      expected: `folds out of ${[...named.keys()].map((name) => name.replace(/\D/g, '')).join(', ')}`,
      found: `${fold}`,
    });
  });
}

function requireStage({ folder, model }: ModelFolder, previousStage: string | undefined): void {
  if ((model.plan.takesLabels === true) === (previousStage !== undefined)) return;
  throw new DawsonError('usage', {
    file: folder,
    expected: model.plan.takesLabels
      ? 'labels that the first network of the cascade found (--previous-stage)'
      : 'a model that is the second of a cascade for --previous-stage',
    found: model.plan.takesLabels ? 'none' : 'one that takes images only',
    advice:
      'Run dawson predict with the model of low resolution first, and give its --out as --previous-stage.',
  });
}

/** What the first network of a cascade found in a case, on the grid of its images. */
async function labelsBefore(
  { name }: CaseFiles,
  { channels }: CaseImages,
  { model }: ModelFolder,
  previousStage: string | undefined,
): Promise<Volume | undefined> {
  if (previousStage === undefined) return undefined;
  const file = join(previousStage, `${name}.nii.gz`);
  const { volume } = await readLabels(file);
  const image = channels.find((channel) => channel !== undefined)!;
  const labels = [0, ...foregroundLabels(model.labels)];
  const other = volume.data.find((value) => !labels.includes(value));
  if (other === undefined && sameGrid(volume, image)) return volume;
  throw new DawsonError('inputs-conflict', {
    file,
    expected: `labels ${labels.join(', ')} on the grid of the case`,
    found: other === undefined ? gridDifference(image, volume)! : `also ${other}`,
  });
}

function orientationNotes({ channels }: CaseImages, opened: ModelFolder): string[] {
  const axes = otherAxes(channels.find((volume) => volume)!, opened);
  if (!axes) return [];
  return [
    `the voxel axes are ${axes.own}, those of the training images ${axes.orientation}: they are taken as they lie, as nnU-Net does`,
  ];
}

async function writeCase(
  path: string,
  { channels, header }: CaseImages,
  { labels, outputs }: CasePrediction,
  { model }: ModelFolder,
  probabilities: boolean,
): Promise<void> {
  const grid = channels.find((volume) => volume)!;
  const write = async (file: string, volume: Volume) => {
    const { data } = reorient(volume, orientationOf(grid.affine));
    await writeNifti(file, onGrid(grid, data), { like: header });
  };
  if (probabilities) {
    for (const [output, probability] of outputs.entries()) {
      const isBackground = model.labels.nonlinearity === 'softmax' && output === 0;
      const number = model.labels.nonlinearity === 'softmax' ? output : output + 1;
      if (!isBackground) await write(`${path}_class-${number}.nii.gz`, probability);
    }
  }
  await write(`${path}.nii.gz`, labels);
}

function countsOf(labels: Uint8Array): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const label of labels) if (label !== 0) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}
