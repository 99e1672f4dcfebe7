import { importedFields, usualLayers } from '../network/index.js';
import { mapAxes } from '../volume/affine.js';
import { type Axes3, voxelsIn } from '../volume/arrays.js';
import type { Topology } from './topology.js';

/** The networks that can be planned, with nnU-Net v2's numbers for them. */
export const architectures = {
  /** PlainConvUNet: two convolutions a stage. */
  plain: {
    networkClass: 'dynamic_network_architectures.architectures.unet.PlainConvUNet',
    plansName: 'nnUNetPlans',
    encoderField: 'n_conv_per_stage',
    encoder: [2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2],
    decoder: 2,
    /** Feature map values of a patch at which a batch of 2 takes 8 GB. */
    referenceValues: 560_000_000,
    /** Part of the training set that one batch may show. */
    mostOfDataset: 0.05,
  },
  /** ResidualEncoderUNet: residual blocks in the encoder, one convolution a stage in the decoder. */
  residual: {
    networkClass: 'dynamic_network_architectures.architectures.unet.ResidualEncoderUNet',
    plansName: 'nnUNetResEncUNetMPlans',
    encoderField: 'n_blocks_per_stage',
    encoder: [1, 3, 4, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6],
    decoder: 1,
    referenceValues: 680_000_000,
    mostOfDataset: 1,
  },
} as const;
export type ArchitectureName = keyof typeof architectures;

const firstFeatures = 32;
const mostFeatures = 320;

export function featuresPerStage(stages: number): number[] {
  return Array.from({ length: stages }, (_, stage) =>
    Math.min(mostFeatures, firstFeatures * 2 ** stage),
  );
}

/** The architecture part of a `plans.json`. */
export function architecturePlan(name: ArchitectureName, { strides, kernelSizes }: Topology) {
  const { networkClass, encoderField, encoder, decoder } = architectures[name];
  const stages = strides.length;
  return {
    network_class_name: networkClass,
    arch_kwargs: {
      n_stages: stages,
      features_per_stage: featuresPerStage(stages),
      kernel_sizes: kernelSizes,
      strides,
      [encoderField]: encoder.slice(0, stages),
      n_conv_per_stage_decoder: new Array<number>(stages - 1).fill(decoder),
      ...usualLayers,
    },
    _kw_requires_import: importedFields,
  };
}

/**
 * Number of values in the outputs of all convolutions for one patch, nnU-Net v2's measure of memory
 * (`compute_conv_feature_map_size`, one output layer).
 */
export function featureMapValues(
  name: ArchitectureName,
  { strides, patchShape }: Topology,
  classes: number,
): number {
  const { encoder, decoder } = architectures[name];
  const features = featuresPerStage(strides.length);
  const voxels: number[] = [];
  let shape = patchShape;
  for (const stride of strides) {
    shape = mapAxes(shape, (n, axis) => Math.floor(n / stride[axis]));
    voxels.push(voxelsIn(shape));
  }
  let values = 0;
  if (name === 'residual') values += features[0] * voxelsIn(patchShape);
  for (const [stage, stride] of strides.entries()) {
    const outputs =
      name === 'plain'
        ? encoder[stage]
        : 2 * encoder[stage] + (needsProjection(features, stage, stride) ? 1 : 0);
    values += outputs * features[stage] * voxels[stage];
  }
  for (let stage = 0; stage < strides.length - 1; stage++) {
    values += (decoder + 1) * features[stage] * voxels[stage];
  }
  return values + classes * voxels[0];
}

/** Whether the skip of a stage's first residual block has a convolution of its own. */
function needsProjection(features: readonly number[], stage: number, stride: Axes3): boolean {
  return (
    (stage > 0 && features[stage - 1] !== features[stage]) || stride.some((step) => step !== 1)
  );
}
