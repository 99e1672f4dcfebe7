import {
  add,
  canConvolveUpsampled,
  concat,
  convolveUpsampled,
  type Emitter,
  upsample,
  type Value,
} from '../graph/index.js';
import type { Axes3 } from '../volume/arrays.js';
import { activate, normalize } from './layer-kinds.js';
import type { UnetPlan } from './network-plan.js';
import type { WeightSource } from './weight-source.js';

/** What a graph is for: prediction leaves out detours that only a gradient needs. */
export type Purpose = 'training' | 'prediction';

/** Where an architecture keeps its weights, and which of them it has. */
interface Naming {
  /** Convolution `i` of `count` in a level of the encoder. */
  encoder(stage: number, i: number, count: number, stages: number): string;
  /** In a step of the decoder, the coarsest first. */
  decoder(step: number, i: number, count: number): string;
  upsampling(step: number): string;
  classifier(step: number): string;
  readonly norm: string;
  /** Whether upsampling has biases where convolutions have. */
  readonly upsamplingBias: boolean;
}

const version2: Naming = {
  encoder: (stage, i) => `encoder.stages.${stage}.0.convs.${i}`,
  decoder: (step, i) => `decoder.stages.${step}.convs.${i}`,
  upsampling: (step) => `decoder.transpconvs.${step}`,
  classifier: (step) => `decoder.seg_layers.${step}`,
  norm: 'norm',
  upsamplingBias: true,
};

/** In version 1 the last convolution at the bottom and in each step of the decoder stands apart. */
const lastApart = (i: number, count: number) => (i === count - 1 ? '1.blocks.0' : `0.blocks.${i}`);
const version1: Naming = {
  encoder: (stage, i, count, stages) =>
    `conv_blocks_context.${stage}.${stage === stages - 1 ? lastApart(i, count) : `blocks.${i}`}`,
  decoder: (step, i, count) => `conv_blocks_localization.${step}.${lastApart(i, count)}`,
  upsampling: (step) => `tu.${step}`,
  classifier: (step) => `seg_outputs.${step}`,
  norm: 'instnorm',
  upsamplingBias: false,
};
const namingOf = ({ kind }: UnetPlan) => (kind === 'generic' ? version1 : version2);

/**
 * nnU-Net v2's PlainConvUNet or ResidualEncoderUNet (dynamic-network-architectures; the residual
 * block is that of ResNet-D, He et al. 2019, arXiv 1812.01187), or nnU-Net v1's Generic_UNet, whose
 * decoder has the kernels of the stage below. Weights have PyTorch's names and shapes, so that a
 * state dictionary fits.
 * @param image [batch, inputChannels, ...patch], the patch divisible by {@link divisorOf}
 * @returns logits [batch, classes, ...] of every resolution of the decoder, the full one first
 */
export function unet(
  g: Emitter,
  plan: UnetPlan,
  image: Value,
  weight: WeightSource,
  purpose: Purpose,
): Value[] {
  const naming = namingOf(plan);
  const layers = layersOf(g, plan, naming, weight, purpose);
  const skips = encode(plan, naming, image, layers);
  const logits: Value[] = [];
  let below = skips.at(-1)!;
  for (let step = 0; step < plan.decoderConvolutions.length; step++) {
    const stage = plan.features.length - 2 - step;
    const kernel = plan.kernels[plan.kind === 'generic' ? stage + 1 : stage];
    const count = plan.decoderConvolutions[step];
    const name = (i: number) => naming.decoder(step, i, count);
    below = layers.joined(below, skips[stage], stage, kernel, naming.upsampling(step), name(0));
    for (let i = 1; i < count; i++) {
      below = layers.layer(below, stage, kernel, one, name(i));
    }
    logits.push(layers.classify(below, naming.classifier(step)));
  }
  return logits.reverse();
}

const one: Axes3 = [1, 1, 1];

/** The features of each stage. */
function encode(plan: UnetPlan, naming: Naming, image: Value, layers: Layers): Value[] {
  const skips: Value[] = [];
  let x = image;
  if (plan.kind === 'residual') {
    x = layers.layer(x, 0, plan.kernels[0], one, 'encoder.stem.convs.0');
  }
  for (const [stage, count] of plan.encoderBlocks.entries()) {
    for (let i = 0; i < count; i++) {
      const stride = i === 0 ? plan.strides[stage] : one;
      if (plan.kind === 'residual') {
        x = layers.residual(x, stage, stride, `encoder.stages.${stage}.blocks.${i}`);
      } else {
        const name = naming.encoder(stage, i, count, plan.features.length);
        x = layers.layer(x, stage, plan.kernels[stage], stride, name);
      }
    }
    skips.push(x);
  }
  return skips;
}

type Layers = ReturnType<typeof layersOf>;

/** Convolution, normalisation and activation, with the weights that they ask for. */
function simpleLayersOf(g: Emitter, plan: UnetPlan, naming: Naming, weight: WeightSource) {
  const weightAndBias = (
    name: string,
    shape: readonly number[],
    outputs: number,
    bias: boolean,
  ): Value[] => [
    weight(`${name}.weight`, shape),
    ...(bias ? [weight(`${name}.bias`, [outputs])] : []),
  ];
  const convolution = (
    x: Value,
    outputs: number,
    kernel: Axes3,
    strides: Axes3,
    name: string,
    bias: boolean,
  ) => {
    const inputs = [x, ...weightAndBias(name, [outputs, x.shape[1], ...kernel], outputs, bias)];
    const margin = kernel.map((n) => (n - 1) / 2);
    return g.op('Conv', inputs, { kernel_shape: kernel, strides, pads: [...margin, ...margin] });
  };
  const { norm, activation, activationFirst } = plan.layers;
  const normalization = (x: Value, name: string) => normalize(g, x, norm, name, weight);
  const active = (x: Value) => activate(g, x, activation);
  /** What follows a convolution. */
  const finished = (x: Value, name: string) =>
    activationFirst ? normalization(active(x), name) : active(normalization(x, name));
  const convolved = (x: Value, stage: number, kernel: Axes3, strides: Axes3, name: string) =>
    convolution(x, plan.features[stage], kernel, strides, `${name}.conv`, plan.convolutionBias);
  /** A convolution with what follows it. */
  const layer = (x: Value, stage: number, kernel: Axes3, strides: Axes3, name: string) =>
    finished(convolved(x, stage, kernel, strides, name), `${name}.${naming.norm}`);
  return { weightAndBias, convolution, convolved, normalization, active, finished, layer };
}

function layersOf(
  g: Emitter,
  plan: UnetPlan,
  naming: Naming,
  weight: WeightSource,
  purpose: Purpose,
) {
  const simple = simpleLayersOf(g, plan, naming, weight);
  const { weightAndBias, convolution, convolved, normalization, active, finished, layer } = simple;
  const residual = (x: Value, stage: number, strides: Axes3, name: string) => {
    const kernel = plan.kernels[stage];
    const first = layer(x, stage, kernel, strides, `${name}.conv1`);
    const second = normalization(
      convolved(first, stage, kernel, one, `${name}.conv2`),
      `${name}.conv2.${naming.norm}`,
    );
    const isStrided = strides.some((n) => n !== 1);
    let skip = isStrided
      ? g.op('AveragePool', [x], { kernel_shape: strides, strides, pads: [0, 0, 0, 0, 0, 0] })
      : x;
    if (x.shape[1] !== plan.features[stage]) {
      const projection = `${name}.skip.${isStrided ? 1 : 0}`;
      skip = normalization(
        convolution(skip, plan.features[stage], one, one, `${projection}.conv`, false),
        `${projection}.norm`,
      );
    }
    return active(add(g, second, skip));
  };
  /** The first layer of a step of the decoder: upsampled, joined with the skip, convolved. */
  const joined = (
    x: Value,
    skip: Value,
    stage: number,
    kernel: Axes3,
    upsampling: string,
    name: string,
  ) => {
    const outputs = plan.features[stage];
    const strides = plan.strides[stage + 1];
    const upShape = [x.shape[1], outputs, ...strides];
    const upBias = plan.convolutionBias && naming.upsamplingBias;
    const up = weightAndBias(upsampling, upShape, outputs, upBias);
    if (purpose === 'prediction' && canConvolveUpsampled(x, kernel, strides)) {
      const shape = [outputs, outputs + skip.shape[1], ...kernel];
      const operands = weightAndBias(`${name}.conv`, shape, outputs, plan.convolutionBias);
      return finished(convolveUpsampled(g, x, up, skip, operands), `${name}.${naming.norm}`);
    }
    const both = concat(g, [upsample(g, x, up[0], up[1]), skip], 1);
    return layer(both, stage, kernel, one, name);
  };
  const classify = (x: Value, name: string) =>
    convolution(x, plan.classes, one, one, name, plan.classifierBias);
  return { layer, residual, joined, classify };
}
