import { configurationName, inputField } from '../model/nnunet-plans.js';
import { readShippedNetwork } from '../model/own-network.js';
import { type CompactUnetPlan, compactArchitecture } from '../network/index.js';
import { lesionChannels } from '../segment/lesions/lesion-network-input.js';
import type { PretrainedModel } from './initialise.js';

/** Of Dawson's own lesion network. */
export const lesionNetworkPlan = {
  kind: 'compact',
  inputChannels: 3,
  classes: 2,
  features: [32, 64, 128, 160],
  fineFeatures: 16,
  normEpsilon: 1e-5,
} as const satisfies CompactUnetPlan;

/** Of the patches of training. */
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

/** The lesion network that comes with Dawson, to start a training from. */
export async function pretrainedLesionNetwork(): Promise<PretrainedModel> {
  const { plan, rule, weights } = await readShippedNetwork('lesions');
  const axes = [0, 1, 2];
  const configuration = { ...compactImages, architecture: compactArchitecture(plan) };
  return {
    weights,
    rule,
    network: plan,
    channelNames: lesionChannels,
    plans: {
      transpose_forward: axes,
      transpose_backward: axes,
      configurations: { [configurationName]: configuration },
    },
  };
}
