import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DawsonError } from '../../errors.js';
import { type ResultKind, writeFolderWhole, writeWhole } from '../../formats/index.js';
import { jsonBytes } from '../../formats/json.js';
import type { PickleValue } from '../../formats/pickle.js';
import type { WeightTensor } from '../../formats/safetensors.js';
import { torchCheckpointBytes } from '../../formats/write-torch-checkpoint.js';
import { labelNames } from '../../model/labels.js';
import { argmax, ruleInWords } from '../../model/lesion-rule.js';
import type { ModelFolder } from '../../model/model-folder.js';
import { configurationOf, sliceConfiguration } from '../../model/nnunet-plans.js';
import { readWeights, type UnetPlan, type Weights } from '../../network/index.js';

const schema = 'dawson-nnunet-export';
const schemaVersion = 1;
const recordFile = 'dawson.json';
/** Its class takes the network from the plans, and does nothing else in prediction. */
const trainer = 'nnUNetTrainer';

/** What a folder has to look like to be replaced by a new export. */
export const exportKind: ResultKind = {
  names: /^(dawson\.json|plans\.json|dataset\.json|fold_\d{1,2}\/checkpoint_final\.pth)$/,
  folders: Array.from({ length: 100 }, (_, fold) => `fold_${fold}`),
  marker: recordFile,
  schema,
};

export interface NnunetExport {
  readonly folds: readonly number[];
  /** What the model does and nnU-Net does not. */
  readonly notes: readonly string[];
}

/**
 * Writes a model as nnU-Net v2 saves a training, whole or not at all: `plans.json`, `dataset.json` and
 * `fold_K/checkpoint_final.pth` with the weights alone, beside `dawson.json`, which says which model
 * it was. nnU-Net predicts with it, and can start a training from it, but not go on with one.
 * @throws DawsonError `bad-model` for a model that nnU-Net cannot run to the same result; `output-exists`,
 *   `output-failed`; the signal's reason.
 */
export async function exportNnunet(
  opened: ModelFolder,
  out: string,
  signal?: AbortSignal,
): Promise<NnunetExport> {
  requireNnunets(opened);
  const { plans, dataset, weights, network, files, card, sha256 } = opened;
  const folds = weights.map((file) => Number(/^fold_(\d+)\./.exec(basename(file))![1]));
  const notes = differencesOf(opened);
  const fill = async (staging: string) => {
    const { name, version, rule } = card;
    const record = { schema, schemaVersion, model: { name, version, sha256 }, rule, notes };
    await writeWhole(join(staging, recordFile), jsonBytes(record));
    await writeWhole(join(staging, 'plans.json'), jsonBytes(plans));
    await writeWhole(join(staging, 'dataset.json'), jsonBytes(dataset));
    for (const [index, file] of weights.entries()) {
      signal?.throwIfAborted();
      const tensors = await readWeights(file, network, files[basename(file)].sha256);
      const checkpoint = join(staging, `fold_${folds[index]}`, 'checkpoint_final.pth');
      await mkdir(dirname(checkpoint));
      const about = checkpointFields(opened, folds[index]);
      const named = { network_weights: withSecondNames(tensors, opened) };
      await writeWhole(checkpoint, torchCheckpointBytes(named, about));
    }
  };
  await writeFolderWhole(out, fill, { kind: exportKind, signal });
  return { folds, notes };
}

/** What nnU-Net's predictor reads of a checkpoint beside the weights. */
const checkpointFields = ({ model, plans }: ModelFolder, fold: number): Map<string, PickleValue> =>
  new Map<string, PickleValue>([
    ['trainer_name', trainer],
    [
      'init_args',
      new Map<string, PickleValue>([
        ['configuration', configurationOf(plans)],
        ['fold', fold],
      ]),
    ],
    ['inference_allowed_mirroring_axes', mirroringOf(model)],
  ]);

/**
 * Weights also under the further names that PyTorch gives to shared layers, without which it does not
 * take them: each convolution block has its layers once by name and once in a row, and the decoder has
 * the encoder.
 */
function withSecondNames(weights: Weights, { network, plans }: ModelFolder): Weights {
  const { layers } = network as UnetPlan;
  const { dropout_op: dropout } = argumentsOf(plans);
  const beforeNorm = 1 + (dropout ? 1 : 0) + (layers.activationFirst ? 1 : 0);
  const isOfSlices = configurationOf(plans) === sliceConfiguration;
  const shaped = ({ shape, data }: WeightTensor): WeightTensor => ({
    shape: isOfSlices && shape.length === 5 ? shape.filter((_, axis) => axis !== 2) : shape,
    data,
  });
  const inRow = [...weights].flatMap(([name, tensor]) => {
    const [, block, layer, part] = /^(.+)\.(conv|norm)\.(\w+)$/.exec(name) ?? [];
    if (block === undefined) return [[name, tensor] as const];
    // The last convolution of a residual block, and that beside it, have neither dropout nor activation.
    const place = layer === 'conv' ? 0 : /(conv2|skip\.\d+)$/.test(block) ? 1 : beforeNorm;
    return [[name, tensor] as const, [`${block}.all_modules.${place}.${part}`, tensor] as const];
  });
  const inDecoder = inRow.flatMap(([name, tensor]) =>
    name.startsWith('encoder.') ? [[`decoder.${name}`, tensor] as const] : [],
  );
  return new Map([...inRow, ...inDecoder].map(([name, tensor]) => [name, shaped(tensor)]));
}

/** Those of the architecture of checked plans. */
function argumentsOf(plans: unknown) {
  type Checked = {
    configurations: Record<
      string,
      { architecture: { arch_kwargs: { dropout_op: string | null } } }
    >;
  };
  return (plans as Checked).configurations[configurationOf(plans)].architecture.arch_kwargs;
}

/** nnU-Net takes no axes at all as an order to mirror along none, and stumbles over it. */
const mirroringOf = ({ mirrorAxes, plan }: ModelFolder['model']): PickleValue =>
  mirrorAxes.length > 0 ? mirrorAxes.map((axis) => (plan.bySlice ? axis - 1 : axis)) : null;

/** @throws DawsonError `bad-model` for a model that nnU-Net v2 would run to another result, or not at all. */
function requireNnunets({ folder, network, model }: ModelFolder): void {
  const reason =
    network.kind === 'compact'
      ? 'a compact network of Dawson’s own, which nnU-Net cannot build'
      : model.plan.input === 'brain'
        ? 'a model that sees the brain as Dawson’s own network does (dawson_input: brain)'
        : network.kind === 'generic'
          ? 'a network of nnU-Net v1, which prepares images and averages otherwise'
          : undefined;
  if (reason === undefined) return;
  throw new DawsonError('bad-model', {
    file: folder,
    expected: 'a model that nnU-Net v2 runs to the same result',
    found: reason,
    advice:
      'Train with a plan of --architecture plain or residual for a model that both programs run.',
  });
}

/** What becomes of the model's own choices when nnU-Net runs it, in sentences. */
function differencesOf({ model, card }: ModelFolder): string[] {
  const { rule, cleaning = [] } = card;
  const own = ruleInWords(rule);
  const names = labelNames(model.labels);
  return [
    ...(rule.byClass || own === ruleInWords(argmax)
      ? []
      : [`nnU-Net gives the most probable class; the model’s own rule (${own}) stays with Dawson`]),
    ...cleaning.map(
      ({ labels }) =>
        `only the largest component of ${labels.map((label) => names.get(label) ?? label).join(', ')} stays: ` +
        'in nnU-Net that is nnUNetv2_apply_postprocessing',
    ),
    ...model.optionalChannels.map(
      (name) => `${name} may be missing for Dawson; nnU-Net needs an image of zeros in its place`,
    ),
  ];
}
