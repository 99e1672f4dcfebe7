import { importedFields, usualLayers, usualSliceLayers } from '../network/index.js';
import { type PlanAxes, product, type Topology } from './topology.js';

/**
 * The networks that can be planned, with nnU-Net v2's numbers for them: of volumes and of slices the
 * feature map values of a patch at which a reference batch takes 8 GB, and the most that a patch may have
 * there.
 */
export const architectures = {
  /** PlainConvUNet: two convolutions a stage. */
  plain: {
    networkClass: 'dynamic_network_architectures.architectures.unet.PlainConvUNet',
    plansName: 'nnUNetPlans',
    encoderField: 'n_conv_per_stage',
    encoder: [2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2],
    decoder: 2,
    volumes: { referenceValues: 560_000_000, mostValues: 560_000_000, referenceBatch: 2 },
    // A batch of 2 may fill the memory, of which one of 12 is the reference.
    slices: { referenceValues: 85_000_000, mostValues: 6 * 85_000_000, referenceBatch: 12 },
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
    volumes: { referenceValues: 680_000_000, mostValues: 680_000_000, referenceBatch: 2 },
    slices: { referenceValues: 135_000_000, mostValues: 135_000_000, referenceBatch: 12 },
    mostOfDataset: 1,
  },
} as const;
export type ArchitectureName = keyof typeof architectures;

const firstFeatures = 32;
const mostFeatures = { volumes: 320, slices: 512 } as const;

/** Whether a network is one of volumes or of slices, by the number of its axes. */
export const kindOf = (axes: PlanAxes) => (axes.length === 2 ? 'slices' : 'volumes');

function featuresPerStage({ strides, patchShape }: Topology): number[] {
  const most = mostFeatures[kindOf(patchShape)];
  return strides.map((_, stage) => Math.min(most, firstFeatures * 2 ** stage));
}

/** The architecture part of a `plans.json`. */
export function architecturePlan(name: ArchitectureName, topology: Topology) {
  const { strides, kernelSizes, patchShape } = topology;
  const { networkClass, encoderField, encoder, decoder } = architectures[name];
  const stages = strides.length;
  return {
    network_class_name: networkClass,
    arch_kwargs: {
      n_stages: stages,
      features_per_stage: featuresPerStage(topology),
      kernel_sizes: kernelSizes,
      strides,
      [encoderField]: encoder.slice(0, stages),
      n_conv_per_stage_decoder: new Array<number>(stages - 1).fill(decoder),
      ...(kindOf(patchShape) === 'slices' ? usualSliceLayers : usualLayers),
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
  topology: Topology,
  classes: number,
): number {
  const { strides, patchShape } = topology;
  const { encoder, decoder } = architectures[name];
  const features = featuresPerStage(topology);
  const voxels: number[] = [];
  let shape = patchShape;
  for (const stride of strides) {
    shape = shape.map((n, axis) => Math.floor(n / stride[axis]));
    voxels.push(product(shape));
  }
  let values = 0;
  if (name === 'residual') values += features[0] * product(patchShape);
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
function needsProjection(features: readonly number[], stage: number, stride: PlanAxes): boolean {
  return (
    (stage > 0 && features[stage - 1] !== features[stage]) || stride.some((step) => step !== 1)
  );
}
