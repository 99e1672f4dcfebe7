import { basename } from 'node:path';
import type { Value } from '../graph/index.js';
import { type ImagePlan, imagePlanOf } from '../model/nnunet-plans.js';
import { levelsOf, type NetworkPlan } from '../network/index.js';
import type { WorkerPool } from '../workers.js';
import type { Dataset } from './dataset.js';
import { fingerprintOf } from './fingerprint.js';
import { deepSupervisionWeights } from './loss.js';
import { type PlanOptions, planFor } from './plan.js';
import { type StepSettings, trainingGraph } from './step.js';
import { trainedNetwork } from './train-fold.js';

/** Plans, and what they mean. */
export interface TrainingPlan {
  /** For `plans.json`. */
  readonly plans: unknown;
  readonly image: ImagePlan;
  readonly network: NetworkPlan;
  /** The training step, and its graph, to tell its cost. */
  readonly settings: StepSettings;
  readonly step: Readonly<Record<string, Value>>;
  /** What was assumed in reading the cases. */
  readonly notes: readonly string[];
}

/**
 * Reads all cases of a training set and plans its training.
 * @throws DawsonError `bad-dataset` with everything that is wrong with any case.
 */
export async function planTraining(
  dataset: Dataset,
  options: PlanOptions,
  run: {
    pool: WorkerPool;
    signal?: AbortSignal;
    onProgress?: (done: number, all: number) => void;
  },
): Promise<TrainingPlan> {
  const fingerprint = await fingerprintOf(dataset, run);
  const { folder, channelNames, classNames, cases } = dataset;
  const planned = {
    name: basename(folder),
    channelNames,
    classCount: classNames.length,
    caseCount: cases.length,
  };
  // nnU-Net does not know the orientation of the cases, and passes the entry over.
  const plans = { ...planFor(fingerprint, planned, options), orientation: fingerprint.orientation };
  const image = imagePlanOf(JSON.parse(JSON.stringify(plans)), 'plans.json');
  const network = trainedNetwork(plans, dataset, 'plans.json');
  const settings: StepSettings = {
    batchSize: image.batchSize,
    patchShape: image.patchShape,
    loss: { name: 'dice-and-cross-entropy', batchDice: false },
    levelWeights: deepSupervisionWeights(levelsOf(network)),
    optimiser: 'sgd',
    weightDecay: 3e-5,
    clipNorm: 12,
  };
  const step = trainingGraph(network, settings);
  return { plans, image, network, settings, step, notes: fingerprint.notes };
}
