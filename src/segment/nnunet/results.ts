import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DawsonError } from '../../errors.js';
import type { LesionRule } from '../../model/lesion-rule.js';
import type { ModelCard } from '../../model/model-folder.js';

/** What a version of nnU-Net saved of a training, in the terms of nnU-Net v2. */
export interface NnunetResults {
  /** `plans.json` and `dataset.json`. */
  readonly plans: Readonly<Record<string, unknown>>;
  readonly dataset: Readonly<Record<string, unknown>>;
  readonly datasetName: string;
  readonly training: ModelCard['training'];
  readonly mirrorAxes: readonly number[];
  readonly average: 'logits' | 'probabilities';
  readonly rule: LesionRule;
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

export const badResults = (file: string, expected: string, found: string): DawsonError =>
  new DawsonError('bad-model', { file, expected, found: found.slice(0, 200) });

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
