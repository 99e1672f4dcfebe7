import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DawsonError } from '../errors.js';
import { requireReplaceableFolder } from '../formats/index.js';
import type { PickleValue } from '../formats/pickle.js';
import { readJson } from '../formats/read-json.js';
import { writeSafetensors } from '../formats/safetensors.js';
import { readTorchFields, readTorchWeights } from '../formats/torch-checkpoint.js';
import { requireWeights, type UnetPlan, type Weights, weightShapes } from '../network/index.js';
import { argmax, type PostProcessing } from './lesion-rule.js';
import { type ModelCard, modelAndNetwork, modelKind, writeModelFolder } from './model-folder.js';
import { withArchitecture } from './nnunet-old-plans.js';
import { configurationName } from './nnunet-plans.js';

export interface NnunetImportOptions {
  /** Name of the model; that of the dataset where it is not given. */
  readonly name?: string;
  /**
   * Directions of the voxel axes of the training images, such as 'LPS'. Only where nnU-Net turned the
   * images itself (NibabelIOWithReorient) it is known: 'RAS'.
   */
  readonly orientation?: string;
  /** Names of the channels, where those of the dataset do not say which sequences they are. */
  readonly channels?: readonly string[];
}

const checkpointName = 'checkpoint_final.pth';

/**
 * Makes a model folder of what nnU-Net v2 saved: the folder TRAINER__PLANS__3d_fullres with
 * `dataset.json`, `plans.json` and `fold_K/checkpoint_final.pth`. Nothing of the checkpoints is run.
 * Threshold and components are nnU-Net's: the most probable class, and the largest component only
 * where its own post-processing says so (`crossval_results_folds_…/postprocessing.json`).
 * @throws DawsonError `bad-model` for files that are none of nnU-Net's or networks that Dawson does
 *   not run; `usage` where the orientation has to be given; `file-not-found`, `output-exists`,
 *   `output-failed`; the signal's reason.
 */
export async function importNnunet(
  results: string,
  out: string,
  options: NnunetImportOptions,
  signal?: AbortSignal,
): Promise<ModelCard> {
  await requireReplaceableFolder(out, modelKind);
  const plansFile = join(results, 'plans.json');
  const plans = withArchitecture(fieldsOf(await readJson(plansFile), plansFile), plansFile);
  const dataset = await readDataset(results, options.channels);
  const folds = await foldsIn(results);
  const orientation = options.orientation ?? knownOrientation(plans, plansFile);

  const abouts = new Map<string, ReturnType<typeof aboutFold>>();
  for (const file of folds.values()) abouts.set(file, aboutFold(await readTorchFields(file), file));
  const [first, ...others] = abouts;
  for (const [file, { mirrorAxes }] of others) {
    if (String(mirrorAxes) === String(first[1].mirrorAxes)) continue;
    throw badResults(
      file,
      `mirrored axes ${first[1].mirrorAxes}, as in ${first[0]}`,
      `${mirrorAxes}`,
    );
  }
  const card: ModelCard = {
    name: options.name ?? textOf(plans.dataset_name),
    version: '1.0.0',
    training: {
      by: 'nnU-Net v2',
      trainer: textOf(first[1].trainer),
      plans: textOf(plans.plans_name),
      configuration: configurationName,
      dataset: textOf(plans.dataset_name),
      cases: numberOf(dataset.numTraining),
      epochs: numberOf(first[1].epochs),
    },
    orientation,
    mirrorAxes: first[1].mirrorAxes,
    average: 'logits',
    postProcessing: await postProcessingIn(results),
  };
  const { network } = modelAndNetwork(card, plans, dataset, results);
  const writers = [...folds].map(([fold, checkpoint]) => {
    const write = async (file: string) => {
      const tensors = namesOf(await readTorchWeights(checkpoint, 'network_weights'), network);
      requireWeights(tensors, network, checkpoint);
      await writeSafetensors(file, { tensors, metadata: {} });
    };
    return [fold, write] as const;
  });
  await writeModelFolder(out, card, plans, dataset, new Map(writers), signal);
  return card;
}

const textOf = (value: unknown) => (typeof value === 'string' ? value.slice(0, 200) : 'unknown');
const numberOf = (value: unknown) => (typeof value === 'number' ? value : 'unknown');

const badResults = (file: string, expected: string, found: string) =>
  new DawsonError('bad-model', { file, expected, found: found.slice(0, 200) });

function fieldsOf(json: unknown, file: string): Readonly<Record<string, unknown>> {
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) {
    return json as Readonly<Record<string, unknown>>;
  }
  throw badResults(file, 'an object', 'something else');
}

async function readDataset(results: string, channels: readonly string[] | undefined) {
  const file = join(results, 'dataset.json');
  const dataset = fieldsOf(await readJson(file), file);
  const labels = Object.entries(fieldsOf(dataset.labels, file));
  if (!labels.every(([name, label]) => typeof label === 'number' && name !== 'ignore')) {
    throw badResults(file, 'a number for each class', 'regions or an ignore label');
  }
  if (!channels) return dataset;
  const names = Object.keys(fieldsOf(dataset.channel_names, file));
  if (names.length !== channels.length) {
    throw new DawsonError('usage', {
      expected: `names of ${names.length} channels (--channels)`,
      found: channels.join(', '),
    });
  }
  return {
    ...dataset,
    channel_names: Object.fromEntries(channels.map((name, index) => [index, name])),
  };
}

/** Checkpoints by the number of their fold; a network that was trained on all cases counts as 0. */
async function foldsIn(results: string): Promise<Map<number, string>> {
  const folds = new Map<number, string>();
  for (const name of (await readdir(results)).sort()) {
    const number = /^fold_(\d|all)$/.exec(name)?.[1];
    const file = join(results, name, checkpointName);
    if (number === undefined || !(await exists(file))) continue;
    if (number !== 'all') folds.set(Number(number), file);
    else if (!folds.has(0)) folds.set(0, file);
  }
  if (folds.size > 0) return folds;
  throw badResults(results, `fold_0/${checkpointName} or that of another fold`, 'none');
}

const exists = (file: string) =>
  access(file).then(
    () => true,
    () => false,
  );

function knownOrientation(plans: Readonly<Record<string, unknown>>, file: string): string {
  if (plans.image_reader_writer === 'NibabelIOWithReorient') return 'RAS';
  throw new DawsonError('usage', {
    file,
    expected: '--orientation, the axes of the training images',
    found: `images that ${JSON.stringify(plans.image_reader_writer) ?? 'nnU-Net'} read as they are`,
    advice: 'dawson info IMAGE prints the axes of a training image.',
  });
}

/** nnU-Net's rule where it was determined: whether only the largest component of the lesions stays. */
async function postProcessingIn(results: string): Promise<PostProcessing> {
  const folder = (await readdir(results)).find((name) =>
    name.startsWith('crossval_results_folds_'),
  );
  if (folder === undefined) return argmax;
  const file = join(results, folder, 'postprocessing.json');
  if (!(await exists(file))) return argmax;
  const { postprocessing_fns: rules } = fieldsOf(await readJson(file), file);
  const keepLargest =
    Array.isArray(rules) && rules.includes('remove_all_but_largest_component_from_segmentation');
  return { ...argmax, keepLargest };
}

/** What a checkpoint says about itself. */
function aboutFold(fields: ReadonlyMap<PickleValue, PickleValue>, file: string) {
  const arguments_ = fields.get('init_args');
  const configuration = arguments_ instanceof Map ? arguments_.get('configuration') : undefined;
  if (configuration !== configurationName) {
    throw badResults(file, `a network of ${configurationName}`, textOf(configuration));
  }
  const mirrorAxes = fields.get('inference_allowed_mirroring_axes') ?? [];
  const isAxis = (value: PickleValue) => value === 0 || value === 1 || value === 2;
  if (!Array.isArray(mirrorAxes) || !mirrorAxes.every(isAxis)) {
    throw badResults(file, 'axes to mirror out of 0, 1 and 2', 'others');
  }
  return {
    mirrorAxes: mirrorAxes as number[],
    trainer: fields.get('trainer_name'),
    epochs: fields.get('current_epoch'),
  };
}

/**
 * Weights without the further names that PyTorch gives to shared layers. A name that shares nothing
 * with the network's stays, so that it is found not to belong to the plans.
 */
function namesOf(weights: Weights, network: UnetPlan): Weights {
  const names = weightShapes(network);
  const known = new Set(
    [...weights].flatMap(([name, { data }]) => (names.has(name) ? [data] : [])),
  );
  return new Map([...weights].filter(([name, { data }]) => names.has(name) || !known.has(data)));
}
