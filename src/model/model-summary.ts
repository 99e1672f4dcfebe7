import { elementsOf } from '../graph/index.js';
import { costOfPrediction, type NetworkPlan, weightShapes } from '../network/index.js';
import type { Axes3 } from '../volume/arrays.js';
import { labelNames } from './labels.js';
import type { LesionRule } from './lesion-rule.js';
import type { FileRecord, ModelFolder } from './model-folder.js';
import type { ModelInput } from './nnunet-plans.js';

/** What a person wants to know about a trained model. Axes are the network's, slowest first. */
export interface ModelSummary {
  readonly name: string;
  readonly version: string;
  readonly training: Readonly<Record<string, string | number>>;
  readonly channels: readonly { readonly name: string; readonly optional: boolean }[];
  /** Also what the first network of a cascade found: one more channel for each class. */
  readonly takesLabels?: true;
  /** Without the background. */
  readonly classes: readonly string[];
  /** Those of them that are lesion. */
  readonly lesions: readonly string[];
  readonly input: ModelInput;
  readonly network: {
    readonly kind: NetworkPlan['kind'];
    readonly features: readonly number[];
    /** Only of nnU-Net's networks. */
    readonly kernels?: readonly Axes3[];
    readonly strides?: readonly Axes3[];
    readonly parameters: number;
  };
  readonly patchVoxels: Axes3;
  /** In the plane alone of a network of slices, which stay as far apart as they are. */
  readonly spacingMm: readonly number[];
  readonly folds: number;
  /** Passes over each patch: one for each combination of mirrored axes. */
  readonly mirrorings: number;
  readonly costPerPatch: {
    /** Operations of one pass of one fold; a multiply-add is two operations. */
    readonly gflop: number;
    /** Most memory at once, weights included, without what the runtime needs for itself. */
    readonly memoryBytes: number;
  };
  readonly lesionRule: LesionRule;
  readonly files: Readonly<Record<string, FileRecord>>;
}

export function summaryOf({ card, network, model, weights, files }: ModelFolder): ModelSummary {
  const { flops, peakLiveBytes } = costOfPrediction(network, model.plan.patchShape);
  const { labels } = model;
  const outputs = labels.outputs.map(({ name }) => name);
  const names = labels.nonlinearity === 'softmax' ? outputs.slice(1) : outputs;
  return {
    name: card.name,
    version: card.version,
    training: card.training,
    channels: model.channelNames.map((name) => ({
      name,
      optional: model.optionalChannels.includes(name),
    })),
    ...(model.plan.takesLabels && { takesLabels: true }),
    classes: names,
    lesions: [...labelNames(labels)].flatMap(([label, name]) =>
      labels.lesionLabels.includes(label) ? [name] : [],
    ),
    input: model.plan.input,
    network: {
      kind: network.kind,
      features: network.features,
      ...(network.kind !== 'compact' && { kernels: network.kernels, strides: network.strides }),
      parameters: [...weightShapes(network).values()].reduce(
        (sum, shape) => sum + elementsOf(shape),
        0,
      ),
    },
    patchVoxels: model.plan.patchShape,
    spacingMm: model.plan.spacingMm.slice(model.plan.bySlice ? 1 : 0),
    folds: weights.length,
    mirrorings: 2 ** model.mirrorAxes.length,
    costPerPatch: { gflop: flops / 1e9, memoryBytes: peakLiveBytes },
    lesionRule: card.rule,
    files,
  };
}
