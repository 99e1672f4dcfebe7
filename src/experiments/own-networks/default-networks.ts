import { edgeVoxels } from '../../model/compact-plans.js';
import { type OwnModelName, ownModels } from '../../model/own-model.js';
import { type Engine, initialWeights, type Tensors, type Weights } from '../../network/index.js';
import { tissueShares } from '../../synthesize/brain-intensities.js';
import { listHeads, prepareHead, readLesionLibrary } from '../../synthesize/prepare-heads.js';
import { type BatchesAhead, batchesAhead } from '../../train/batches-ahead.js';
import { type EpochRecord, type RunSettings, trainNetwork } from '../../train/loop.js';
import { onSharedMemory } from '../../train/shared-memory.js';
import type { StepInput, StepSettings } from '../../train/step.js';
import { seededRandom } from '../../volume/random.js';
import type { WorkerPool } from '../../workers.js';
import { makeAnatomyBatchInWorker } from './anatomy-batches.js';
import { type Anatomies, type BatchSettings, makeLesionBatchInWorker } from './lesion-batches.js';
import { makeMixedBatchInWorker } from './real/real-batches.js';
import type { TrainingCase } from './real/training-case.js';

/** One run of training. */
export interface TrainingStage {
  readonly step: StepSettings;
  readonly run: RunSettings;
  readonly seed: number;
}

/** How Dawson's own networks are made. */
interface DefaultNetwork {
  /** From fresh weights. */
  readonly first: TrainingStage;
  /** Goes on from the weights of a finished run, on other exams. */
  readonly further: TrainingStage;
  /** Goes on from the weights of a finished run, on real exams beside synthetic ones. */
  readonly mixed?: TrainingStage;
  /** Makes a batch of synthetic patches in a worker. */
  readonly makeBatch: typeof makeLesionBatchInWorker;
}

/** @param crossEntropyWeight beside the overlap: the rarer a class, the smaller its mean over all voxels */
const stepWith = (
  crossEntropyWeight: number,
  clipNorm = 5,
  weighsVoxels = false,
): StepSettings => ({
  batchSize: 2,
  patchShape: [edgeVoxels, edgeVoxels, edgeVoxels],
  loss: {
    name: 'dice-and-cross-entropy',
    batchDice: true,
    smoothVoxels: 20,
    crossEntropyWeight,
    ...(weighsVoxels && { weighsVoxels }),
  },
  levelWeights: [1],
  optimiser: 'adamw',
  weightDecay: 1e-4,
  clipNorm,
  averageDecay: 0.998,
});

const runOf = (epochs: number, learningRate: number): RunSettings => ({
  epochs,
  stepsPerEpoch: 100,
  validationSteps: 4,
  learningRate,
  epochsPerCheckpoint: 1,
});

export const defaultNetworks = {
  lesions: {
    first: { step: stepWith(10), run: runOf(60, 1.5e-3), seed: 1 },
    // Nearly all cross-entropy: overlap makes a network as sure of a border as of a lesion.
    // Small lesions count for more (docs/decisions/0093).
    further: { step: stepWith(100, 50, true), run: runOf(45, 6e-4), seed: 79 },
    // A run so short would else end with an average that is half of what it began with.
    mixed: {
      step: { ...stepWith(100, 50, true), batchSize: 3, averageDecay: 0.98 },
      run: { ...runOf(8, 4e-4), stepsPerEpoch: 40, validationSteps: 0 },
      seed: 101,
    },
    makeBatch: makeLesionBatchInWorker,
  },
  anatomy: {
    first: { step: stepWith(2), run: runOf(30, 1.5e-3), seed: 2 },
    further: { step: stepWith(2), run: runOf(30, 1.2e-3), seed: 5 },
    makeBatch: makeAnatomyBatchInWorker,
  },
} as const satisfies Record<OwnModelName, DefaultNetwork>;

/** Every fifth head is kept for validation. */
export const isForValidation = (index: number) => index % 5 === 4;

/** The heads and lesions of a data folder, on memory that workers share. */
export async function readAnatomies(
  dataFolder: string,
  cacheFolder: string,
  validation: boolean,
): Promise<Anatomies> {
  const files = (await listHeads(dataFolder)).filter(
    (_, index) => isForValidation(index) === validation,
  );
  const heads = [];
  for (const file of files) heads.push(await prepareHead(file, cacheFolder));
  const library = await readLesionLibrary(dataFolder);
  return onSharedMemory({ heads, shares: heads.map(tissueShares), library });
}

export interface DefaultTraining {
  readonly dataFolder: string;
  /** Prepared heads are kept here. */
  readonly cacheFolder: string;
  readonly checkpointFile: string;
  readonly logFile: string;
  readonly resume: boolean;
  /** Real exams to learn from beside synthetic ones; none for synthetic ones alone. */
  readonly cases?: readonly TrainingCase[];
  /** Weights of a finished run, to go on from; without them training begins with fresh ones. */
  readonly initialWeights?: Weights;
  readonly pool: WorkerPool;
  /** Batches made ahead of the step: at least one for each worker of the pool. */
  readonly ahead?: number;
  readonly signal?: AbortSignal;
  readonly onEpoch?: (record: EpochRecord) => void;
}

/** Batches of one of Dawson's own networks, of training and of validation heads. */
export interface DefaultBatches {
  readonly batches: (firstBatch: number) => BatchesAhead<StepInput>;
  readonly validationBatches: (firstBatch: number) => BatchesAhead<StepInput>;
  /** Waits for what is under way; before the pool's. */
  close(): Promise<void>;
}

/** Starts nothing until batches are asked for; the heads are read, or prepared the first time. */
export async function openDefaultBatches(
  name: OwnModelName,
  { step, seed }: Pick<TrainingStage, 'step' | 'seed'>,
  {
    dataFolder,
    cacheFolder,
    pool,
    ahead = 3,
    cases = [],
    signal,
  }: Pick<DefaultTraining, 'dataFolder' | 'cacheFolder' | 'pool' | 'ahead' | 'cases' | 'signal'>,
): Promise<DefaultBatches> {
  const { makeBatch } = defaultNetworks[name];
  const shared = onSharedMemory(cases);
  const sources: BatchesAhead<StepInput>[] = [];
  const batchesOf = (anatomies: Anatomies, ofSeed: number) => (firstBatch: number) => {
    const batch: BatchSettings = { batchSize: step.batchSize, edgeVoxels, seed: ofSeed };
    const source = batchesAhead(
      (index) =>
        shared.length > 0
          ? makeMixedBatchInWorker({ pool }, { anatomies, cases: shared }, batch, index)
          : makeBatch({ pool }, anatomies, batch, index),
      { firstBatch, signal, ahead },
    );
    sources.push(source);
    return source;
  };
  return {
    batches: batchesOf(await readAnatomies(dataFolder, cacheFolder, false), seed),
    validationBatches: batchesOf(await readAnatomies(dataFolder, cacheFolder, true), seed + 1),
    close: async () => {
      await Promise.all(sources.map((source) => source.close()));
    },
  };
}

/** Trains one of Dawson's own networks. @returns its last state */
export async function trainDefault(
  engine: Engine,
  name: OwnModelName,
  stage: TrainingStage,
  training: DefaultTraining,
): Promise<Tensors> {
  const { plan } = ownModels[name];
  const { checkpointFile, logFile, resume, signal, onEpoch } = training;
  const data = await openDefaultBatches(name, stage, training);
  try {
    return await trainNetwork(engine, {
      plan,
      step: stage.step,
      settings: stage.run,
      initialWeights: training.initialWeights ?? initialWeights(plan, seededRandom(stage.seed)),
      batches: data.batches,
      validationBatches: stage.run.validationSteps > 0 ? data.validationBatches : undefined,
      checkpointFile,
      logFile,
      resume,
      signal,
      onEpoch,
    });
  } finally {
    await data.close();
  }
}
