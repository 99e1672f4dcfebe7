import { add, type Emitter, upsample, type Value } from '../graph/index.js';
import { leakySlope } from './layer-kinds.js';
import type { CompactUnetPlan } from './network-plan.js';
import type { WeightSource } from './weight-source.js';

const doubling = [2, 2, 2] as const;

/**
 * A U-Net that takes blocks of 2 x 2 x 2 voxels as its first features and gives them back as its last:
 * all of its work happens at half of the image's resolution and below, where a convolution costs an
 * eighth. Residual blocks in the encoder, one convolution for each step of a decoder that adds what
 * the encoder saw, another residual block at the finest resolution. With `fineFeatures` a light branch
 * at full resolution corrects its logits: one convolution of the image, one of its sum with what the
 * decoder found.
 * @param image [batch, inputChannels, ...patch], edges divisible by 2 for each entry of `features`
 * @returns logits [batch, classes, ...patch]
 */
export function compactUnet(
  g: Emitter,
  plan: CompactUnetPlan,
  image: Value,
  weight: WeightSource,
): Value {
  const { features } = plan;
  const convolution = (x: Value, outputs: number, edge: 1 | 2 | 3, name: string) => {
    const kernel = [edge, edge, edge];
    const pads = Array<number>(6).fill(edge === 3 ? 1 : 0);
    const operands = [
      x,
      weight(`${name}.weight`, [outputs, x.shape[1], ...kernel]),
      weight(`${name}.bias`, [outputs]),
    ];
    const strides = edge === 2 ? doubling : [1, 1, 1];
    return g.op('Conv', operands, { kernel_shape: kernel, strides, pads });
  };
  const normalized = (x: Value, name: string) => {
    const channels = x.shape[1];
    // What a norm follows needs no bias: the norm takes it out.
    const operands = [x, weight(`${name}.conv.weight`, [channels, channels, 3, 3, 3])];
    const convolved = g.op('Conv', operands, {
      kernel_shape: [3, 3, 3],
      strides: [1, 1, 1],
      pads: [1, 1, 1, 1, 1, 1],
    });
    const scales = ['weight', 'bias'].map((part) => weight(`${name}.norm.${part}`, [channels]));
    return g.op('InstanceNormalization', [convolved, ...scales], { epsilon: plan.normEpsilon });
  };
  const active = (x: Value) => g.op('LeakyRelu', [x], { alpha: leakySlope });
  const residual = (x: Value, name: string) => {
    const first = active(normalized(x, `${name}.conv1`));
    return active(add(g, normalized(first, `${name}.conv2`), x));
  };
  const upsampled = (x: Value, outputs: number, name: string) =>
    upsample(
      g,
      x,
      weight(`${name}.weight`, [x.shape[1], outputs, ...doubling]),
      weight(`${name}.bias`, [outputs]),
    );

  const skips: Value[] = [];
  let x = convolution(image, features[0], 2, 'stem');
  for (let stage = 0; stage < features.length; stage++) {
    if (stage > 0) x = convolution(x, features[stage], 2, `encoder.${stage}.down`);
    x = residual(x, `encoder.${stage}.blocks.0`);
    skips.push(x);
  }
  for (let stage = features.length - 2; stage >= 0; stage--) {
    x = add(g, upsampled(x, features[stage], `decoder.${stage}.up`), skips[stage]);
    x = active(normalized(x, `decoder.${stage}.conv`));
  }
  x = residual(x, 'decoder.0.blocks.0');
  const logits = upsampled(x, plan.classes, 'head');
  if (!plan.fineFeatures) return logits;
  const seen = add(
    g,
    convolution(image, plan.fineFeatures, 3, 'fine.stem'),
    upsampled(x, plan.fineFeatures, 'fine.up'),
  );
  const fine = active(normalized(active(seen), 'fine.conv'));
  return add(g, logits, convolution(fine, plan.classes, 1, 'fine.head'));
}
