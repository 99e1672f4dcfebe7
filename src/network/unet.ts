import { add, concat, type Emitter, Graph, upsample, type Value } from '../graph/index.js';
import { type Axes3, divisorOf, type NetworkPlan } from './network-plan.js';

/** Gives the value that holds a weight; called once for each weight, in the order of the layers. */
export type WeightSource = (name: string, shape: readonly number[]) => Value;

/** PyTorch's default, which nnU-Net uses. */
export const leakySlope = 0.01;

/**
 * nnU-Net v2's PlainConvUNet or ResidualEncoderUNet (dynamic-network-architectures; the residual
 * block is that of ResNet-D, He et al. 2019, arXiv 1812.01187). Weights have PyTorch's names and
 * shapes, so that a state dictionary fits.
 * @param image [batch, inputChannels, ...patch], the patch divisible by {@link divisorOf}
 * @returns logits [batch, classes, ...] of every resolution of the decoder, the full one first
 * @throws RangeError for an image of another shape.
 */
export function unet(g: Emitter, plan: NetworkPlan, image: Value, weight: WeightSource): Value[] {
  const divisor = divisorOf(plan);
  const fits = divisor.every((n, axis) => image.shape[2 + axis] % n === 0);
  if (image.shape.length !== 5 || image.shape[1] !== plan.inputChannels || !fits) {
    throw new RangeError(
      `image [${image.shape}]: expected ${plan.inputChannels} channels, and edges divisible by ${divisor}`,
    );
  }
  const layers = layersOf(g, plan, weight);
  const skips = encode(plan, image, layers);
  const logits: Value[] = [];
  let below = skips.at(-1)!;
  for (let step = 0; step < plan.decoderConvolutions.length; step++) {
    const stage = plan.features.length - 2 - step;
    const up = layers.upsampled(below, stage, `decoder.transpconvs.${step}`);
    below = concat(g, [up, skips[stage]], 1);
    for (let i = 0; i < plan.decoderConvolutions[step]; i++) {
      const name = `decoder.stages.${step}.convs.${i}`;
      below = layers.active(layers.normalized(below, stage, one, name));
    }
    logits.push(layers.classify(below, `decoder.seg_layers.${step}`));
  }
  return logits.reverse();
}

const one: Axes3 = [1, 1, 1];

/** The features of each stage. */
function encode(plan: NetworkPlan, image: Value, layers: Layers): Value[] {
  const skips: Value[] = [];
  let x = image;
  if (plan.kind === 'residual') {
    x = layers.active(layers.normalized(x, 0, one, 'encoder.stem.convs.0'));
  }
  for (const [stage, count] of plan.encoderBlocks.entries()) {
    for (let i = 0; i < count; i++) {
      const stride = i === 0 ? plan.strides[stage] : one;
      x =
        plan.kind === 'residual'
          ? layers.residual(x, stage, stride, `encoder.stages.${stage}.blocks.${i}`)
          : layers.active(
              layers.normalized(x, stage, stride, `encoder.stages.${stage}.0.convs.${i}`),
            );
    }
    skips.push(x);
  }
  return skips;
}

type Layers = ReturnType<typeof layersOf>;

function layersOf(g: Emitter, plan: NetworkPlan, weight: WeightSource) {
  const convolution = (
    x: Value,
    outputs: number,
    kernel: Axes3,
    strides: Axes3,
    name: string,
    bias: boolean,
  ) => {
    const inputs = [x, weight(`${name}.weight`, [outputs, x.shape[1], ...kernel])];
    if (bias) inputs.push(weight(`${name}.bias`, [outputs]));
    const margin = kernel.map((n) => (n - 1) / 2);
    return g.op('Conv', inputs, { kernel_shape: kernel, strides, pads: [...margin, ...margin] });
  };
  const normalization = (x: Value, name: string) => {
    const channels = [x.shape[1]];
    return g.op(
      'InstanceNormalization',
      [x, weight(`${name}.weight`, channels), weight(`${name}.bias`, channels)],
      { epsilon: plan.normEpsilon },
    );
  };
  const active = (x: Value) => g.op('LeakyRelu', [x], { alpha: leakySlope });
  const normalized = (x: Value, stage: number, strides: Axes3, name: string) =>
    normalization(
      convolution(
        x,
        plan.features[stage],
        plan.kernels[stage],
        strides,
        `${name}.conv`,
        plan.convolutionBias,
      ),
      `${name}.norm`,
    );
  const residual = (x: Value, stage: number, strides: Axes3, name: string) => {
    const first = active(normalized(x, stage, strides, `${name}.conv1`));
    const second = normalized(first, stage, one, `${name}.conv2`);
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
  /** To the resolution of a stage. */
  const upsampled = (x: Value, stage: number, name: string) => {
    const outputs = plan.features[stage];
    const shape = [x.shape[1], outputs, ...plan.strides[stage + 1]];
    const bias = plan.convolutionBias ? [outputs] : undefined;
    return upsample(g, x, weight(`${name}.weight`, shape), bias && weight(`${name}.bias`, bias));
  };
  const classify = (x: Value, name: string) => convolution(x, plan.classes, one, one, name, true);
  return { active, normalized, residual, upsampled, classify };
}

/** Shapes of all weights by name, in the order of the layers. */
export function weightShapes(plan: NetworkPlan): Map<string, readonly number[]> {
  const g = new Graph();
  const shapes = new Map<string, readonly number[]>();
  const image = g.input('image', [1, plan.inputChannels, ...divisorOf(plan)]);
  unet(g, plan, image, (name, shape) => {
    shapes.set(name, shape);
    return g.input(name, shape);
  });
  return shapes;
}
