import { DawsonError } from '../errors.js';
import { writeWhole } from '../formats/index.js';
import { parseJson } from '../formats/json.js';
import { isThere, readWholeFile } from '../formats/open-file.js';
import type { Engine, NetworkPlan, Tensors, Weights } from '../network/index.js';
import {
  type BegunEpoch,
  type Checkpoint,
  readCheckpoint,
  runIdentity,
  writeCheckpoint,
} from './checkpoint.js';
import { polynomialDecay } from './schedule.js';
import {
  initialState,
  loadTrainer,
  type StepInput,
  type StepSettings,
  type Trainer,
  type Validation,
} from './step.js';

/** How long and how fast a network is trained. */
export interface RunSettings {
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  /** Batches of the validation cases after each epoch; 0 for none. */
  readonly validationSteps: number;
  /** At the start; falls to 0 with nnU-Net's polynomial. */
  readonly learningRate: number;
  readonly epochsPerCheckpoint: number;
}

/** nnU-Net's own. */
export const defaultRunSettings: RunSettings = {
  epochs: 1000,
  stepsPerEpoch: 250,
  validationSteps: 50,
  learningRate: 0.01,
  epochsPerCheckpoint: 5,
};

/** Work that a stop may cost where epochs or steps are long. */
const longestWithoutCheckpointMs = 10 * 60_000;

export interface BatchSource {
  nextBatch(): Promise<StepInput & { readonly cases?: readonly string[] }>;
}

/** One line of the log. */
export interface EpochRecord {
  /** From 0. */
  readonly epoch: number;
  readonly learningRate: number;
  readonly trainingLoss: number;
  /** Loss of the validation batches; absent without them. */
  readonly validationLoss?: number;
  /** By class without the background, over all voxels of the validation batches; null for 0 of 0. */
  readonly pseudoDice?: readonly (number | null)[];
  readonly seconds: number;
  /** Seconds in which the engine waited for batches. */
  readonly waitingSeconds: number;
}

export interface TrainingRun {
  readonly plan: NetworkPlan;
  readonly step: StepSettings;
  readonly settings: RunSettings;
  readonly initialWeights: Weights;
  /** Batches from an index on; the same index is the same batch. */
  readonly batches: (firstBatch: number) => BatchSource;
  readonly validationBatches?: (firstBatch: number) => BatchSource;
  readonly checkpointFile: string;
  readonly logFile: string;
  /**
   * Whether to go on where the checkpoint is, exactly as if the run had never stopped; without one the
   * run begins. A run that has ended goes on where it is given more epochs.
   */
  readonly resume: boolean;
  /** What else decides the result, such as the cases, by names for messages. */
  readonly identity?: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal;
  readonly onStep?: (done: number, all: number, loss: number) => void;
  readonly onEpoch?: (record: EpochRecord) => void;
  /** How fast it goes, once that is measured. */
  readonly onPace?: (pace: Pace) => void;
  /** After which epochs the run had ended before. */
  readonly onWentOn?: (wentOnAfter: string) => void;
}

/** How fast a run goes, measured on its first steps. */
export interface Pace {
  readonly secondsPerStep: number;
  /** From the beginning of this run, those that were measured among them. */
  readonly steps: number;
}

/** Steps that are measured, after the first one, in which the engine settles. */
export const measuredSteps = 5;

/**
 * Trains a network. After each epoch the log gets a JSON line; the checkpoint is written before the
 * first epoch and replaced every few epochs, and after each step, also within an epoch, that ends ten
 * minutes after the last one or later; both whole or not at all.
 * @returns the state after the last epoch
 * @throws DawsonError `training-failed` for a loss that is not finite, leaving the last checkpoint;
 *   what {@link Engine}, {@link readCheckpoint} and the batches throw; the signal's reason.
 */
export async function trainNetwork(engine: Engine, run: TrainingRun): Promise<Tensors> {
  const { plan, step, settings, checkpointFile, logFile } = run;
  const identity = runIdentity(plan, step, settings, run.identity);
  const fresh = { epochs: 0, state: initialState(run.initialWeights, step) };
  const goesOn = run.resume && (await isThere(checkpointFile));
  const start: Checkpoint = goesOn
    ? await readCheckpoint(checkpointFile, identity, fresh.state)
    : fresh;
  const { wentOnAfter } = start;
  if (wentOnAfter !== undefined) run.onWentOn?.(wentOnAfter);
  if (!goesOn) await writeCheckpoint(checkpointFile, start, identity);
  if (start.epochs >= settings.epochs) return start.state;
  // What came after the checkpoint is done again.
  const log = goesOn ? await readLog(logFile, start.epochs) : [];
  const trainer = await loadTrainer(engine, plan, step, start.state);
  const batches = run.batches(start.epochs * settings.stepsPerEpoch + (start.begun?.steps ?? 0));
  const validation = run.validationBatches?.(start.epochs * settings.validationSteps);

  let writtenMs = performance.now();
  const keep = async (epochs: number, begun?: BegunEpoch) => {
    const state = await trainer.readState();
    await writeCheckpoint(checkpointFile, { epochs, begun, state, wentOnAfter }, identity);
    writtenMs = performance.now();
  };
  const isLate = () => performance.now() - writtenMs >= longestWithoutCheckpointMs;
  const ofRun: EpochRun = {
    ...run,
    start,
    keepIfLate: async (epochs, begun) => {
      if (isLate()) await keep(epochs, begun);
    },
  };
  for (let epoch = start.epochs; epoch < settings.epochs; epoch++) {
    const record = await runEpoch(trainer, ofRun, epoch, batches, validation);
    log.push(record);
    await writeWhole(logFile, new TextEncoder().encode(log.map(lineOf).join('')));
    const done = epoch + 1;
    if (isLate() || done % settings.epochsPerCheckpoint === 0 || done === settings.epochs) {
      await keep(done);
    }
    run.onEpoch?.(record);
  }
  return trainer.readState();
}

type EpochRun = TrainingRun & {
  /** Where this run began. */
  readonly start: Checkpoint;
  /** Writes a checkpoint within an epoch where the last one is too old. */
  readonly keepIfLate: (epochs: number, begun: BegunEpoch) => Promise<void>;
};

const notBegun: BegunEpoch = { steps: 0, lossSum: 0, seconds: 0, waitingSeconds: 0 };

async function runEpoch(
  trainer: Trainer,
  run: EpochRun,
  epoch: number,
  batches: BatchSource,
  validation: BatchSource | undefined,
): Promise<EpochRecord> {
  const { start, keepIfLate } = run;
  const begun = (epoch === start.epochs && start.begun) || notBegun;
  const { epochs, stepsPerEpoch, validationSteps } = run.settings;
  const learningRate = run.settings.learningRate * polynomialDecay(epoch, epochs);
  const started = performance.now() - 1000 * begun.seconds;
  let waited = 1000 * begun.waitingSeconds;
  const next = async (source: BatchSource) => {
    run.signal?.throwIfAborted();
    const asked = performance.now();
    const batch = await source.nextBatch();
    waited += performance.now() - asked;
    return batch;
  };
  const timed = paceOf(run, epoch);
  const times = () => ({
    seconds: (performance.now() - started) / 1000,
    waitingSeconds: waited / 1000,
  });
  let sum = begun.lossSum;
  for (let i = begun.steps; i < stepsPerEpoch; i++) {
    const batch = await next(batches);
    const step = epoch * stepsPerEpoch + i;
    const loss = await trainer.step(batch, step, learningRate);
    if (!Number.isFinite(loss)) {
      throw new DawsonError('training-failed', {
        expected: 'a finite loss',
        found: `${loss} in step ${step} (epoch ${epoch})${batch.cases ? ` on ${batch.cases.join(', ')}` : ''}`,
      });
    }
    sum += loss;
    timed(i - begun.steps);
    run.onStep?.(step + 1, epochs * stepsPerEpoch, loss);
    if (i + 1 < stepsPerEpoch) await keepIfLate(epoch, { steps: i + 1, lossSum: sum, ...times() });
  }
  const validations: Validation[] = [];
  if (validation) {
    for (let i = 0; i < validationSteps; i++) {
      validations.push(await trainer.validate(await next(validation)));
    }
  }
  return {
    epoch,
    learningRate,
    trainingLoss: sum / stepsPerEpoch,
    ...(validations.length > 0 ? validationSummary(validations) : {}),
    ...times(),
  };
}

/** Tells how fast a run goes after its first steps, in its first epoch. */
function paceOf({ settings, start, onPace }: EpochRun, epoch: number): (step: number) => void {
  const { epochs, stepsPerEpoch } = settings;
  const done = start.epochs * stepsPerEpoch + (start.begun?.steps ?? 0);
  const last = Math.min(measuredSteps, stepsPerEpoch - 1 - (start.begun?.steps ?? 0));
  let startedMs = 0;
  return (step) => {
    if (epoch !== start.epochs || last < 1) return;
    if (step === 0) startedMs = performance.now();
    if (step !== last) return;
    const secondsPerStep = (performance.now() - startedMs) / 1000 / last;
    onPace?.({ secondsPerStep, steps: epochs * stepsPerEpoch - done });
  };
}

/** nnU-Net's pseudo-Dice: of the voxels of all patches together, not of whole images. */
export function validationSummary(validations: readonly Validation[]) {
  const total = (counts: (validation: Validation) => readonly number[], index: number) =>
    validations.reduce((sum, validation) => sum + counts(validation)[index], 0);
  return {
    validationLoss: validations.reduce((sum, { loss }) => sum + loss, 0) / validations.length,
    pseudoDice: validations[0].hits.map((_, index) => {
      const hits = total((v) => v.hits, index);
      const all = 2 * hits + total((v) => v.excess, index) + total((v) => v.missed, index);
      return all === 0 ? null : (2 * hits) / all;
    }),
  };
}

const lineOf = (record: EpochRecord) => `${JSON.stringify(record)}\n`;

/** A line an epoch; a million epochs are no training. */
const longestLog = { mostBytes: 2 ** 28, kind: 'a log of a training' };

/**
 * The records of the first `epochs` epochs of a log; none where there is no file.
 * @throws DawsonError `file-not-found`, `file-oversized`; `file-corrupt` for lines that are no records.
 */
export async function readLog(file: string, epochs = Infinity): Promise<EpochRecord[]> {
  if (!(await isThere(file))) return [];
  const lines = (await readWholeFile(file, longestLog)).toString().split('\n');
  return lines
    .filter((line) => line !== '')
    .map((line) => recordOf(line, file))
    .filter(({ epoch }) => epoch < epochs);
}

function recordOf(line: string, file: string): EpochRecord {
  try {
    const value = parseJson(line) as Partial<EpochRecord> | null;
    if (typeof value === 'object' && value !== null && isRecord(value)) return value;
  } catch {
    // Said below.
  }
  throw new DawsonError('file-corrupt', {
    file,
    expected: 'a log of one JSON object an epoch a line',
    found: 'something else',
    advice: 'Remove the file: the training goes on without the course of its earlier epochs.',
  });
}

function isRecord(value: Partial<EpochRecord>): value is EpochRecord {
  const { epoch, learningRate, trainingLoss, seconds, waitingSeconds, ...measured } = value;
  const { validationLoss, pseudoDice = [] } = measured;
  return (
    Number.isSafeInteger(epoch) &&
    [learningRate, trainingLoss, seconds, waitingSeconds].every((n) => Number.isFinite(n)) &&
    (validationLoss === undefined || Number.isFinite(validationLoss)) &&
    Array.isArray(pseudoDice) &&
    pseudoDice.every((dice) => dice === null || Number.isFinite(dice))
  );
}
