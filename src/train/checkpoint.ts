import { createHash } from 'node:crypto';
import { DawsonError, listed } from '../errors.js';
import { parseJson } from '../formats/json.js';
import { readSafetensors, type Safetensors, writeSafetensors } from '../formats/safetensors.js';
import type { NetworkPlan, Tensors, Weights } from '../network/index.js';
import { weightShapes } from '../network/index.js';
import { averageName, type StepSettings } from './step.js';

/** What is done of an epoch. */
export interface BegunEpoch {
  readonly steps: number;
  /** Sum of the losses of these steps. */
  readonly lossSum: number;
  readonly seconds: number;
  readonly waitingSeconds: number;
}

/** The state of a run between two epochs, or within one. */
export interface Checkpoint {
  /** Epochs that are done. */
  readonly epochs: number;
  /** What is done of the next one; absent between two. */
  readonly begun?: BegunEpoch;
  /** Weights and memory of the optimiser. */
  readonly state: Tensors;
  /** After which epochs the run had ended before it was given more of them, such as '500'. */
  readonly wentOnAfter?: string;
}

const schema = 'dawson-checkpoint';
const schemaVersion = '3';
/** Checkpoints of version 2 lie between two epochs. */
const readVersions: readonly (string | undefined)[] = ['2', schemaVersion];

/** All that decides the result of a run, by names for people; a checkpoint of another run does not fit. */
export type RunIdentity = Readonly<Record<string, string>>;

/** @param others what else decides it, beyond the network, its step and its course */
export function runIdentity(
  plan: NetworkPlan,
  step: StepSettings,
  run: object,
  others: Readonly<Record<string, unknown>> = {},
): RunIdentity {
  const settings = { ...step, ...run, ...others };
  const stated = Object.entries(settings).map(
    ([name, value]) =>
      // camelCase in words: 'stepsPerEpoch' is 'steps per epoch'.
      [
        name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`),
        typeof value === 'string' ? value : JSON.stringify(value),
      ] as const,
  );
  return {
    ...Object.fromEntries(stated),
    network: createHash('sha256').update(JSON.stringify(plan)).digest('hex'),
  };
}

/** SHA-256 of all that a file of weights holds, but for the place of this hash itself. */
export function contentHash({ tensors, metadata }: Safetensors): string {
  const { sha256: _, ...others } = metadata;
  const hash = createHash('sha256').update(JSON.stringify(Object.entries(others).sort()));
  for (const [name, { shape, data }] of [...tensors].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(JSON.stringify([name, shape]));
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}

/** Writes weights with their own hash, for {@link readChecked}. */
export async function writeChecked(
  file: string,
  tensors: Safetensors['tensors'],
  metadata: Safetensors['metadata'] = {},
): Promise<void> {
  const sha256 = contentHash({ tensors, metadata });
  await writeSafetensors(file, { tensors, metadata: { ...metadata, sha256 } });
}

/** @throws DawsonError `file-not-found`; `bad-model` for anything but the bytes that were written. */
export async function readChecked(file: string): Promise<Safetensors> {
  const found = await readSafetensors(file);
  if (found.metadata.sha256 === contentHash(found)) return found;
  throw new DawsonError('bad-model', {
    file,
    expected: 'weights as they were written, with their checksum',
    found: found.metadata.sha256 === undefined ? 'none' : 'others: the file is damaged',
    advice: 'Copy the file again, or train this fold again in another folder.',
  });
}

/** Writes a checkpoint in the place of the one before, whole or not at all. */
export async function writeCheckpoint(
  file: string,
  { epochs, begun, state, wentOnAfter }: Checkpoint,
  identity: RunIdentity,
): Promise<void> {
  const tensors = new Map(
    Object.entries(state).map(([name, { shape, data }]) => {
      if (!(data instanceof Float32Array)) throw new RangeError(`${name}: not float32`);
      return [name, { shape, data }];
    }),
  );
  const metadata: Record<string, string> = { schema, schemaVersion, epochs: String(epochs) };
  if (begun) metadata.begun = JSON.stringify(begun);
  if (wentOnAfter !== undefined) metadata.wentOnAfter = wentOnAfter;
  await writeChecked(file, tensors, { ...metadata, identity: JSON.stringify(identity) });
}

/**
 * A checkpoint to go on from. That of a run which has ended may be gone on from with more epochs: the
 * learning rate then falls from where it is in the longer course.
 * @param expected the state at the start of the run, whose names and shapes a checkpoint has
 * @throws DawsonError `file-not-found`; `bad-model` for a damaged file or one that is no checkpoint;
 *   `inputs-conflict` for one of a run with other settings, which it names.
 */
export async function readCheckpoint(
  file: string,
  identity: RunIdentity,
  expected: Tensors,
): Promise<Checkpoint> {
  const { tensors, metadata } = await readChecked(file);
  if (metadata.schema !== schema || !readVersions.includes(metadata.schemaVersion)) {
    throw new DawsonError('bad-model', {
      file,
      expected: `a checkpoint of version ${schemaVersion}`,
      found: `${metadata.schema ?? 'something else'} ${metadata.schemaVersion ?? ''}`.trim(),
      advice:
        metadata.schema === schema
          ? 'Go on with the version of Dawson that began this training, or train this fold again in another folder.'
          : 'It is no checkpoint of a training: put the right file back, or train this fold again in another folder.',
    });
  }
  const before = objectOf<RunIdentity>(metadata.identity) as RunIdentity;
  const goesOn = hasEnded(before, metadata) && Number(identity.epochs) > Number(before.epochs);
  const differing = differences(goesOn ? { ...before, epochs: identity.epochs } : before, identity);
  if (differing.length > 0) {
    throw new DawsonError('inputs-conflict', {
      file,
      expected: 'a checkpoint of a run with the same cases and settings',
      found: listed(differing, '; '),
      advice: 'Repeat the command with the settings of that run, or start a new one.',
    });
  }
  const epochs = Number(metadata.epochs);
  const begun = begunOf(metadata.begun);
  const fits =
    begun !== null &&
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
      advice:
        'It is a checkpoint of another plan: put back the plans.json with which this fold was begun, or train ' +
        'it again in another folder.',
    });
  }
  const ends = [metadata.wentOnAfter, goesOn ? before.epochs : undefined].filter(Boolean);
  return {
    epochs,
    ...(begun && { begun }),
    state: Object.fromEntries(tensors),
    ...(ends.length > 0 && { wentOnAfter: ends.join(', ') }),
  };
}

const hasEnded = (run: RunIdentity, metadata: Safetensors['metadata']): boolean =>
  run.epochs !== undefined && run.epochs === metadata.epochs;

/** @returns null for anything else than what was written. */
function begunOf(text: string | undefined): BegunEpoch | undefined | null {
  if (text === undefined) return undefined;
  const { steps, lossSum, seconds, waitingSeconds } = objectOf<BegunEpoch>(text);
  const isNumber = (n: unknown): n is number => Number.isFinite(n);
  if (!isNumber(steps) || !isNumber(lossSum) || !isNumber(seconds) || !isNumber(waitingSeconds)) {
    return null;
  }
  return Number.isInteger(steps) && steps >= 1 ? { steps, lossSum, seconds, waitingSeconds } : null;
}

/** The fields of a JSON object, each still to be checked; none where it is none. */
function objectOf<T>(text: string | undefined): Partial<T> {
  try {
    const value = parseJson(text ?? '');
    return typeof value === 'object' && value !== null ? (value as Partial<T>) : {};
  } catch {
    return {};
  }
}

/** What differs between the run of a checkpoint and this one, in words; hashes are not shown. */
function differences(before: RunIdentity, now: RunIdentity): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  const valueIn = (run: RunIdentity, name: string) =>
    Object.hasOwn(run, name) ? String(run[name]) : 'not stated';
  return names.flatMap((name) => {
    const [was, is] = [valueIn(before, name), valueIn(now, name)];
    if (was === is) return [];
    const isHash = [was, is].some((text) => /^[0-9a-f]{32,}$/.test(text));
    return [isHash ? `another ${name}` : `${name} ${was}, here ${is}`];
  });
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
