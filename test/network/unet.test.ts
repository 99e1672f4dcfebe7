import { describe, expect, it } from 'vitest';
import { elementsOf, fastConvolutions, Graph, neededFor } from '../../src/graph/index.js';
import { network, networkPlanOf, usualLayers } from '../../src/network/index.js';
import { runGraph } from '../graph/run-graph.js';
import {
  batchSize,
  goldenBatch,
  goldenNames,
  goldenNetwork,
  goldenWeights,
  relativeError,
} from './golden-networks.js';

/** Two stages of 16 and 32 features. */
function wide(name: string) {
  const kernel = [3, 3, 3];
  const residual = name === 'ResidualEncoderUNet';
  const architecture = {
    network_class_name: `dynamic_network_architectures.architectures.unet.${name}`,
    arch_kwargs: {
      n_stages: 2,
      features_per_stage: [16, 32],
      ...usualLayers,
      kernel_sizes: [kernel, kernel],
      strides: [
        [1, 1, 1],
        [2, 2, 2],
      ],
      [residual ? 'n_blocks_per_stage' : 'n_conv_per_stage']: [2, 2],
      n_conv_per_stage_decoder: [2],
    },
  };
  const inputChannels = 3;
  const plans = { configurations: { wide: { architecture } } };
  return { plan: networkPlanOf(plans, 'wide', { inputChannels, classes: 2 }, name), inputChannels };
}

describe('unet', () => {
  it.each(goldenNames)('gives PyTorch’s logits at every resolution: %s', async (name) => {
    const { plan, patch, weights, tensors } = goldenNetwork(name);
    const g = new Graph();
    const image = g.input('image', [batchSize, 2, ...patch]);
    const logits = network(g, plan, image, (weight, shape) => g.input(weight, shape));
    const feeds = Object.fromEntries([...weights].map(([key, { data }]) => [key, data]));
    const outputs = Object.fromEntries(logits.map((value, level) => [`logits ${level}`, value]));
    const run = await runGraph(outputs, { ...feeds, image: goldenBatch(patch, 0).image });
    const results = await run();
    for (const [level, step] of [5, 1].entries()) {
      const found = results[`logits ${level}`].filter((_, i) => i % step === 0);
      const expected = tensors.get(`logits ${level}`)!.data;
      expect(relativeError(found, expected)).toBeLessThan(1e-4);
      expect(Math.max(...found.map((value, i) => Math.abs(value - expected[i])))).toBeLessThan(
        1e-4,
      );
    }
  });

  it.each(['PlainConvUNet', 'ResidualEncoderUNet'])(
    'gives the same logits as a graph for prediction with its weights inside: %s',
    async (name) => {
      const { plan, inputChannels } = wide(name);
      const weights = goldenWeights(plan);
      const fixed = Object.fromEntries([...weights].map(([key, { data }]) => [key, data]));
      const shape = [1, inputChannels, 16, 16, 24];
      const image = Float32Array.from({ length: elementsOf(shape) }, (_, i) => Math.sin(i * i));
      const g = new Graph();
      const input = g.input('image', shape);
      const weight = (key: string, of: readonly number[]) => g.input(key, of);
      const expected = network(g, plan, input, weight)[0];
      const found = network(fastConvolutions(g), plan, input, weight, 'prediction')[0];
      const taps = neededFor([found]).flatMap(({ source }) =>
        source.kind === 'operator' && source.operator === 'Conv'
          ? [String(source.attributes.kernel_shape)]
          : [],
      );
      // The decoder's first convolution, and those that keep the shape, are of other kernels.
      expect(taps).toEqual(expect.arrayContaining(['2,2,2', '3,3']));
      const results = await (await runGraph({ expected, found }, { image }, fixed))();
      expect(relativeError(results.found, results.expected)).toBeLessThan(1e-5);
    },
  );

  it('refuses a patch that the strides do not divide, and other channels', () => {
    const { plan } = goldenNetwork('plain-isotropic');
    const build = (shape: number[]) => () => {
      const g = new Graph();
      network(g, plan, g.input('image', shape), (name, of) => g.input(name, of));
    };
    expect(build([1, 2, 8, 8, 10])).toThrow('divisible by 4,4,4');
    expect(build([1, 1, 8, 8, 8])).toThrow('2 channels');
  });
});
