import { lstat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DawsonError } from '../errors.js';
import { requireShipped, shippedPath } from '../formats/index.js';
import { readJsonWithBytes } from '../formats/read-json.js';
import { sequenceNames } from '../sequences.js';
import { compactPlans } from './compact-plans.js';
import {
  type ModelCard,
  type ModelFolder,
  modelAndNetwork,
  modelCardFile,
  openModelFolder,
} from './model-folder.js';
import { networkSchema, readOwnNetwork, weightsFile } from './own-network.js';

/**
 * Opens a model, whether it was trained, imported, or comes with Dawson, and checks that its files are
 * those that its card names.
 * @throws DawsonError as {@link openModelFolder} and {@link readOwnNetwork}; `bad-model` for a network
 *   that does not find lesions.
 */
export async function openModel(folder: string): Promise<ModelFolder> {
  const { value } = await readJsonWithBytes(join(folder, modelCardFile));
  const { schema } = (value ?? {}) as { schema?: unknown };
  return schema === networkSchema ? openOwnModel(folder) : openModelFolder(folder);
}

/** The model that comes with Dawson. @throws DawsonError as {@link openModel}, and where it was changed. */
export async function openShippedModel(): Promise<ModelFolder> {
  const model = await openModel(shippedPath('models/lesions'));
  await requireShipped(`models/lesions/${modelCardFile}`, model.sha256);
  return model;
}

/** A network of Dawson's own kind, which has its plan in its card and no other description. */
async function openOwnModel(folder: string): Promise<ModelFolder> {
  const network = await readOwnNetwork(folder);
  const { name, version, training, plan, rule, sha256, weightsSha256 } = network;
  if (!rule || plan.classes !== 2 || plan.inputChannels !== sequenceNames.length) {
    throw new DawsonError('bad-model', {
      file: join(folder, modelCardFile),
      expected: 'a network that finds lesions',
      found: `one of ${plan.inputChannels} channels and ${plan.classes} classes`,
    });
  }
  const average = 'logits';
  const card: ModelCard = {
    ...{ name, version, training, rule, average },
    orientation: 'RAS',
    mirrorAxes: [],
  };
  const [, ...optional] = sequenceNames;
  const dataset = {
    channel_names: Object.fromEntries(sequenceNames.map((name, channel) => [channel, name])),
    optional_channels: optional,
    labels: { background: 0, lesion: 1 },
  };
  const plans = compactPlans(plan);
  const weights = join(folder, weightsFile);
  const { size: bytes } = await lstat(weights);
  return {
    folder,
    card,
    plans,
    dataset,
    files: { [basename(weights)]: { bytes, sha256: weightsSha256 } },
    weights: [weights],
    sha256,
    ...modelAndNetwork(card, plans, dataset, folder),
  };
}
