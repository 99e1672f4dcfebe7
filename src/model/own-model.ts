import { writeFile } from 'node:fs/promises';
import { safetensorsBytes } from '../formats/safetensors.js';
import type { CompactUnetPlan, Weights } from '../network/index.js';
import { sequenceNames } from '../sequences.js';
import { anatomyNames } from '../volume/anatomy-labels.js';
import { compactPlans, lesionNetworkPlan } from './compact-plans.js';
import { argmax, type LesionRule } from './lesion-rule.js';
import { type ModelCard, writeModelFolder } from './model-folder.js';
import type { ModelInput } from './nnunet-plans.js';

/** What one of Dawson's own networks sees and tells apart. */
interface OwnModelKind {
  readonly plan: CompactUnetPlan;
  readonly input: ModelInput;
  /** As in nnU-Net's `dataset.json`. */
  readonly dataset: {
    readonly channel_names: Readonly<Record<number, string>>;
    readonly optional_channels?: readonly string[];
    readonly labels: Readonly<Record<string, number>>;
  };
}

const [, ...optionalSequences] = sequenceNames;
const named = (names: readonly string[]) => Object.fromEntries(names.map((name, at) => [at, name]));

/** The networks that come with Dawson. */
export const ownModels = {
  lesions: {
    plan: lesionNetworkPlan,
    input: 'brain',
    dataset: {
      channel_names: named(sequenceNames),
      optional_channels: optionalSequences,
      labels: { background: 0, lesion: 1 },
    },
  },
  /** Tells the parts of the brain, and so the brain from what is around it; any single contrast. */
  anatomy: {
    plan: {
      kind: 'compact',
      inputChannels: 1,
      classes: 8,
      features: [24, 48, 96, 128],
      fineFeatures: 16,
      normEpsilon: 1e-5,
    },
    input: 'head',
    dataset: {
      channel_names: named(['any contrast']),
      labels: {
        background: 0,
        ...Object.fromEntries([...anatomyNames].map(([label, name]) => [name, label])),
      },
    },
  },
} as const satisfies Record<string, OwnModelKind>;
export type OwnModelName = keyof typeof ownModels;

/**
 * Writes one of Dawson's own networks as a model folder, whole or not at all; its weights in half precision.
 * @param rule only for a network that finds lesions
 * @param kind another network than the one of that name
 * @throws DawsonError as {@link writeModelFolder}.
 */
export async function writeOwnModel(
  folder: string,
  {
    rule = argmax,
    ...card
  }: Pick<ModelCard, 'name' | 'version' | 'training'> & { readonly rule?: LesionRule },
  weights: Weights,
  { plan, input, dataset }: OwnModelKind,
): Promise<void> {
  const bytes = safetensorsBytes({ tensors: weights, metadata: {} }, 'F16');
  await writeModelFolder(
    folder,
    { ...card, rule, orientation: 'RAS', mirrorAxes: [], average: 'logits' },
    compactPlans(plan, input),
    dataset,
    new Map([[0, (file: string) => writeFile(file, bytes)]]),
  );
}
