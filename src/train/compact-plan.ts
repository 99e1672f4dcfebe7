import { compactArchitecture } from '../network/index.js';
import { lesionChannels } from '../segment/lesion-network-input.js';
import { configurationName } from '../segment/nnunet-plans.js';
import { readShippedNetwork } from '../segment/own-network.js';
import { defaultNetworks, edgeVoxels } from './default-networks.js';
import type { PretrainedModel } from './initialise.js';

/**
 * What a compact network is planned with, whatever the training set: the voxels, patches and batches
 * of Dawson's own lesion network, so that a training can start from that one.
 */
export const compactImages = {
  spacing: [1, 1, 1],
  patch_size: [edgeVoxels, edgeVoxels, edgeVoxels],
  batch_size: 2,
  architecture: compactArchitecture(defaultNetworks.lesions.plan),
  batch_dice: true,
} as const;

/** The lesion network that comes with Dawson, to start a training from. */
export async function pretrainedLesionNetwork(): Promise<PretrainedModel> {
  const { plan, weights } = await readShippedNetwork('lesions');
  const axes = [0, 1, 2];
  const configuration = { ...compactImages, architecture: compactArchitecture(plan) };
  return {
    weights,
    network: plan,
    channelNames: lesionChannels,
    plans: {
      transpose_forward: axes,
      transpose_backward: axes,
      configurations: { [configurationName]: configuration },
    },
  };
}
