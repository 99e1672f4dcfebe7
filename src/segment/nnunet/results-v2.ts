import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { PickleValue } from '../../formats/pickle.js';
import { readJson } from '../../formats/read-json.js';
import { readTorchFields } from '../../formats/torch-checkpoint.js';
import { argmax, type LesionRule } from '../../model/lesion-rule.js';
import { configurationName } from '../../model/nnunet-plans.js';
import { withArchitecture } from './old-plans.js';
import {
  badResults,
  exists,
  fieldsOf,
  foldsIn,
  type NnunetResults,
  numberOrUnknown,
  textOf,
} from './results.js';

const checkpointName = 'checkpoint_final.pth';

/**
 * The folder TRAINER__PLANS__3d_fullres of nnU-Net v2: `dataset.json`, `plans.json`,
 * `fold_K/checkpoint_final.pth`, and `crossval_results_folds_…/postprocessing.json` where it is.
 * @throws DawsonError `file-not-found`, `bad-model`.
 */
export async function readNnunetV2(results: string): Promise<NnunetResults> {
  const plansFile = join(results, 'plans.json');
  const plans = withArchitecture(fieldsOf(await readJson(plansFile), plansFile), plansFile);
  const dataset = await readDataset(join(results, 'dataset.json'));
  const folds = await foldsIn(results, checkpointName);
  if (folds.size === 0) {
    throw badResults(results, `fold_0/${checkpointName} or that of another fold`, 'none');
  }
  const abouts = new Map<string, ReturnType<typeof aboutFold>>();
  for (const file of folds.values()) abouts.set(file, aboutFold(await readTorchFields(file), file));
  const [[firstFile, first], ...others] = abouts;
  for (const [file, { mirrorAxes }] of others) {
    if (String(mirrorAxes) === String(first.mirrorAxes)) continue;
    const expected = `mirrored axes ${first.mirrorAxes}, as in ${firstFile}`;
    throw badResults(file, expected, `${mirrorAxes}`);
  }
  const datasetName = textOf(plans.dataset_name);
  return {
    plans,
    dataset,
    datasetName,
    training: {
      by: 'nnU-Net v2',
      trainer: textOf(first.trainer),
      plans: textOf(plans.plans_name),
      configuration: configurationName,
      dataset: datasetName,
      cases: numberOrUnknown(dataset.numTraining),
      epochs: numberOrUnknown(first.epochs),
    },
    mirrorAxes: first.mirrorAxes,
    average: 'logits',
    rule: await ruleIn(results),
    orientation: plans.image_reader_writer === 'NibabelIOWithReorient' ? 'RAS' : undefined,
    folds,
    weightsField: 'network_weights',
  };
}

async function readDataset(file: string): Promise<Readonly<Record<string, unknown>>> {
  const dataset = fieldsOf(await readJson(file), file);
  const labels = Object.entries(fieldsOf(dataset.labels, file));
  if (labels.every(([name, label]) => typeof label === 'number' && name !== 'ignore')) {
    return dataset;
  }
  throw badResults(file, 'a number for each class', 'regions or an ignore label');
}

/** nnU-Net's rule where it was determined: whether only the largest component of the lesions stays. */
async function ruleIn(results: string): Promise<LesionRule> {
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
  const given = fields.get('init_args');
  const configuration = given instanceof Map ? given.get('configuration') : undefined;
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
