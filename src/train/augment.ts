import { mirrored } from '../model/sliding-window.js';
import { oneHot } from '../segment/nnunet/one-hot.js';
import { anisotropyThreshold } from '../segment/nnunet/resize.js';
import { type Axes3, voxelsIn } from '../volume/arrays.js';
import type { Random } from '../volume/random.js';
import {
  addNoiseInPlace,
  blurInPlace,
  brightenInPlace,
  changeContrastInPlace,
  changeGammaInPlace,
  lowerResolutionInPlace,
} from './augment-intensity.js';
import {
  changePreviousInPlace,
  type PreviousParameters,
  samplePrevious,
} from './augment-previous.js';
import type { SpatialParameters } from './augment-spatial.js';
import type { CasePatch } from './cache.js';

/** How patches are augmented: nnU-Net v2's numbers, save for what a training run chooses. */
export interface AugmentationSettings {
  readonly mirrorAxes: readonly number[];
  /** Probability with which each channel is left out, so that the network does without it. */
  readonly channelDropout: readonly number[];
}

/** What happens to one patch; plain values. An entry a channel; undefined leaves it alone. */
export interface AugmentationParameters {
  readonly spatial?: SpatialParameters;
  readonly noise?: { readonly sigma: number; readonly seed: number };
  readonly blurSigmaVoxels?: readonly (Axes3 | undefined)[];
  readonly brightness?: readonly number[];
  readonly contrast?: readonly number[];
  readonly resolution?: readonly (Axes3 | undefined)[];
  readonly invertedGamma?: readonly number[];
  readonly gamma?: readonly number[];
  readonly mirrorAxes: readonly number[];
  readonly droppedChannels: readonly number[];
  /** To the labels of a stage before. */
  readonly previous?: PreviousParameters;
}

/** Nothing happens: for validation. */
export const noAugmentation: AugmentationParameters = { mirrorAxes: [], droppedChannels: [] };

/** Whether patches are so flat that they are turned and scaled in their planes only. */
export const isFlat = (patchShape: Axes3) =>
  Math.max(...patchShape) / patchShape[0] > anisotropyThreshold || isSlice(patchShape);

/** Whether patches are those of a network of slices. */
export const isSlice = (patchShape: Axes3) => patchShape[0] === 1;

/** Slices longer than this are turned but a little. */
const mostLonger = 1.5;

/** Patches are turned by at most this, in radians; flat ones in their planes only. */
export function largestAngle(patchShape: Axes3): number {
  const [, height, width] = patchShape;
  const isLong = Math.max(height, width) / Math.min(height, width) > mostLonger;
  if (isSlice(patchShape) && isLong) return Math.PI / 12;
  return isFlat(patchShape) ? Math.PI : Math.PI / 6;
}

/** Axes along which patches are mirrored, of slices those in their plane. */
export const axesToMirror = (patchShape: Axes3): readonly number[] =>
  isSlice(patchShape) ? [1, 2] : [0, 1, 2];

/**
 * Draws what happens to one patch, with the probabilities and ranges of nnU-Net v2's trainer
 * (get_training_transforms).
 * @param previousLabels how many labels the first network of a cascade tells apart; 0 without one
 */
export function sampleAugmentation(
  random: Random,
  patchShape: Axes3,
  channels: number,
  { mirrorAxes, channelDropout }: AugmentationSettings,
  previousLabels = 0,
): AugmentationParameters {
  const flat = isFlat(patchShape);
  const happens = (probability: number) => random.uniform() < probability;
  const between = (low: number, high: number) => low + (high - low) * random.uniform();
  const perChannel = <T>(draw: () => T) => Array.from({ length: channels }, draw);
  const perSomeChannels = <T>(draw: () => T) =>
    perChannel(() => (happens(0.5) ? draw() : undefined));
  /** As often below 1 as above, whatever the range. */
  const factor = (low: number, high: number) => () =>
    happens(0.5) ? between(low, 1) : between(1, high);

  const rotates = happens(0.2);
  const scales = happens(0.2);
  const angle = () => (rotates ? between(-1, 1) * largestAngle(patchShape) : 0);
  const rotation: Axes3 = flat ? [angle(), 0, 0] : [angle(), angle(), angle()];
  const scale = scales ? between(0.7, 1.4) : 1;
  return {
    spatial: rotates || scales ? { rotation, scale: [flat ? 1 : scale, scale, scale] } : undefined,
    noise: happens(0.1) ? { sigma: between(0, 0.1), seed: random.bits() } : undefined,
    blurSigmaVoxels: happens(0.2)
      ? perSomeChannels((): Axes3 => [between(0.5, 1), between(0.5, 1), between(0.5, 1)])
      : undefined,
    brightness: happens(0.15) ? perChannel(factor(0.75, 1.25)) : undefined,
    contrast: happens(0.15) ? perChannel(factor(0.75, 1.25)) : undefined,
    resolution: happens(0.25)
      ? perSomeChannels((): Axes3 => {
          const part = between(0.5, 1);
          return [flat ? 1 : part, part, part];
        })
      : undefined,
    invertedGamma: happens(0.1) ? perChannel(factor(0.7, 1.5)) : undefined,
    gamma: happens(0.3) ? perChannel(factor(0.7, 1.5)) : undefined,
    mirrorAxes: mirrorAxes.filter(() => happens(0.5)),
    droppedChannels: drawDropped(random, channelDropout),
    previous: previousLabels > 0 ? samplePrevious(random, previousLabels) : undefined,
  };
}

/** Channels to leave out; never all of them: then the one that is left out least often stays. */
function drawDropped(random: Random, channelDropout: readonly number[]): number[] {
  const dropped = channelDropout.map((probability) => random.uniform() < probability);
  if (dropped.every((isDropped) => isDropped)) {
    dropped[channelDropout.indexOf(Math.min(...channelDropout))] = false;
  }
  return dropped.flatMap((isDropped, channel) => (isDropped ? [channel] : []));
}

/** What augmenting has to know about the channels of a patch. */
export interface ChannelUse {
  /** Channels that are not there stay 0. */
  readonly present: readonly boolean[];
  /** Channels that are 0 outside of the non-zero region (`use_mask_for_norm` of the plan). */
  readonly masked: readonly boolean[];
  /** How many labels the first network of a cascade tells apart; each becomes one more channel. */
  readonly previousLabels?: number;
}

/**
 * Applies drawn parameters to a patch of its final shape (the spatial part comes before, see
 * `transformPatch`), in nnU-Net's order. The labels of the result are classes: 0 outside of the
 * non-zero region. The labels of a stage before follow the images as channels of 0 and 1.
 */
export function augment(
  patch: CasePatch,
  shape: Axes3,
  { present, masked, previousLabels = 0 }: ChannelUse,
  parameters: AugmentationParameters,
): { image: Float32Array; labels: Uint8Array } {
  const voxels = voxelsIn(shape);
  const image = patch.image.slice();
  const { noise, blurSigmaVoxels, brightness, contrast, resolution, invertedGamma, gamma } =
    parameters;
  for (const [channel, isThere] of present.entries()) {
    const values = image.subarray(channel * voxels, (channel + 1) * voxels);
    if (!isThere || parameters.droppedChannels.includes(channel)) {
      values.fill(0);
      continue;
    }
    if (noise) addNoiseInPlace(values, noise.sigma, (noise.seed + channel) >>> 0);
    const sigma = blurSigmaVoxels?.[channel];
    if (sigma) blurInPlace(values, shape, sigma);
    if (brightness) brightenInPlace(values, brightness[channel]);
    if (contrast) changeContrastInPlace(values, contrast[channel]);
    const part = resolution?.[channel];
    if (part) lowerResolutionInPlace(values, shape, part);
    if (invertedGamma) changeGammaInPlace(values, invertedGamma[channel], true);
    if (gamma) changeGammaInPlace(values, gamma[channel], false);
    if (masked[channel]) {
      for (let at = 0; at < voxels; at++) if (patch.labels[at] < 0) values[at] = 0;
    }
  }
  const labels = mirrored(patch.labels, 1, shape, parameters.mirrorAxes);
  const whole = new Float32Array(image.length + previousLabels * voxels);
  whole.set(mirrored(image, present.length, shape, parameters.mirrorAxes));
  if (patch.previous) {
    const numbers = Array.from({ length: previousLabels }, (_, index) => index + 1);
    const previous = oneHot(mirrored(patch.previous, 1, shape, parameters.mirrorAxes), numbers);
    if (parameters.previous) changePreviousInPlace(previous, shape, parameters.previous);
    whole.set(previous, image.length);
  }
  return {
    image: whole,
    labels: new Uint8Array(labels.map((label) => Math.max(0, label))),
  };
}
