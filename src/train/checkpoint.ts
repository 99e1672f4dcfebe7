import { createHash } from 'node:crypto';
import { DawsonError } from '../errors.js';
import { readSafetensors, writeSafetensors } from '../formats/safetensors.js';
import type { NetworkPlan, Tensors, Weights } from '../network/index.js';
import { weightShapes } from '../network/index.js';
import { averageName, type StepSettings } from './step.js';

/** The state of a run between two epochs. */
export interface Checkpoint {
  /** Epochs that are done. */
  readonly epochs: number;
  /** Weights and memory of the optimiser. */
  readonly state: Tensors;
}

const schema = 'dawson-checkpoint';
const schemaVersion = '1';

/** Identifies a run by all that decides its result; a checkpoint of another run does not fit. */
export function runIdentity(plan: NetworkPlan, step: StepSettings, run: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([plan, step, run]))
    .digest('hex');
}

/** Writes a checkpoint in the place of the one before, whole or not at all. */
export async function writeCheckpoint(
  file: string,
  { epochs, state }: Checkpoint,
  identity: string,
): Promise<void> {
  const tensors = new Map(
    Object.entries(state).map(([name, { shape, data }]) => {
      if (!(data instanceof Float32Array)) throw new RangeError(`${name}: not float32`);
      return [name, { shape, data }];
    }),
  );
  const metadata = { schema, schemaVersion, identity, epochs: String(epochs) };
  await writeSafetensors(file, { tensors, metadata });
}

/**
 * @param expected the state at the start of the run, whose names and shapes a checkpoint has
 * @throws DawsonError `file-not-found`; `bad-model` for a damaged file or one that is no checkpoint;
 *   `inputs-conflict` for one of a run with other settings.
 */
export async function readCheckpoint(
  file: string,
  identity: string,
  expected: Tensors,
): Promise<Checkpoint> {
  const { tensors, metadata } = await readSafetensors(file);
  if (metadata.schema !== schema || metadata.schemaVersion !== schemaVersion) {
    throw new DawsonError('bad-model', {
      file,
      expected: `a checkpoint of version ${schemaVersion}`,
      found: `${metadata.schema ?? 'something else'} ${metadata.schemaVersion ?? ''}`.trim(),
    });
  }
  if (metadata.identity !== identity) {
    throw new DawsonError('inputs-conflict', {
      file,
      expected: 'a checkpoint of a run with the same plan and settings',
      found: 'one of another run',
      advice: 'Repeat the command with the settings of that run, or start a new one.',
    });
  }
  const epochs = Number(metadata.epochs);
  const fits =
    Number.isSafeInteger(epochs) &&
    epochs >= 0 &&
    tensors.size === Object.keys(expected).length &&
    Object.entries(expected).every(
      ([name, { shape }]) => String(tensors.get(name)?.shape) === String(shape),
    );
  if (!fits) {
    throw new DawsonError('bad-model', {
      file,
      expected: 'the weights of the plan and the memory of the optimiser',
      found: 'others',
    });
  }
  return { epochs, state: Object.fromEntries(tensors) };
}

/** The weights alone, for a model: their average where the run keeps one. */
export function weightsOfState(plan: NetworkPlan, state: Tensors): Weights {
  return new Map(
    [...weightShapes(plan).keys()].map((name) => {
      const { shape, data } = state[averageName(name)] ?? state[name];
      return [name, { shape, data: data as Float32Array }];
    }),
  );
}
