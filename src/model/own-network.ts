import { join } from 'node:path';
import { Ajv } from 'ajv';
import { DawsonError } from '../errors.js';
import {
  requireShipped,
  sha256Of,
  shippedPath,
  writeFolderWhole,
  writeWhole,
} from '../formats/index.js';
import { jsonBytes } from '../formats/json.js';
import { readJsonWithBytes } from '../formats/read-json.js';
import { safetensorsBytes } from '../formats/safetensors.js';
import { type CompactUnetPlan, readWeights, type Weights } from '../network/index.js';
import { type LesionRule, lesionRuleSchema, type RuleOfCard, ruleOfCard } from './lesion-rule.js';

/** What `model.json` says about one of the networks that come with Dawson. */
export interface OwnNetworkCard {
  readonly name: string;
  readonly version: string;
  readonly plan: CompactUnetPlan;
  /** Chosen on synthetic exams that the network had not seen; only for a network that finds lesions. */
  readonly rule?: LesionRule;
  /** What it was trained on and how, in words and numbers. */
  readonly training: Readonly<Record<string, string | number>>;
}

export interface OwnNetwork extends OwnNetworkCard {
  readonly weights: Weights;
  readonly weightsSha256: string;
  /** SHA-256 of its `model.json`, which has the hash of the weights. */
  readonly sha256: string;
}

export const networkSchema = 'dawson-network';
const schema = networkSchema;
const schemaVersion = 1;
const cardFile = 'model.json';
export const weightsFile = 'weights.safetensors';

const text = { type: 'string', minLength: 1, maxLength: 2000 };
const count = (maximum: number) => ({ type: 'integer', minimum: 1, maximum });
const validCard = new Ajv({ allowUnionTypes: true }).compile<
  Omit<OwnNetworkCard, 'rule'> & { readonly weightsSha256: string; readonly rule?: RuleOfCard }
>({
  type: 'object',
  additionalProperties: false,
  required: ['schema', 'schemaVersion', 'name', 'version', 'plan', 'training', 'weightsSha256'],
  properties: {
    schema: { const: schema },
    schemaVersion: { const: schemaVersion },
    name: text,
    version: text,
    plan: {
      type: 'object',
      additionalProperties: false,
      required: ['kind', 'inputChannels', 'classes', 'features', 'normEpsilon'],
      properties: {
        kind: { const: 'compact' },
        inputChannels: count(16),
        classes: count(64),
        features: { type: 'array', minItems: 1, maxItems: 6, items: count(1024) },
        fineFeatures: count(256),
        normEpsilon: { type: 'number', exclusiveMinimum: 0, maximum: 1 },
      },
    },
    rule: lesionRuleSchema,
    training: { type: 'object', additionalProperties: { type: ['string', 'number'] } },
    weightsSha256: { type: 'string', pattern: '^[0-9a-f]{64}$' },
  },
});

/** Folder of one of the networks that come with Dawson. */
export const ownNetworkFolder = (name: string): string => shippedPath(`models/${name}`);

/**
 * One of the networks that come with Dawson, as it came.
 * @throws DawsonError as {@link readOwnNetwork}; `file-corrupt` for another one.
 */
export async function readShippedNetwork(name: string): Promise<OwnNetwork> {
  const network = await readOwnNetwork(ownNetworkFolder(name));
  await requireShipped(`models/${name}/${cardFile}`, network.sha256);
  return network;
}

/**
 * Reads a network that {@link writeOwnNetwork} wrote.
 * @throws DawsonError `file-not-found`; `bad-model` for a description that is malformed, and weights that
 *   are others than it names or do not fit it.
 */
export async function readOwnNetwork(folder: string): Promise<OwnNetwork> {
  const file = join(folder, cardFile);
  const { value: card, bytes } = await readJsonWithBytes(file);
  if (!validCard(card)) {
    const { instancePath, message } = validCard.errors![0];
    throw new DawsonError('bad-model', {
      file,
      expected: `a description of a network, version ${schemaVersion}`,
      found: `${instancePath || 'it'} ${message}`,
    });
  }
  const weightsPath = join(folder, weightsFile);
  const weights = await readWeights(weightsPath, card.plan, card.weightsSha256);
  const { name, version, plan, rule, training } = card;
  return {
    name,
    version,
    plan,
    ...(rule && { rule: ruleOfCard(rule) }),
    training,
    weights,
    weightsSha256: card.weightsSha256,
    sha256: sha256Of(bytes),
  };
}

/**
 * Writes a network into a folder, whole or not at all; its weights in half precision.
 * @throws DawsonError `bad-model` for one that {@link readOwnNetwork} would refuse; `output-failed`.
 */
export async function writeOwnNetwork(
  folder: string,
  card: OwnNetworkCard,
  weights: Weights,
): Promise<void> {
  const fill = async (staging: string) => {
    const weightsPath = join(staging, weightsFile);
    const bytes = safetensorsBytes({ tensors: weights, metadata: {} }, 'F16');
    await writeWhole(weightsPath, bytes);
    const weightsSha256 = sha256Of(bytes);
    const document = { schema, schemaVersion, ...card, weightsSha256 };
    await writeWhole(join(staging, cardFile), jsonBytes(document));
    await readOwnNetwork(staging);
  };
  const names = /^(model\.json|weights\.safetensors)$/;
  await writeFolderWhole(folder, fill, { kind: { names, marker: cardFile, schema } });
}
