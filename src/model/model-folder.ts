import { copyFile, lstat, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Ajv } from 'ajv';
import { DawsonError } from '../errors.js';
import {
  type ResultKind,
  sha256Of,
  sha256OfFile,
  writeFolderWhole,
  writeWhole,
} from '../formats/index.js';
import { jsonBytes } from '../formats/json.js';
import { readJsonWithBytes } from '../formats/read-json.js';
import { divisorOf, type NetworkPlan, networkPlanOf, readWeights } from '../network/index.js';
import { foregroundLabels, hasOneClass, type OutputLabels, outputLabelsOf } from './labels.js';
import { type LesionRule, lesionRuleSchema, type RuleOfCard, ruleOfCard } from './lesion-rule.js';
import { configurationOf, type ImagePlan, imagePlanOf } from './nnunet-plans.js';

/** What is known about a trained model, beside its weights. */
export interface NnunetModel {
  readonly plan: ImagePlan;
  /** In the order of the network's input. */
  readonly channelNames: readonly string[];
  /** Channels that may be missing: the network was trained with them left out. */
  readonly optionalChannels: readonly string[];
  readonly labels: OutputLabels;
  /** Orientation of the training images, such as 'RAS'. */
  readonly orientation: string;
  /** Axes along which the network was trained with mirrored patches. */
  readonly mirrorAxes: readonly number[];
  /** What windows and folds are averaged as: logits in nnU-Net v2, probabilities in v1. */
  readonly average: 'logits' | 'probabilities';
  readonly rule: LesionRule;
  /** What nnU-Net itself does to the labels that it found. */
  readonly cleaning: readonly Cleaning[];
}

/** What keeps its labels: the largest component of the voxels with one of these. */
export interface Cleaning {
  readonly labels: readonly number[];
  /** Voxels that touch by a face (6), or also by a corner (26), belong together. */
  readonly connectivity: 6 | 26;
}

/** What `model.json` says. */
export interface ModelCard {
  readonly name: string;
  /** Version of the model, such as '1.0.0'. */
  readonly version: string;
  /** Where it comes from and what it was trained on, in sentences and numbers. */
  readonly training: Readonly<Record<string, string | number>>;
  readonly orientation: string;
  readonly mirrorAxes: readonly number[];
  readonly average: 'logits' | 'probabilities';
  readonly rule: LesionRule;
  /** Which labels are lesion; all of them where nothing is said. */
  readonly lesionLabels?: readonly number[];
  readonly cleaning?: readonly Cleaning[];
}

/** A model folder that has been opened and checked. */
export interface ModelFolder {
  readonly folder: string;
  readonly card: ModelCard;
  /** `plans.json` and `dataset.json` as they were read. */
  readonly plans: unknown;
  readonly dataset: unknown;
  /** Size and hash of every file by its name, but for `model.json` itself. */
  readonly files: Readonly<Record<string, FileRecord>>;
  /** Paths of the weights, one a fold, in the order of the folds. */
  readonly weights: readonly string[];
  /** SHA-256 of `model.json`. */
  readonly sha256: string;
  readonly network: NetworkPlan;
  /** What {@link segmentNnunet} needs. */
  readonly model: NnunetModel;
}

const schema = 'dawson-model';
const schemaVersion = 2;
/** Models of this version call their rule `postProcessing`. */
const olderVersion = 1;
/** Describes a model and holds the hash of each of its files. */
export const modelCardFile = 'model.json';
const weightsName = /^fold_(\d{1,2})\.safetensors$/;
const partName = /^(plans\.json|dataset\.json|fold_\d{1,2}\.safetensors)$/;

/** What a folder has to look like to be replaced by a new model. */
export const modelKind: ResultKind = {
  names: /^(model\.json|plans\.json|dataset\.json|fold_\d{1,2}\.safetensors)$/,
  marker: modelCardFile,
  schema,
};

export interface FileRecord {
  readonly bytes: number;
  readonly sha256: string;
}

type ModelFile = Omit<ModelCard, 'rule'> & {
  readonly schema: string;
  readonly schemaVersion: number;
  readonly rule: RuleOfCard;
  readonly files: Readonly<Record<string, FileRecord>>;
};

const text = { type: 'string', minLength: 1, maxLength: 200 };
const labelList = {
  type: 'array',
  minItems: 1,
  maxItems: 128,
  uniqueItems: true,
  items: { type: 'integer', minimum: 1, maximum: 127 },
};
const cardSchema = (version: number, ruleField: 'rule' | 'postProcessing') => ({
  type: 'object',
  required: [
    'schema',
    'schemaVersion',
    'name',
    'version',
    'training',
    'orientation',
    'mirrorAxes',
    'average',
    ruleField,
    'files',
  ],
  additionalProperties: false,
  properties: {
    schema: { const: schema },
    schemaVersion: { const: version },
    name: text,
    version: text,
    training: {
      type: 'object',
      maxProperties: 100,
      additionalProperties: { type: ['string', 'number'] },
    },
    orientation: { type: 'string', pattern: '^[RLAPSI]{3}$' },
    mirrorAxes: {
      type: 'array',
      maxItems: 3,
      uniqueItems: true,
      items: { type: 'integer', minimum: 0, maximum: 2 },
    },
    average: { enum: ['logits', 'probabilities'] },
    [ruleField]: lesionRuleSchema,
    lesionLabels: labelList,
    cleaning: {
      type: 'array',
      maxItems: 128,
      items: {
        type: 'object',
        required: ['labels', 'connectivity'],
        additionalProperties: false,
        properties: { labels: labelList, connectivity: { enum: [6, 26] } },
      },
    },
    files: {
      type: 'object',
      required: ['plans.json', 'dataset.json'],
      maxProperties: 102,
      additionalProperties: {
        type: 'object',
        required: ['bytes', 'sha256'],
        additionalProperties: false,
        properties: {
          bytes: { type: 'integer', minimum: 1 },
          sha256: { type: 'string', pattern: '^[0-9a-f]{64}$' },
        },
      },
    },
  },
});
const ajv = new Ajv({ allErrors: true, allowUnionTypes: true });
const validCard = ajv.compile<ModelFile>(cardSchema(schemaVersion, 'rule'));
const validOlderCard = ajv.compile<
  Omit<ModelFile, 'rule'> & { readonly postProcessing: RuleOfCard }
>(cardSchema(olderVersion, 'postProcessing'));

/** @throws DawsonError `bad-model` for a description that is malformed. */
function modelFileOf(json: unknown, file: string): ModelFile {
  const { schema: kind, schemaVersion: version } = (json ?? {}) as Partial<ModelFile>;
  const isValid = version === olderVersion ? validOlderCard : validCard;
  if (isValid(json)) {
    if (!('postProcessing' in json)) return json;
    const { postProcessing, ...card } = json;
    return { ...card, rule: postProcessing };
  }
  const errors = (isValid.errors ?? []).map(
    ({ instancePath, message }) => `${instancePath || 'it'} ${message}`,
  );
  throw new DawsonError('bad-model', {
    file,
    expected: `a model description of version ${olderVersion} or ${schemaVersion}`,
    found: errors.slice(0, 5).join('; '),
    ...(kind === schema && Number(version) > schemaVersion && { advice: newerAdvice }),
    ...(kind !== schema && { advice: otherKindAdvice }),
  });
}

const newerAdvice = 'It was written by a newer version of Dawson: install that one.';
const otherKindAdvice =
  'This is no model of Dawson: what nnU-Net trained becomes one by dawson model import.';
/** For parts that came whole: their hashes are right, or they were just read from nnU-Net's folder. */
const contradictionAdvice =
  'Take plans.json and dataset.json as they lay beside the weights of this training, unedited.';

/**
 * Writes a model folder, whole or not at all: `plans.json`, `dataset.json`, the weights of each fold
 * as `fold_K.safetensors`, and `model.json` with the hash of every file. It takes its place only when
 * it opens and all of its weights fit.
 * @param weights by the number of their fold: the path of a safetensors file, or what writes one to a
 *   path
 * @throws DawsonError `output-exists`, `output-failed`, `file-not-found`; `bad-model` for a model that
 *   could not be opened; the signal's reason.
 */
export async function writeModelFolder(
  folder: string,
  card: ModelCard,
  plans: unknown,
  dataset: unknown,
  weights: ReadonlyMap<number, string | ((file: string) => Promise<void>)>,
  signal?: AbortSignal,
): Promise<void> {
  if (weights.size === 0) throw new RangeError('a model without weights');
  const fill = async (staging: string) => {
    const files: Record<string, FileRecord> = {};
    const record = async (name: string) => {
      const { size } = await lstat(join(staging, name));
      files[name] = { bytes: size, sha256: await sha256OfFile(join(staging, name)) };
    };
    for (const [name, value] of [
      ['plans.json', plans],
      ['dataset.json', dataset],
    ] as const) {
      await writeWhole(join(staging, name), jsonBytes(value));
      await record(name);
    }
    for (const [fold, source] of [...weights].sort(([a], [b]) => a - b)) {
      signal?.throwIfAborted();
      const name = `fold_${fold}.safetensors`;
      if (typeof source === 'string') await copyFile(source, join(staging, name));
      else await source(join(staging, name));
      await record(name);
    }
    await writeWhole(
      join(staging, modelCardFile),
      jsonBytes({ schema, schemaVersion, ...card, files } satisfies ModelFile),
    );
    await requireWhole(staging, signal);
  };
  await writeFolderWhole(folder, fill, { kind: modelKind, signal });
}

/** Opens a model as its user will, weights and all. */
async function requireWhole(folder: string, signal?: AbortSignal): Promise<void> {
  const { weights, network, files } = await openModelFolder(folder);
  for (const file of weights) {
    signal?.throwIfAborted();
    await readWeights(file, network, files[basename(file)].sha256);
  }
}

/**
 * Opens a model folder and checks that every file is the one that `model.json` names. Files that it
 * does not name are not looked at.
 * @throws DawsonError `bad-model` for a field that is malformed, a file that is missing, changed or
 *   no plain file, and plans that Dawson cannot run; `file-not-found` without a `model.json`.
 */
export async function openModelFolder(folder: string): Promise<ModelFolder> {
  const file = join(folder, modelCardFile);
  await requireModelFolder(folder);
  const { value: json, bytes } = await readJsonWithBytes(file);
  const {
    files,
    schema: _schema,
    schemaVersion: _version,
    rule,
    ...rest
  } = modelFileOf(json, file);
  const card: ModelCard = { ...rest, rule: ruleOfCard(rule) };
  for (const [name, record] of Object.entries(files)) {
    if (!partName.test(name)) {
      throw new DawsonError('bad-model', {
        file,
        expected: 'files named plans.json, dataset.json and fold_K.safetensors',
        found: JSON.stringify(name.slice(0, 80)),
      });
    }
    if (weightsName.test(name)) await requireUnchanged(join(folder, name), record);
  }
  const folds = Object.keys(files)
    .flatMap((name) => weightsName.exec(name)?.[1] ?? [])
    .sort((a, b) => Number(a) - Number(b));
  if (folds.length === 0) {
    throw new DawsonError('bad-model', { file, expected: 'weights of a fold', found: 'none' });
  }
  const plans = await readNamed(join(folder, 'plans.json'), files['plans.json']);
  const dataset = await readNamed(join(folder, 'dataset.json'), files['dataset.json']);
  return {
    folder,
    card,
    plans,
    dataset,
    files,
    weights: folds.map((fold) => join(folder, `fold_${fold}.safetensors`)),
    sha256: sha256Of(bytes),
    ...modelAndNetwork(card, plans, dataset, folder),
  };
}

/**
 * Tells a folder that has no description from one that has none of Dawson's.
 * @throws DawsonError `bad-model` for a folder of nnU-Net or of a training, and a packed model.
 */
async function requireModelFolder(folder: string): Promise<void> {
  const stats = await lstat(folder).catch(() => undefined);
  const names = await readdir(folder).catch((): string[] => []);
  if (!stats || names.includes(modelCardFile)) return;
  const inner = names.find((name) => name === 'model' || name === 'model_all');
  const isNnunets = names.some((name) => /^(fold_\w+|all|plans\.(json|pkl))$/.test(name));
  if (stats.isDirectory() && inner === undefined && !isNnunets) return;
  throw new DawsonError('bad-model', {
    file: folder,
    expected: `a model folder, with ${modelCardFile}`,
    found: stats.isDirectory() ? 'a folder without it' : 'no folder',
    advice: !stats.isDirectory()
      ? 'Give the folder of a model; one that is packed has to be unpacked first.'
      : inner !== undefined
        ? `Give the folder of the model in that of its training: ${join(folder, inner)}.`
        : 'What nnU-Net trained becomes a model by dawson model import; a training of Dawson has its model ' +
          'in the folder model when its first fold is done.',
  });
}

/**
 * What a model's descriptions mean.
 * @param folder for messages
 * @throws DawsonError `bad-model` where they contradict each other, or ask for what Dawson cannot run.
 */
export function modelAndNetwork(
  card: ModelCard,
  plans: unknown,
  dataset: unknown,
  folder: string,
): Pick<ModelFolder, 'model' | 'network'> {
  const model = modelOf(card, plans, dataset, folder);
  return { model, network: networkOf(model, plans, join(folder, 'plans.json')) };
}

async function requireUnchanged(file: string, { bytes, sha256 }: FileRecord): Promise<void> {
  const stats = await lstat(file).catch(() => undefined);
  const found =
    stats === undefined
      ? 'no file'
      : !stats.isFile()
        ? 'something that is no plain file'
        : stats.size !== bytes
          ? `${stats.size} bytes`
          : (await sha256OfFile(file)) !== sha256
            ? 'other contents'
            : undefined;
  if (found !== undefined) throw changed(file, bytes, found);
}

/** The JSON of a part, hashed as it is read. */
async function readNamed(file: string, { bytes, sha256 }: FileRecord): Promise<unknown> {
  const stats = await lstat(file).catch(() => undefined);
  if (!stats?.isFile()) {
    throw changed(file, bytes, stats ? 'something that is no plain file' : 'no file');
  }
  const read = await readJsonWithBytes(file);
  if (sha256Of(read.bytes) !== sha256) throw changed(file, bytes, 'other contents');
  return read.value;
}

const changed = (file: string, bytes: number, found: string) =>
  new DawsonError('bad-model', {
    file,
    expected: `the ${bytes} bytes of ${basename(file)} that ${modelCardFile} names`,
    found,
  });

function modelOf(card: ModelCard, plans: unknown, dataset: unknown, folder: string): NnunetModel {
  const plan = imagePlanOf(plans, join(folder, 'plans.json'));
  const file = join(folder, 'dataset.json');
  const { channel_names: channels, optional_channels: optional = [] } = (dataset ?? {}) as Record<
    string,
    unknown
  >;
  const channelNames = Object.values(channels ?? {});
  const isList = (value: unknown): value is string[] =>
    Array.isArray(value) && value.every((item) => typeof item === 'string');
  if (!isList(channelNames) || channelNames.length !== plan.channels.length || !isList(optional)) {
    throw new DawsonError('bad-model', {
      file,
      expected: `names of ${plan.channels.length} channels, as in plans.json`,
      found: `${channelNames.length} channels`,
      advice: contradictionAdvice,
    });
  }
  const { orientation, average, rule, lesionLabels, cleaning = [] } = card;
  const labels = outputLabelsOf(dataset, lesionLabels, file);
  const isBrain = plan.input === 'brain';
  if (isBrain && (!hasOneClass(labels) || average !== 'logits')) {
    throw new DawsonError('bad-model', {
      file,
      expected: 'two classes and the mean of logits where the input is the brain',
      found: `${labels.outputs.length} classes and the mean of ${average}`,
      advice:
        'Only models that Dawson trained see the brain so (dawson_input): plan and train again with dawson plan.',
    });
  }
  return {
    plan,
    channelNames,
    optionalChannels: optional,
    labels,
    orientation,
    // Its windows are mirrored in turns (ModelInput).
    mirrorAxes: isBrain ? [] : card.mirrorAxes,
    average,
    rule,
    cleaning,
  };
}

/** The network of the plans; it has to be able to halve their patch. */
function networkOf({ plan, labels }: NnunetModel, plans: unknown, file: string): NetworkPlan {
  const fromBefore = plan.takesLabels ? foregroundLabels(labels).length : 0;
  const inputChannels = plan.channels.length + fromBefore;
  const sizes = { inputChannels, classes: labels.outputs.length };
  const network = networkPlanOf(plans, configurationOf(plans), sizes, file);
  const divisor = divisorOf(network);
  if (plan.patchShape.every((n, axis) => n % divisor[axis] === 0)) return network;
  throw new DawsonError('bad-model', {
    file,
    expected: `a patch_size that can be divided by ${divisor.join(', ')}`,
    found: plan.patchShape.join(', '),
    advice: contradictionAdvice,
  });
}
