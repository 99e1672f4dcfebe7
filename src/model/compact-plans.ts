import { type CompactUnetPlan, compactArchitecture } from '../network/index.js';
import { configurationName, inputField, type ModelInput } from './nnunet-plans.js';

/** The architecture of Dawson's own lesion network. */
export const lesionNetworkPlan = {
  kind: 'compact',
  inputChannels: 3,
  classes: 2,
  features: [32, 64, 128, 160],
  fineFeatures: 16,
  normEpsilon: 1e-5,
} as const satisfies CompactUnetPlan;

/** Edge of the patches of training. */
export const edgeVoxels = 64;

/**
 * What a compact network is planned with, whatever the training set: the voxels, patches and batches
 * of Dawson's own lesion network, so that a training can start from that one.
 */
export const compactImages = {
  spacing: [1, 1, 1],
  patch_size: [edgeVoxels, edgeVoxels, edgeVoxels],
  batch_size: 2,
  architecture: compactArchitecture(lesionNetworkPlan),
  batch_dice: true,
  [inputField]: 'brain',
} as const;

/** `plans.json` of one of Dawson's own networks, as if it had been planned. */
export function compactPlans(plan: CompactUnetPlan, input: ModelInput): unknown {
  const axes = [0, 1, 2];
  const channels = Array.from({ length: plan.inputChannels }, (_, channel) => channel);
  const resampling = (order: number) => ({ order, order_z: 0, force_separate_z: null });
  const unused = { mean: 0, median: 0, std: 1, min: 0, max: 0 };
  const intensities = { ...unused, percentile_00_5: 0, percentile_99_5: 0 };
  const byFunction = 'resample_data_or_seg_to_shape';
  const configuration = {
    ...compactImages,
    architecture: compactArchitecture(plan),
    [inputField]: input,
    preprocessor_name: 'DefaultPreprocessor',
    normalization_schemes: channels.map(() => 'ZScoreNormalization'),
    use_mask_for_norm: channels.map(() => true),
    resampling_fn_data: byFunction,
    resampling_fn_seg: byFunction,
    resampling_fn_probabilities: byFunction,
    resampling_fn_data_kwargs: resampling(3),
    resampling_fn_seg_kwargs: resampling(1),
    resampling_fn_probabilities_kwargs: resampling(1),
  };
  return {
    transpose_forward: axes,
    transpose_backward: axes,
    configurations: { [configurationName]: configuration },
    foreground_intensity_properties_per_channel: Object.fromEntries(
      channels.map((channel) => [channel, intensities]),
    ),
  };
}
