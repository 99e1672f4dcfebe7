import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DawsonError } from '../errors.js';
import { makeFolder, writeWhole } from '../formats/index.js';
import { jsonBytes } from '../formats/json.js';
import { readJsonIfThere } from '../formats/read-json.js';
import { candidateRules } from './choose-post-processing.js';

/** What a fold's network found in the cases it was not trained on. */
export interface FoldValidation {
  /** Hash of the plans by which it was trained; none in folders of earlier versions. */
  readonly plans?: string;
  readonly cases: Readonly<
    Record<
      string,
      {
        /** At a threshold of 0.5. */
        readonly dice: number;
        /** Under each of the candidate rules, in their order. */
        readonly diceByRule: readonly number[];
      }
    >
  >;
}

/** Which fold is trained: one of a cross-validation, or all cases together. */
export type FoldName = number | 'all';

/** Paths in the folder of a training, and what lies at them. */
export class TrainingFolder {
  readonly plans: string;
  readonly splits: string;
  readonly cache: string;
  /** The model of the cross-validation, of as many folds as are trained. */
  readonly model: string;
  /**
   * Folder of `CASE.nii.gz`: labels that the first network of a cascade found in each case, each by the
   * fold that had not seen it.
   */
  readonly labelsForNextStage: string;
  /** That of one network which saw all cases. */
  readonly modelOfAll: string;

  /** @param cache folder of prepared cases, where it is not in that of the training: trainings can share one */
  constructor(
    readonly folder: string,
    cache = join(folder, 'cache'),
  ) {
    this.plans = join(folder, 'plans.json');
    this.splits = join(folder, 'splits_final.json');
    this.cache = cache;
    this.model = join(folder, 'model');
    this.labelsForNextStage = join(folder, 'labels_for_next_stage');
    this.modelOfAll = join(folder, 'model_all');
  }

  foldFolder(fold: FoldName): string {
    return join(this.folder, `fold_${fold}`);
  }
  #inFold(fold: FoldName, name: string): string {
    return join(this.foldFolder(fold), name);
  }
  checkpoint(fold: FoldName): string {
    return this.#inFold(fold, 'checkpoint.safetensors');
  }
  log(fold: FoldName): string {
    return this.#inFold(fold, 'log.jsonl');
  }
  curve(fold: FoldName): string {
    return this.#inFold(fold, 'learning-curve.png');
  }
  weights(fold: FoldName): string {
    return this.#inFold(fold, 'weights.safetensors');
  }
  validation(fold: FoldName): string {
    return this.#inFold(fold, 'validation.json');
  }

  /** @throws DawsonError `output-exists` where the fold was begun, and is not to be gone on with. */
  async begin(fold: FoldName, resume: boolean): Promise<void> {
    const folder = this.foldFolder(fold);
    await makeFolder(folder);
    if (resume || (await readdir(folder)).length === 0) return;
    throw new DawsonError('output-exists', {
      file: folder,
      expected: 'a fold that was not begun',
      found: 'a training',
      advice: 'Go on with it (--resume), or give another folder.',
    });
  }

  /** The folds that were begun. */
  async begun(): Promise<FoldName[]> {
    const entries = await readdir(this.folder).catch(() => []);
    const names = entries.flatMap((name) => /^fold_(\d+|all)$/.exec(name)?.[1] ?? []);
    return names.map((name) => (name === 'all' ? name : Number(name)));
  }

  async writeJson(file: string, value: unknown): Promise<void> {
    await makeFolder(dirname(file));
    await writeWhole(file, jsonBytes(value));
  }

  /**
   * The validations of the folds that are complete, by fold.
   * @throws DawsonError `file-corrupt` for one that Dawson did not write.
   */
  async validations(folds: number): Promise<Map<number, FoldValidation>> {
    const found = new Map<number, FoldValidation>();
    for (let fold = 0; fold < folds; fold++) {
      const validation = await this.validationOf(fold);
      if (validation !== undefined) found.set(fold, validation);
    }
    return found;
  }

  /** That of one fold, if it is complete. @throws as {@link validations}. */
  async validationOf(fold: FoldName): Promise<FoldValidation | undefined> {
    const json = await readJsonIfThere(this.validation(fold));
    return json === undefined ? undefined : requireValidation(json, this.validation(fold));
  }
}

function requireValidation(json: unknown, file: string): FoldValidation {
  const { cases: judged, plans } = isObject(json) ? json : {};
  const cases = isObject(judged) ? Object.values(judged) : undefined;
  const isHash = plans === undefined || typeof plans === 'string';
  if (isHash && cases?.every(isJudged)) return json as unknown as FoldValidation;
  throw new DawsonError('file-corrupt', {
    file,
    expected: 'the Dice of each case, under each rule',
    found: 'something else',
    advice: 'Train this fold again in another folder, or copy the file again.',
  });
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function isJudged(value: unknown): boolean {
  if (!isObject(value) || !Array.isArray(value.diceByRule)) return false;
  const { dice, diceByRule } = value;
  const isDice = (n: unknown) => typeof n === 'number' && n >= 0 && n <= 1;
  return isDice(dice) && diceByRule.length === candidateRules.length && diceByRule.every(isDice);
}
