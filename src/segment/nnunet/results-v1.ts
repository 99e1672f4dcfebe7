import { basename, dirname, join, resolve } from 'node:path';
import { numberOf, numbersOf } from '../../formats/numpy-pickle.js';
import { readWholeFile } from '../../formats/open-file.js';
import { type PickleValue, parsePickle } from '../../formats/pickle.js';
import { readJson } from '../../formats/read-json.js';
import { readTorchFields } from '../../formats/torch-checkpoint.js';
import type { Cleaning } from '../../model/model-folder.js';
import {
  configurationName,
  sliceConfiguration,
  version1Preprocessor,
} from '../../model/nnunet-plans.js';
import { importedFields, usualLayers, usualSliceLayers } from '../../network/index.js';
import {
  badResults,
  exists,
  fieldsOf,
  labelsIn,
  type NnunetResults,
  numberOrUnknown,
  textOf,
  trainerRecord,
} from './results.js';
import { changedArchitecture, networkOfTrainer, type TrainerNetwork } from './trainers.js';

const longestPickleBytes = 64 * 2 ** 20;
/** What differs between networks of volumes and of slices: Generic_UNet's most features, and names. */
const ranks = {
  3: {
    mostFeatures: 320,
    layers: usualLayers,
    preprocessor: version1Preprocessor,
    configuration: configurationName,
    mirrorAxes: [0, 1, 2],
  },
  2: {
    mostFeatures: 480,
    layers: usualSliceLayers,
    preprocessor: 'PreprocessorFor2D',
    configuration: sliceConfiguration,
    mirrorAxes: [1, 2],
  },
} as const;
type Rank = keyof typeof ranks;

/**
 * The folder TRAINER__PLANS of nnU-Net v1: `fold_K/model_final_checkpoint.model`, beside each the
 * `.pkl` with its plans, and `postprocessing.json` where it is. The plans become those of nnU-Net v2.
 * @param folds their checkpoints
 * @throws DawsonError `file-not-found`, `bad-model`.
 */
export async function readNnunetV1(
  results: string,
  folds: ReadonlyMap<number, string>,
  trainerIs?: string,
): Promise<NnunetResults> {
  const [checkpoint, ...others] = folds.values();
  const file = `${checkpoint}.pkl`;
  const info = await readInfo(file);
  const trainer = textOf(info.value('name'));
  for (const other of others) {
    const name = textOf((await readInfo(`${other}.pkl`)).value('name'));
    if (name !== trainer)
      throw badResults(other, `the trainer ${trainer}, as in ${file}`, name, 'mixed');
  }
  const network = networkOfTrainer(1, trainer, trainerIs, file);
  const plans = info.child('plans');
  const stages = plans.map('plans_per_stage');
  const stage = new Fields(stages.get(stageOf(info, stages)), 'plans_per_stage.', file);
  const rank = rankOf(stage);
  const channelCount = plans.count('num_modalities', 16);
  const datasetName = basename(dirname(resolve(results)));
  const fields = await readTorchFields(checkpoint);
  return {
    plans: plansOf(plans, stage, { rank, channelCount, datasetName, network }),
    dataset: {
      channel_names: Object.fromEntries(channelNames(plans, channelCount)),
      ...labelsOf(plans, network),
    },
    datasetName,
    training: {
      by: 'nnU-Net v1',
      ...trainerRecord(trainer, trainerIs),
      plans: textOf(plans.value('data_identifier')),
      ...(rank === 2 && { configuration: sliceConfiguration }),
      dataset: datasetName,
      epochs: numberOrUnknown(fields.get('epoch')),
    },
    mirrorAxes: network.unmirrored ? [] : ranks[rank].mirrorAxes,
    average: 'probabilities',
    cleaning: await cleaningIn(results, plans.count('num_classes', 127)),
    folds,
    weightsField: 'state_dict',
  };
}

/** Patches of networks of slices have two edges. */
function rankOf(stage: Fields): Rank {
  const patch = numbersOf(stage.value('patch_size'));
  return patch?.length === 2 ? 2 : 3;
}

const readInfo = async (file: string) => new Fields(await readPickle(file), '', file);

async function readPickle(file: string): Promise<PickleValue> {
  const limits = { mostBytes: longestPickleBytes, kind: 'plans of nnU-Net' };
  return parsePickle(await readWholeFile(file, limits), file);
}

/** The resolution that the trainer was made for: the sixth of its arguments, or else the finest. */
function stageOf(info: Fields, stages: ReadonlyMap<PickleValue, PickleValue>): PickleValue {
  const init = info.value('init');
  const given = Array.isArray(init) ? init[5] : undefined;
  return given !== undefined && stages.has(given) ? given : Math.max(0, stages.size - 1);
}

function* channelNames(plans: Fields, count: number): Generator<[number, string]> {
  const names = plans.map('modalities');
  for (let channel = 0; channel < count; channel++) yield [channel, textOf(names.get(channel))];
}

const schemes = new Map<PickleValue | undefined, string>([
  ['nonCT', 'ZScoreNormalization'],
  ['CT', 'CTNormalization'],
  ['noNorm', 'NoNormalization'],
]);

/** Labels as v2 describes them; v1 has no names for its classes. */
function labelsOf(plans: Fields, { outputs }: TrainerNetwork) {
  if (outputs === 'brats-regions') {
    return {
      labels: {
        background: 0,
        'whole tumour': [1, 2, 3],
        'tumour core': [2, 3],
        'enhancing tumour': [3],
      },
      regions_class_order: [1, 2, 3],
    };
  }
  const count = plans.count('num_classes', 127);
  const names = Array.from({ length: count }, (_, index) => [`class ${index + 1}`, index + 1]);
  return { labels: Object.fromEntries([['background', 0], ...names]) };
}

function plansOf(
  plans: Fields,
  stage: Fields,
  {
    rank,
    channelCount,
    datasetName,
    network,
  }: { rank: Rank; channelCount: number; datasetName: string; network: TrainerNetwork },
) {
  const channels = Array.from({ length: channelCount }, (_, channel) => channel);
  const [normalization, masks] = [
    plans.map('normalization_schemes'),
    plans.map('use_mask_for_norm'),
  ];
  const { preprocessor, configuration } = ranks[rank];
  if ((plans.value('preprocessor_name') ?? preprocessor) !== preprocessor) {
    plans.refuse('preprocessor_name', preprocessor);
  }
  const exporting = plans.value('segmentation_export_params');
  const resampling = (name: string, order: number, isSegmentation: boolean) => ({
    [name]: 'resample_data_or_seg_to_shape',
    [`${name}_kwargs`]: { is_seg: isSegmentation, order, order_z: 0, force_separate_z: null },
  });
  const transpose = plans.value('transpose_forward') === undefined ? [0, 1, 2] : undefined;
  return {
    dataset_name: datasetName,
    plans_name: textOf(plans.value('data_identifier')),
    image_reader_writer: 'SimpleITKIO',
    transpose_forward: transpose ?? plans.numbers('transpose_forward', 3),
    transpose_backward: transpose ?? plans.numbers('transpose_backward', 3),
    foreground_intensity_properties_per_channel: Object.fromEntries(
      channels.map((channel) => [channel, intensitiesOf(plans, channel)]),
    ),
    configurations: {
      [configuration]: {
        preprocessor_name: version1Preprocessor,
        batch_size: stage.count('batch_size', 1024),
        patch_size: stage.numbers('patch_size', rank),
        // That across slices is each image's own.
        spacing: stage.numbers('current_spacing', 3).slice(3 - rank),
        normalization_schemes: channels.map(
          (channel) =>
            schemes.get(normalization.get(channel)) ??
            plans.refuse('normalization_schemes', [...schemes.keys()].join(', ')),
        ),
        use_mask_for_norm: channels.map((channel) => numberOf(masks.get(channel)) === 1),
        ...resampling('resampling_fn_data', 3, false),
        ...resampling('resampling_fn_seg', 1, true),
        ...resampling(
          'resampling_fn_probabilities',
          (exporting instanceof Map && numberOf(exporting.get('interpolation_order'))) || 1,
          false,
        ),
        architecture: architectureOf(plans, stage, rank, network),
      },
    },
  };
}

/** Intensities of the foreground of the training set; only CT is normalised by them. */
function intensitiesOf(plans: Fields, channel: number) {
  const all = plans.child('dataset_properties').value('intensityproperties');
  const of = all instanceof Map ? all.get(channel) : undefined;
  const number = (name: string) => (of instanceof Map ? numberOf(of.get(name)) : undefined) ?? 0;
  return {
    mean: number('mean'),
    median: number('median'),
    std: number('sd'),
    min: number('mn'),
    max: number('mx'),
    percentile_00_5: number('percentile_00_5'),
    percentile_99_5: number('percentile_99_5'),
  };
}

/** Generic_UNet as a trainer builds it. */
function architectureOf(plans: Fields, stage: Fields, rank: Rank, network: TrainerNetwork) {
  const { mostFeatures, layers } = ranks[rank];
  const pools = stage.axes('pool_op_kernel_sizes', rank);
  const kernels = stage.axes('conv_kernel_sizes', rank);
  const features = network.firstFeatures ?? plans.count('base_num_features', mostFeatures);
  const convolutions = plans.value('conv_per_stage') ?? 2;
  const stages = pools.length + 1;
  return {
    network_class_name: 'nnunet.network_architecture.generic_UNet.Generic_UNet',
    arch_kwargs: changedArchitecture(
      {
        n_stages: stages,
        features_per_stage: kernels.map((_, at) => Math.min(features * 2 ** at, mostFeatures)),
        kernel_sizes: kernels,
        strides: [pools[0].map(() => 1), ...pools],
        n_conv_per_stage: kernels.map(() => convolutions),
        n_conv_per_stage_decoder: pools.map(() => convolutions),
        ...layers,
      },
      network,
    ),
    _kw_requires_import: importedFields,
  };
}

/**
 * nnU-Net's post-processing where it was determined: of each of these classes, or of each region of
 * several, only the largest component stays. Voxels that touch by a face belong together.
 */
async function cleaningIn(results: string, classCount: number): Promise<Cleaning[]> {
  const file = join(results, 'postprocessing.json');
  if (!(await exists(file))) return [];
  const { for_which_classes: classes, min_valid_object_sizes: sizes = 'None' } = fieldsOf(
    await readJson(file),
    file,
  );
  if (sizes !== 'None' && sizes !== null) {
    throw badResults(file, 'no min_valid_object_sizes', JSON.stringify(sizes), 'unsupported');
  }
  const all = Array.from({ length: classCount }, (_, index) => index + 1);
  const judged = classes === null ? all : classes;
  if (!Array.isArray(judged)) throw badResults(file, 'a list for_which_classes', 'something else');
  return judged.map((entry) => ({ labels: labelsIn(entry, file), connectivity: 6 }));
}

/** Fields of a dictionary in a pickle; failures name their place. */
class Fields {
  readonly #fields: ReadonlyMap<PickleValue, PickleValue>;
  readonly #place: string;
  readonly #file: string;

  constructor(value: PickleValue | undefined, place: string, file: string) {
    this.#place = place;
    this.#file = file;
    this.#fields = value instanceof Map ? value : this.fail('', 'a dictionary');
  }

  fail(name: string, expected: string): never {
    throw badResults(this.#file, `${expected} in ${this.#place}${name}`, 'something else');
  }

  /** For what nnU-Net does and Dawson does not. */
  refuse(name: string, expected: string): never {
    const place = `${expected} in ${this.#place}${name}`;
    throw badResults(this.#file, place, 'something else', 'unsupported');
  }

  value(name: string): PickleValue | undefined {
    return this.#fields.get(name);
  }

  child(name: string): Fields {
    return new Fields(this.value(name), `${this.#place}${name}.`, this.#file);
  }

  map(name: string): ReadonlyMap<PickleValue, PickleValue> {
    const value = this.value(name);
    return value instanceof Map ? value : this.fail(name, 'a dictionary');
  }

  count(name: string, most: number): number {
    const value = numberOf(this.value(name));
    const isCount = value !== undefined && Number.isInteger(value) && value >= 1 && value <= most;
    return isCount ? value : this.fail(name, `a number from 1 to ${most}`);
  }

  numbers(name: string, count: number): number[] {
    const values = numbersOf(this.value(name));
    return values?.length === count ? values : this.fail(name, `${count} numbers`);
  }

  /** A list of a number for each axis. */
  axes(name: string, rank: Rank): number[][] {
    const list = this.value(name);
    if (!Array.isArray(list) || list.length < 1 || list.length > 10) {
      return this.fail(name, `1 to 10 times ${rank} numbers`);
    }
    return list.map((values) => {
      const numbers = numbersOf(values);
      return numbers?.length === rank ? numbers : this.fail(name, `${rank} numbers an entry`);
    });
  }
}
