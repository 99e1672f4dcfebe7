import { dirname, resolve } from 'node:path';
import { DawsonError } from '../errors.js';
import { readJsonIfThere } from '../formats/read-json.js';
import { firstFoldOf } from '../model/model-predictors.js';
import {
  cascadeConfiguration,
  configurationOf,
  inputField,
  lowResolutionConfiguration,
  nextStageField,
  type PlannedConfiguration,
  plansOfOne,
  previousStageField,
} from '../model/nnunet-plans.js';
import { openModel, openShippedModel } from '../model/open-model.js';
import type { Run } from '../run.js';
import { inputNames, type PretrainedModel } from './initialise.js';
import { planTraining } from './plan-training.js';
import { type PlannedTraining, plansHash } from './train-fold.js';
import type { FoldName, TrainingFolder } from './training-folder.js';

interface Asked {
  readonly configuration?: PlannedConfiguration;
  readonly pretrained?: PretrainedModel;
  /** Folder of labels that the first network of a cascade found. */
  readonly previousStage?: string;
}

/**
 * The plans of a training: those that its folder has, else new ones, which are kept there.
 * @throws DawsonError `inputs-conflict` for another configuration than they have, or than the model to
 *   start from; `bad-model`, and what {@link requireStage} and {@link planTraining} throw.
 */
export async function plannedTraining(
  dataset: PlannedTraining['dataset'],
  folder: TrainingFolder,
  asked: Asked,
  run: Run,
): Promise<PlannedTraining> {
  const known = await readJsonIfThere(folder.plans);
  const { plans, notes } =
    known === undefined
      ? await newPlans(dataset, folder, asked, run)
      : { plans: await ofConfiguration(known, folder, asked.configuration), notes: [] };
  const { orientation } = (plans ?? {}) as { orientation?: unknown };
  if (typeof orientation !== 'string' || !/^[RLAPSI]{3}$/.test(orientation)) {
    throw new DawsonError('bad-model', {
      file: folder.plans,
      expected: 'plans that dawson plan wrote, with the orientation of the cases',
      found: 'none',
      advice:
        'Plan with dawson plan; to train by a plans.json of nnU-Net, add the axes of the images to it, such ' +
        'as "orientation": "RAS" (dawson info IMAGE prints them).',
    });
  }
  return { dataset, plans, plansFile: folder.plans, orientation, notes };
}

async function newPlans(
  dataset: PlannedTraining['dataset'],
  folder: TrainingFolder,
  { configuration, pretrained, previousStage }: Asked,
  { pool, stage, signal }: Run,
): Promise<{ plans: unknown; notes: readonly string[] }> {
  const trained = pretrained && configurationOf(pretrained.plans);
  if (trained && configuration && trained !== configuration) {
    throw new DawsonError('inputs-conflict', {
      expected: `a model of ${configuration} to start from`,
      found: `one of ${trained}`,
      advice: 'Leave --configuration out: it is that of the model.',
    });
  }
  // Before all cases are read for plans that would be of another network.
  const takesLabels = (trained ?? configuration) === cascadeConfiguration;
  requireStage(takesLabels, previousStage, folder.folder);
  // Of a cascade's networks the model says all that differs, whether or not nnU-Net would plan them here.
  const isOfCascade = trained === lowResolutionConfiguration || trained === cascadeConfiguration;
  const planned = isOfCascade ? undefined : (trained ?? configuration);
  return stage('plan', async (onProgress) => {
    const options = { architecture: 'plain', memoryGb: 8, configuration: planned } as const;
    const own = await planTraining(dataset, options, { pool, signal, onProgress });
    const { notes } = own;
    const plans = pretrained ? withNetworkOf(own.plans, pretrained.plans, dataset) : own.plans;
    await folder.writeJson(folder.plans, plans);
    return { plans, notes };
  });
}

/**
 * Plans of which the configuration that is asked for is the one that is trained. Others beside it, as
 * nnU-Net writes them, are taken out of the folder's plans, so that all of its folds are of this one.
 */
async function ofConfiguration(
  plans: unknown,
  folder: TrainingFolder,
  asked: PlannedConfiguration | undefined,
): Promise<unknown> {
  if (asked === undefined || asked === configurationOf(plans)) return plans;
  await requireNotBegun(plans, folder, asked);
  const alone = plansOfOne(plans, asked);
  if (!alone) throw otherConfiguration(folder, asked, `plans of ${configurationOf(plans)}`);
  await folder.writeJson(folder.plans, alone);
  return alone;
}

/**
 * @param plans of the folder
 * @throws DawsonError `inputs-conflict` where folds of another configuration than this were begun.
 */
async function requireNotBegun(
  plans: unknown,
  folder: TrainingFolder,
  asked: PlannedConfiguration,
): Promise<void> {
  const known = configurationOf(plans);
  if (known !== asked && (await folder.begun()).length > 0) {
    throw otherConfiguration(folder, asked, `folds of ${known}`);
  }
}

const otherConfiguration = (folder: TrainingFolder, asked: PlannedConfiguration, found: string) =>
  new DawsonError('inputs-conflict', {
    file: folder.plans,
    expected: `plans of ${asked}`,
    found,
    advice: 'A folder is for one configuration: give another to --out.',
  });

/**
 * Checks that plans may be written into a folder: those that it has may be planned anew, but not for
 * another configuration once folds were begun.
 * @throws DawsonError `inputs-conflict`
 */
export async function requirePlannable(
  folder: TrainingFolder,
  asked: PlannedConfiguration,
): Promise<void> {
  const known = await readJsonIfThere(folder.plans);
  if (known !== undefined) await requireNotBegun(known, folder, asked);
}

/**
 * Checks that the folds which are complete were trained by these plans: folds of others are another model.
 * @param own the fold that is trained now, which its checkpoint knows
 * @throws DawsonError `inputs-conflict`
 */
export async function requirePlansOfFolds(
  plans: unknown,
  folder: TrainingFolder,
  own?: FoldName,
): Promise<void> {
  const hash = plansHash(plans);
  for (const fold of await folder.begun()) {
    const known = fold === own ? undefined : (await folder.validationOf(fold))?.plans;
    if (known === undefined || known === hash) continue;
    throw new DawsonError('inputs-conflict', {
      file: folder.plans,
      expected: `the plans by which fold ${fold} was trained`,
      found: 'others',
      advice: 'Folds of one model have the same plans: give another folder to --out.',
    });
  }
}

/** Plans of a training set with the network, patch, spacing and input of a trained model. */
function withNetworkOf(
  own: unknown,
  trained: unknown,
  { classNames }: PlannedTraining['dataset'],
): unknown {
  const fields = [
    ...['spacing', 'patch_size', 'batch_size', 'architecture'],
    ...[inputField, nextStageField, previousStageField],
  ];
  type Plans = { configurations: Record<string, Record<string, unknown>> } & Record<
    string,
    unknown
  >;
  const [mine, theirs] = [own as Plans, trained as Plans];
  const configuration = configurationOf(theirs);
  const replaced = Object.fromEntries(
    fields.map((field) => [field, theirs.configurations[configuration][field]]),
  );
  // Its input is the brain only where lesions are all that is looked for.
  if (classNames.length !== 2) replaced[inputField] = undefined;
  const { transpose_forward, transpose_backward } = theirs;
  return {
    ...mine,
    transpose_forward,
    transpose_backward,
    configurations: {
      [configuration]: { ...mine.configurations[configurationOf(mine)], ...replaced },
    },
  };
}

/**
 * Checks that the labels of a stage before are given where the network takes them, and nowhere else.
 * @throws DawsonError `usage`
 */
export function requireStage(
  takesLabels: boolean,
  previousStage: string | undefined,
  file: string,
): void {
  if (takesLabels === (previousStage !== undefined)) return;
  throw new DawsonError('usage', {
    file,
    expected: takesLabels
      ? 'labels that the first network of the cascade found (--previous-stage)'
      : `a training of ${cascadeConfiguration} for --previous-stage`,
    found: takesLabels ? 'none' : 'one of a network that takes images only',
    advice:
      `Train all folds of ${lowResolutionConfiguration} in a folder of their own, and give its ` +
      'labels_for_next_stage as --previous-stage.',
  });
}

/**
 * Checks that labels of a stage before are not the labels to learn: a network would learn to repeat them.
 * @throws DawsonError `usage`
 */
export function requireFound(previousStage: string, { cases }: PlannedTraining['dataset']): void {
  const isLearnt = cases.some(({ labels }) => resolve(dirname(labels)) === resolve(previousStage));
  if (!isLearnt) return;
  throw new DawsonError('usage', {
    file: previousStage,
    expected: 'labels that the first network of the cascade found (--previous-stage)',
    found: 'those that the second one is to learn',
    advice: `Give labels_for_next_stage of a training of ${lowResolutionConfiguration}.`,
  });
}

/** The model that a training starts from. */
export async function readPretrained(folder: string): Promise<PretrainedModel> {
  const opened = await (folder === 'lesions' ? openShippedModel('lesions') : openModel(folder));
  const { network, model, plans } = opened;
  const labels = network.inputChannels - model.channelNames.length;
  return {
    weights: await firstFoldOf(opened),
    network,
    channelNames: inputNames(model.channelNames, model.plan, labels),
    rule: model.rule,
    plans,
  };
}
