import { DawsonError } from '../errors.js';
import { readJsonIfThere } from '../formats/read-json.js';
import { firstFoldOf } from '../model/model-predictors.js';
import { inputField } from '../model/nnunet-plans.js';
import { openModel, openShippedModel } from '../model/open-model.js';
import type { Run } from '../run.js';
import type { PretrainedModel } from './initialise.js';
import { planTraining } from './plan-training.js';
import { type PlannedTraining, requireTrainable } from './train-fold.js';
import type { TrainingFolder } from './training-folder.js';

/** The plans of a training: those that its folder has, else new ones, which are kept there. */
export async function plannedTraining(
  dataset: PlannedTraining['dataset'],
  folder: TrainingFolder,
  pretrained: PretrainedModel | undefined,
  { pool, stage, signal }: Run,
): Promise<PlannedTraining> {
  const known = await readJsonIfThere(folder.plans);
  const plans =
    known !== undefined
      ? known
      : await stage('plan', async (onProgress) => {
          const options = { architecture: 'plain', memoryGb: 8 } as const;
          const { plans: own } = await planTraining(dataset, options, { pool, signal, onProgress });
          const made = pretrained ? withNetworkOf(own, pretrained.plans, dataset) : own;
          await folder.writeJson(folder.plans, made);
          return made;
        });
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
  return { dataset, plans, plansFile: folder.plans, orientation };
}

/** Plans of a training set with the network, patch, spacing and input of a trained model. */
function withNetworkOf(
  own: unknown,
  trained: unknown,
  { classNames }: PlannedTraining['dataset'],
): unknown {
  const fields = ['spacing', 'patch_size', 'batch_size', 'architecture', inputField] as const;
  type Plans = { configurations: Record<string, Record<string, unknown>> } & Record<
    string,
    unknown
  >;
  const [mine, theirs] = [own as Plans, trained as Plans];
  const [configuration] = Object.keys(mine.configurations);
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
      [configuration]: { ...mine.configurations[configuration], ...replaced },
    },
  };
}

/** The model that a training starts from. */
export async function readPretrained(folder: string): Promise<PretrainedModel> {
  const opened = await (folder === 'lesions' ? openShippedModel('lesions') : openModel(folder));
  const { network, model, plans } = opened;
  requireTrainable(model.plan, folder);
  return {
    weights: await firstFoldOf(opened),
    network,
    channelNames: model.channelNames,
    rule: model.rule,
    plans,
  };
}
