import { describe, expect, it } from 'vitest';
import { Graph } from '../../src/graph/index.js';
import { network } from '../../src/network/index.js';
import { runGraph } from '../graph/run-graph.js';
import {
  batchSize,
  goldenBatch,
  goldenNames,
  goldenNetwork,
  relativeError,
} from './golden-networks.js';

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
