import { DawsonError } from '../errors.js';
import type { LesionRule } from '../model/lesion-rule.js';
import type { ImagePlan } from '../model/nnunet-plans.js';
import { initialWeights, type NetworkPlan, type Weights } from '../network/index.js';
import type { Random } from '../volume/random.js';

/** A trained network to start from. */
export interface Pretrained {
  readonly weights: Weights;
  readonly network: NetworkPlan;
  /** Names of all that it takes: {@link inputNames}. */
  readonly channelNames: readonly string[];
  /** By which its probabilities become lesions. */
  readonly rule?: LesionRule;
}

/** With the plans that say how its images were prepared (the fields of nnU-Net's `plans.json`). */
export interface PretrainedModel extends Pretrained {
  readonly plans: unknown;
}

/**
 * Names of what a network takes: the images, and in the second network of a cascade the labels from 1 on
 * that the first one found.
 */
export const inputNames = (
  channelNames: readonly string[],
  { takesLabels }: Pick<ImagePlan, 'takesLabels'>,
  labels: number,
): readonly string[] => [
  ...channelNames,
  ...Array.from({ length: takesLabels ? labels : 0 }, (_, index) => `label ${index + 1} before`),
];

/**
 * Weights to start a training from. Without a trained network: fresh ones. With one, its own, wherever
 * the shapes are the same. Of its first convolution each channel keeps the weights of the channel of the
 * same name (in any case); a channel that it did not have starts at 0, so that the network begins as it
 * was. Outputs for other classes start fresh.
 * @throws DawsonError `inputs-conflict` where the networks differ in more than channels and classes.
 */
export function startingWeights(
  network: NetworkPlan,
  channelNames: readonly string[],
  random: Random,
  pretrained?: Pretrained,
): Weights {
  const fresh = initialWeights(network, random);
  if (!pretrained) return fresh;
  const known = pretrained.channelNames.map((name) => name.toLowerCase());
  const from = channelNames.map((name) => known.indexOf(name.toLowerCase()));
  const sameClasses = pretrained.network.classes === network.classes;
  return new Map(
    [...fresh].map(([name, { shape, data }]) => {
      const trained = pretrained.weights.get(name);
      // A branch at full resolution that it did not have starts with no say.
      if (!trained && /^fine\./.test(name)) return [name, { shape, data }];
      if (!trained) throw differs(name, shape, undefined);
      const takesImages =
        shape.length === 5 &&
        shape[1] === channelNames.length &&
        trained.shape[1] === known.length &&
        isFirstConvolution(name);
      if (takesImages && shape[0] === trained.shape[0]) {
        return [name, { shape, data: columnsOf(trained.data, shape, known.length, from) }];
      }
      if (String(shape) === String(trained.shape)) return [name, trained];
      if (!sameClasses && (shape[0] === network.classes || /^head\./.test(name))) {
        return [name, { shape, data }];
      }
      throw differs(name, shape, trained.shape);
    }),
  );
}

/** In the names of PlainConvUNet, ResidualEncoderUNet, Generic_UNet and the compact network. */
const isFirstConvolution = (name: string) =>
  /^((fine\.)?stem|(encoder\.stem\.convs\.0|encoder\.stages\.0\.0\.convs\.0|conv_blocks_context\.0\.blocks\.0)\.conv)\.weight$/.test(
    name,
  );

function columnsOf(
  trained: Float32Array,
  shape: readonly number[],
  trainedChannels: number,
  from: readonly number[],
): Float32Array {
  const taps = shape.slice(2).reduce((product, n) => product * n, 1);
  const data = new Float32Array(shape[0] * from.length * taps);
  for (let output = 0; output < shape[0]; output++) {
    for (const [channel, source] of from.entries()) {
      if (source < 0) continue;
      const start = (output * trainedChannels + source) * taps;
      data.set(trained.subarray(start, start + taps), (output * from.length + channel) * taps);
    }
  }
  return data;
}

const differs = (name: string, wanted: readonly number[], found?: readonly number[]) =>
  new DawsonError('inputs-conflict', {
    expected: `a network to start from with ${name} of shape [${wanted}]`,
    found: found ? `[${found}]` : 'none',
    advice: 'Fine-tune a model of the same architecture; only channels and classes may differ.',
  });
