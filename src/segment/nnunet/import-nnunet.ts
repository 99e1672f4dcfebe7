import { DawsonError } from '../../errors.js';
import { requireReplaceableFolder } from '../../formats/index.js';
import { type WeightTensor, writeSafetensors } from '../../formats/safetensors.js';
import { readTorchWeights } from '../../formats/torch-checkpoint.js';
import { outputLabelsOf } from '../../model/labels.js';
import {
  type ModelCard,
  modelAndNetwork,
  modelKind,
  writeModelFolder,
} from '../../model/model-folder.js';
import {
  type NetworkPlan,
  requireWeights,
  type Weights,
  weightShapes,
} from '../../network/index.js';
import { checkpointNames, fieldsOf, foldsIn, type NnunetResults, ruleOf } from './results.js';
import { readNnunetV1 } from './results-v1.js';
import { readNnunetV2 } from './results-v2.js';

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
  /** The network of the last epoch, or the best one by nnU-Net's own count. */
  readonly checkpoint?: 'final' | 'best';
  /** The class of nnU-Net whose network an unknown trainer class has. */
  readonly trainerIs?: string;
  /** Names or numbers of the labels that are lesion; all of them where nothing is said. */
  readonly lesions?: readonly string[];
}

/**
 * Makes a model folder of what nnU-Net v2 or v1 saved: see {@link readNnunetV2} and
 * {@link readNnunetV1}. Nothing of the checkpoints is run. What the network computes is known by its
 * trainer class. Labels are nnU-Net's: the most probable class, and of a class the largest component
 * only where its own post-processing says so.
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
  const { trainerIs, checkpoint = 'final' } = options;
  const folds = await foldsIn(results, checkpointNames[checkpoint][0]);
  const found =
    folds.size > 0
      ? await readNnunetV1(results, folds, trainerIs)
      : await readNnunetV2(results, checkpoint, trainerIs);
  const dataset = withChannels(found, options.channels, results);
  const lesionLabels = lesionLabelsOf(dataset, options.lesions, results);
  const labels = outputLabelsOf(dataset, lesionLabels, results);
  const card: ModelCard = {
    name: options.name ?? found.datasetName,
    version: '1.0.0',
    training: { ...found.training, ...(checkpoint === 'best' && { checkpoint }) },
    orientation: options.orientation ?? found.orientation ?? failOrientation(results),
    mirrorAxes: found.mirrorAxes,
    average: found.average,
    rule: ruleOf(labels, found.cleaning),
    ...(lesionLabels && { lesionLabels }),
    ...(found.cleaning.length > 0 && { cleaning: found.cleaning }),
  };
  const { network } = modelAndNetwork(card, found.plans, dataset, results);
  const writers = [...found.folds].map(([fold, checkpoint]) => {
    const write = async (file: string) => {
      const tensors = namesOf(await readTorchWeights(checkpoint, found.weightsField), network);
      requireWeights(tensors, network, checkpoint);
      await writeSafetensors(file, { tensors, metadata: {} });
    };
    return [fold, write] as const;
  });
  await writeModelFolder(out, card, found.plans, dataset, new Map(writers), signal);
  return card;
}

function failOrientation(results: string): never {
  throw new DawsonError('usage', {
    file: results,
    expected: '--orientation, the axes of the training images',
    found: 'a network that took images as they lie in their files',
    advice: 'dawson info IMAGE prints the axes of a training image.',
  });
}

/** `dataset.json` with other names for its channels. */
function withChannels(
  { dataset }: NnunetResults,
  channels: readonly string[] | undefined,
  results: string,
): Readonly<Record<string, unknown>> {
  if (!channels) return dataset;
  const count = Object.keys(fieldsOf(dataset.channel_names, results)).length;
  if (count !== channels.length) {
    throw new DawsonError('usage', {
      expected: `names of ${count} channels (--channels)`,
      found: channels.join(', '),
    });
  }
  const names = Object.fromEntries(channels.map((name, index) => [index, name]));
  return { ...dataset, channel_names: names };
}

/** The labels that are said to be lesion, by name or number. */
function lesionLabelsOf(
  dataset: Readonly<Record<string, unknown>>,
  lesions: readonly string[] | undefined,
  results: string,
): number[] | undefined {
  if (!lesions) return undefined;
  const labels = fieldsOf(dataset.labels, results);
  const found = lesions.map((lesion) => (/^\d+$/.test(lesion) ? Number(lesion) : labels[lesion]));
  if (found.flat().every((label) => Number.isInteger(label))) {
    return [...new Set(found.flat() as number[])];
  }
  throw new DawsonError('usage', {
    expected: `names or numbers of labels for --lesions, out of ${Object.keys(labels).join(', ')}`,
    found: lesions.join(', '),
  });
}

/** A convolution of slices is one of volumes with a kernel of 1 across them. */
const inVolumes = ({ shape, data }: WeightTensor): WeightTensor =>
  shape.length === 4
    ? { shape: [...shape.slice(0, 2), 1, ...shape.slice(2)], data }
    : { shape, data };

/**
 * Weights without the further names that PyTorch gives to shared layers, and without the prefix of a
 * network that was trained on several devices. A name that shares nothing with the network's stays, so
 * that it is found not to belong to the plans.
 */
function namesOf(saved: Weights, network: NetworkPlan): Weights {
  const names = weightShapes(network);
  const weights = new Map(
    [...saved].map(([name, tensor]) => [
      names.has(name) ? name : name.replace(/^(module\.|_orig_mod\.)+/, ''),
      inVolumes(tensor),
    ]),
  );
  const known = new Set(
    [...weights].flatMap(([name, { data }]) => (names.has(name) ? [data] : [])),
  );
  return new Map([...weights].filter(([name, { data }]) => names.has(name) || !known.has(data)));
}
