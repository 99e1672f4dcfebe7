import { mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DawsonError } from '../errors.js';
import { writeWhole } from '../formats/index.js';
import { readJsonIfThere } from '../formats/read-json.js';

/** What a fold's network found in the cases it was not trained on. */
export interface FoldValidation {
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
  /** That of one network which saw all cases. */
  readonly modelOfAll: string;

  constructor(readonly folder: string) {
    this.plans = join(folder, 'plans.json');
    this.splits = join(folder, 'splits_final.json');
    this.cache = join(folder, 'cache');
    this.model = join(folder, 'model');
    this.modelOfAll = join(folder, 'model_all');
  }

  #inFold(fold: FoldName, name: string): string {
    return join(this.folder, `fold_${fold}`, name);
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
    const folder = join(this.folder, `fold_${fold}`);
    await mkdir(folder, { recursive: true });
    if (resume || (await readdir(folder)).length === 0) return;
    throw new DawsonError('output-exists', {
      file: folder,
      expected: 'a fold that was not begun',
      found: 'a training',
      advice: 'Go on with it (--resume), or give another folder.',
    });
  }

  async writeJson(file: string, value: unknown): Promise<void> {
    await mkdir(dirname(file), { recursive: true });
    await writeWhole(file, Buffer.from(`${JSON.stringify(value, null, 2)}\n`));
  }

  /** The validations of the folds that are complete, by fold. */
  async validations(folds: number): Promise<Map<number, FoldValidation>> {
    const found = new Map<number, FoldValidation>();
    for (let fold = 0; fold < folds; fold++) {
      const json = await readJsonIfThere(this.validation(fold));
      if (json !== undefined) found.set(fold, json as FoldValidation);
    }
    return found;
  }
}
