import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { PickleValue } from '../../formats/pickle.js';
import { readJson } from '../../formats/read-json.js';
import { readTorchFields } from '../../formats/torch-checkpoint.js';
import type { Cleaning } from '../../model/model-folder.js';
import {
  configurationName,
  configurationOf,
  type PlannedConfiguration,
  plannedConfigurations,
  plansOfOne,
  sliceConfiguration,
} from '../../model/nnunet-plans.js';
import { withArchitecture } from './old-plans.js';
import {
  badResults,
  checkpointNames,
  exists,
  fieldsOf,
  foldsIn,
  labelsIn,
  type NnunetResults,
  noFolds,
  numberOrUnknown,
  textOf,
  trainerRecord,
} from './results.js';
import {
  type Architecture,
  changedArchitecture,
  networkOfTrainer,
  type TrainerNetwork,
} from './trainers.js';

/**
 * The folder TRAINER__PLANS__3d_fullres of nnU-Net v2: `dataset.json`, `plans.json`,
 * `fold_K/checkpoint_final.pth`, and `crossval_results_folds_…/postprocessing.json` where it is.
 * @throws DawsonError `file-not-found`, `bad-model`.
 */
export async function readNnunetV2(
  results: string,
  checkpoint: keyof typeof checkpointNames,
  trainerIs?: string,
): Promise<NnunetResults> {
  const checkpointName = checkpointNames[checkpoint][1];
  const folds = await foldsIn(results, checkpointName);
  if (folds.size === 0) throw await noFolds(results, checkpointName);
  const plansFile = join(results, 'plans.json');
  const allPlans = fieldsOf(await readJson(plansFile), plansFile);
  const dataset = await readDataset(join(results, 'dataset.json'));
  const abouts = new Map<string, ReturnType<typeof aboutFold>>();
  for (const file of folds.values()) abouts.set(file, aboutFold(await readTorchFields(file), file));
  const [[firstFile, first], ...others] = abouts;
  for (const [file, { mirrorAxes, trainer, configuration }] of others) {
    requireSame(file, firstFile, 'mirrored axes', mirrorAxes, first.mirrorAxes);
    requireSame(file, firstFile, 'the configuration', configuration, first.configuration);
    requireSame(file, firstFile, 'the trainer', trainer, first.trainer);
  }
  const trainer = textOf(first.trainer);
  const network = networkOfTrainer(2, trainer, trainerIs, firstFile);
  const described = ofConfiguration(allPlans, first.configuration, plansFile);
  const plans = withNetwork(withArchitecture(described, plansFile), network);
  const datasetName = textOf(plans.dataset_name);
  return {
    plans,
    dataset,
    datasetName,
    training: {
      by: 'nnU-Net v2',
      ...trainerRecord(trainer, trainerIs),
      plans: textOf(plans.plans_name),
      configuration: first.configuration,
      dataset: datasetName,
      cases: numberOrUnknown(dataset.numTraining),
      epochs: numberOrUnknown(first.epochs),
    },
    mirrorAxes: first.mirrorAxes,
    average: 'logits',
    cleaning: await cleaningIn(results),
    orientation: /WithReorient$/.test(`${plans.image_reader_writer}`) ? 'RAS' : undefined,
    folds,
    weightsField: 'network_weights',
  };
}

/** Plans of one configuration alone. */
function ofConfiguration(
  plans: Readonly<Record<string, unknown>>,
  configuration: PlannedConfiguration,
  file: string,
): Readonly<Record<string, unknown>> {
  if (configuration === configurationName) return plans;
  const alone = plansOfOne(plans, configuration);
  if (alone) return alone;
  const expected = `a configuration ${configuration}, and what it inherits from, which inherits from none`;
  throw badResults(file, expected, 'none');
}

/** Plans with the architecture that a trainer makes of theirs. */
function withNetwork(plans: Readonly<Record<string, unknown>>, network: TrainerNetwork) {
  type Configurations = Readonly<
    Record<string, { readonly architecture: { readonly arch_kwargs: Architecture } }>
  >;
  const configurations = (plans.configurations ?? {}) as Configurations;
  const name = configurationOf(plans);
  const configuration = configurations[name];
  // What else is wrong with the architecture is said where it is read.
  if (!Array.isArray(configuration?.architecture?.arch_kwargs?.kernel_sizes)) return plans;
  const { architecture } = configuration;
  const changed = changedArchitecture(architecture.arch_kwargs, network);
  return {
    ...plans,
    configurations: {
      ...configurations,
      [name]: {
        ...configuration,
        architecture: { ...architecture, arch_kwargs: changed },
      },
    },
  };
}

function requireSame(file: string, other: string, what: string, found: unknown, first: unknown) {
  if (String(found) === String(first)) return;
  throw badResults(file, `${what} ${first}, as in ${other}`, `${found}`, 'mixed');
}

async function readDataset(file: string): Promise<Readonly<Record<string, unknown>>> {
  const dataset = fieldsOf(await readJson(file), file);
  fieldsOf(dataset.labels, file);
  return dataset;
}

/** nnU-Net's post-processing where it was determined. Voxels that touch by a corner belong together. */
async function cleaningIn(results: string): Promise<Cleaning[]> {
  const folder = (await readdir(results)).find((name) =>
    name.startsWith('crossval_results_folds_'),
  );
  if (folder === undefined) return [];
  const file = join(results, folder, 'postprocessing.json');
  if (!(await exists(file))) return [];
  const { postprocessing_fns: rules, postprocessing_kwargs: kwargs } = fieldsOf(
    await readJson(file),
    file,
  );
  if (!Array.isArray(rules)) return [];
  return rules.map((rule, index): Cleaning => {
    if (rule !== 'remove_all_but_largest_component_from_segmentation') {
      const expected = 'rules that keep the largest component';
      throw badResults(file, expected, `${rule}`, 'unsupported');
    }
    const given = Array.isArray(kwargs) ? kwargs[index] : undefined;
    const { labels_or_regions: judged } = (given ?? {}) as { labels_or_regions?: unknown };
    return { labels: labelsIn(judged, file), connectivity: 26 };
  });
}

/** What a checkpoint says about itself. */
function aboutFold(fields: ReadonlyMap<PickleValue, PickleValue>, file: string) {
  const given = fields.get('init_args');
  const configuration = given instanceof Map ? given.get('configuration') : undefined;
  if (!plannedConfigurations.some((name) => name === configuration)) {
    const expected = `a network of ${plannedConfigurations.join(', ')}`;
    throw badResults(file, expected, textOf(configuration), 'unsupported');
  }
  const mirrorAxes = fields.get('inference_allowed_mirroring_axes') ?? [];
  // Those of slices are counted without the axis across them.
  const across = configuration === sliceConfiguration ? 1 : 0;
  const axes = [0, 1, 2].slice(across).map((axis) => axis - across);
  if (!Array.isArray(mirrorAxes) || !mirrorAxes.every((axis) => axes.includes(axis as number))) {
    throw badResults(file, `axes to mirror out of ${axes.join(', ')}`, 'others');
  }
  return {
    mirrorAxes: (mirrorAxes as number[]).map((axis) => axis + across),
    configuration: configuration as PlannedConfiguration,
    trainer: fields.get('trainer_name'),
    epochs: fields.get('current_epoch'),
  };
}
