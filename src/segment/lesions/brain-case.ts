import { type Axes3, shapeOf } from '../../volume/arrays.js';
import { resample } from '../../volume/resample.js';
import { type Grid, type Mask, toFloat32, type Volume } from '../../volume/volume.js';
import { type Channels, nonZeroMask, outsideLabel } from '../nnunet/preprocess.js';
import { type BrainChannel, brainInput } from './lesion-network-input.js';

/** Interpolated masks of small lesions shrink from 0.5 on: from here on their volume stays (0.99 to 1.02). */
const lesionShare = 0.45;

/** 1 in lesions, {@link outsideLabel} outside of the brain, else 0, on a grid of the network. */
export function labelsOnGrid(lesions: Volume, brain: Mask, grid: Grid): Int8Array {
  const lesion = resample(toFloat32(lesions), grid).data;
  const inBrain = resample(toFloat32(brain), grid).data;
  const labels = new Int8Array(lesion.length);
  for (let at = 0; at < labels.length; at++) {
    labels[at] = inBrain[at] < 0.5 ? outsideLabel : lesion[at] >= lesionShare ? 1 : 0;
  }
  return labels;
}

/** The channels of a case of a training set, and its brain: what is not 0 in any of them. */
export function brainOfCase(
  channels: Channels,
  names: readonly string[],
): { readonly channels: BrainChannel[]; readonly brain: Mask } {
  return {
    channels: channels.map((volume, channel) => ({ label: names[channel], volume })),
    brain: nonZeroMask(channels),
  };
}

/**
 * Prepares a case of a training set as {@link brainInput} shows it to a network.
 * @param labels 0 or 1 on the grid of the channels
 * @throws what {@link brainInput} throws.
 */
export function prepareBrainCase(
  images: Channels,
  names: readonly string[],
  labels: Volume,
): { readonly image: Float32Array; readonly labels: Int8Array; readonly shape: Axes3 } {
  const { channels, brain } = brainOfCase(images, names);
  const { grid, data } = brainInput(channels, brain);
  return { image: data, labels: labelsOnGrid(labels, brain, grid), shape: shapeOf(grid) };
}
