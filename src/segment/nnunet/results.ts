import { access, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DawsonError } from '../../errors.js';
import { hasOneClass, type OutputLabels } from '../../model/labels.js';
import { argmax, type LesionRule } from '../../model/lesion-rule.js';
import { type Cleaning, type ModelCard, modelCardFile } from '../../model/model-folder.js';

/** What a version of nnU-Net saved of a training, in the terms of nnU-Net v2. */
export interface NnunetResults {
  /** `plans.json` and `dataset.json`. */
  readonly plans: Readonly<Record<string, unknown>>;
  readonly dataset: Readonly<Record<string, unknown>>;
  readonly datasetName: string;
  readonly training: ModelCard['training'];
  readonly mirrorAxes: readonly number[];
  readonly average: 'logits' | 'probabilities';
  /** What nnU-Net itself does to its labels. */
  readonly cleaning: readonly Cleaning[];
  /** Where nnU-Net turned the images itself; elsewhere it took them as they lie in their files. */
  readonly orientation?: string;
  /** Checkpoints by the number of their fold. */
  readonly folds: ReadonlyMap<number, string>;
  /** The field of a checkpoint that holds the weights. */
  readonly weightsField: string;
}

/** Checkpoints by the number of their fold; a network that was trained on all cases counts as 0. */
export async function foldsIn(
  results: string,
  checkpointName: string,
): Promise<Map<number, string>> {
  const folds = new Map<number, string>();
  for (const name of (await readdir(results).catch(() => [])).sort()) {
    const number = /^(?:fold_(\d)|(?:fold_)?all)$/.exec(name);
    const file = join(results, name, checkpointName);
    if (!number || !(await exists(file))) continue;
    if (number[1] !== undefined) folds.set(Number(number[1]), file);
    else if (!folds.has(0)) folds.set(0, file);
  }
  return folds;
}

export const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

/** What can be done about a folder of results, by what is wrong with it. */
const advices = {
  /** Missing or malformed, as nnU-Net does not write it. */
  asWritten:
    'Give the folder TRAINER__PLANS… as nnU-Net wrote it; docs/models.md says what is read of it.',
  mixed: 'The folds are of several trainings: give a folder with those of one.',
  unsupported:
    'Dawson does not do this (docs/models.md says what it does): predict with nnU-Net itself.',
  alreadyDawsons:
    'This is a model of Dawson already: dawson predict and dawson segment --model take it as it is.',
  packed: 'Unpack it first, and give the folder TRAINER__PLANS… that is in it.',
  foldItself: 'This is a fold: give the folder around it.',
  best: 'The training has not ended; its best network so far is taken with --checkpoint best.',
  noBest: 'There is only the network of the last epoch: leave out --checkpoint best.',
} as const;

export const badResults = (
  file: string,
  expected: string,
  found: string,
  cause: keyof typeof advices = 'asWritten',
): DawsonError =>
  new DawsonError('bad-model', {
    file,
    expected,
    found: found.slice(0, 200),
    advice: advices[cause],
  });

/**
 * What is said of a folder without checkpoints of the name that is looked for: what lies there tells
 * what it is instead.
 */
export async function noFolds(results: string, checkpointName: string): Promise<DawsonError> {
  const expected = `fold_0/${checkpointName} or that of another fold`;
  const stats = await lstat(results).catch(() => undefined);
  if (!stats) {
    const found = 'no folder of this name';
    return new DawsonError('file-not-found', { file: results, expected, found });
  }
  if (stats.isFile()) return badResults(results, expected, 'a file', 'packed');
  const names = await readdir(results).catch((): string[] => []);
  if (names.includes(modelCardFile)) {
    return badResults(results, expected, modelCardFile, 'alreadyDawsons');
  }
  const training = names.find((name) => /^\w+__\w+/.test(name));
  if (training !== undefined) {
    const advice = `Give the folder of one training in it, such as ${join(results, training)}.`;
    return new DawsonError('bad-model', { file: results, expected, found: 'trainings', advice });
  }
  if (names.some((name) => /^(checkpoint|model)_.*\.(pth|model)$/.test(name))) {
    return badResults(results, expected, 'checkpoints', 'foldItself');
  }
  const other = Object.entries(checkpointNames).flatMap(([which, files]) =>
    files.some((name) => name === checkpointName) ? [] : files.map((file) => ({ which, file })),
  );
  for (const { which, file } of other) {
    if ((await foldsIn(results, file)).size === 0) continue;
    return badResults(results, expected, file, which === 'best' ? 'best' : 'noBest');
  }
  return badResults(results, expected, 'none');
}

/** Files of a fold, by the version of nnU-Net that wrote them. */
export const checkpointNames = {
  final: ['model_final_checkpoint.model', 'checkpoint_final.pth'],
  best: ['model_best.model', 'checkpoint_best.pth'],
} as const satisfies Record<string, readonly [version1: string, version2: string]>;

/** @throws DawsonError `bad-model` for anything but an object. */
export function fieldsOf(json: unknown, file: string): Readonly<Record<string, unknown>> {
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) {
    return json as Readonly<Record<string, unknown>>;
  }
  throw badResults(file, 'an object', 'something else');
}

/** For a model's description: what is no text or number is not known. */
export const textOf = (value: unknown): string =>
  typeof value === 'string' ? value.slice(0, 200) : 'unknown';
export const numberOrUnknown = (value: unknown): number | string =>
  typeof value === 'number' ? value : 'unknown';

/** What is known of a training whose class of trainer was given by hand. */
export const trainerRecord = (trainer: string, takenFor?: string) => ({
  trainer,
  ...(takenFor !== undefined && takenFor !== trainer && { trainerTakenFor: takenFor }),
});

/**
 * The rule for lesions of a network whose labels nnU-Net cleans so: where there is one class, the
 * largest component of it is that of the lesions; of more classes, labels are cleaned on their own.
 */
export const ruleOf = (labels: OutputLabels, cleaning: readonly Cleaning[]): LesionRule =>
  hasOneClass(labels)
    ? { ...argmax, keepLargest: cleaning.length > 0 }
    : { ...argmax, byClass: true };

/** The labels in one entry of nnU-Net's post-processing: a label, or lists of labels and regions. */
export function labelsIn(judged: unknown, file: string): number[] {
  const labels = [judged].flat(3);
  const areLabels = labels.every((n) => Number.isInteger(n) && (n as number) >= 1);
  if (!areLabels || labels.length === 0) {
    throw badResults(file, 'labels in the post-processing', JSON.stringify(judged) ?? 'none');
  }
  return [...new Set(labels as number[])];
}
