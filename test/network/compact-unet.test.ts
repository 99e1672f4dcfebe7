import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { parseSafetensors } from '../../src/formats/safetensors.js';
import { Graph } from '../../src/graph/index.js';
import { type CompactUnetPlan, Engine, network } from '../../src/network/index.js';
import { weightsOfState } from '../../src/train/checkpoint.js';
import { polynomialDecay } from '../../src/train/schedule.js';
import { initialState, loadTrainer, type StepSettings } from '../../src/train/step.js';
import { runGraph } from '../graph/run-graph.js';
import { batchSize, goldenBatch, goldenWeights, relativeError } from './golden-networks.js';

const plain: CompactUnetPlan = {
  kind: 'compact',
  inputChannels: 2,
  classes: 3,
  features: [3, 4],
  normEpsilon: 1e-5,
};
const patch = [8, 12, 8] as const;
const cases = [
  { name: 'compact', plan: plain },
  { name: 'compact-fine', plan: { ...plain, fineFeatures: 5 } },
].map(({ name, plan }) => {
  const file = new URL(`../goldens/network/${name}.safetensors`, import.meta.url);
  const { tensors } = parseSafetensors(readFileSync(file), name);
  return { name, plan, tensors, weights: goldenWeights(plan) };
});
const engine = new Engine({ device: 'cpu', threads: 1 });
afterAll(() => engine.close());

describe.each(cases)('the $name network', ({ plan, tensors, weights }) => {
  it('gives PyTorch’s logits', async () => {
    const g = new Graph();
    const image = g.input('image', [batchSize, 2, ...patch]);
    const [logits] = network(g, plan, image, (name, shape) => g.input(name, shape));
    const feeds = Object.fromEntries([...weights].map(([name, { data }]) => [name, data]));
    const run = await runGraph({ logits }, { ...feeds, image: goldenBatch(patch, 0).image });
    const { logits: found } = await run();
    expect(relativeError(found, tensors.get('logits')!.data)).toBeLessThan(1e-5);
  });

  it('has PyTorch’s losses and averaged weights after five steps', async () => {
    const settings: StepSettings = {
      batchSize,
      patchShape: patch,
      loss: {
        name: 'dice-and-cross-entropy',
        batchDice: true,
        smoothVoxels: 20,
        crossEntropyWeight: 10,
      },
      levelWeights: [1],
      optimiser: 'adamw',
      weightDecay: 0.01,
      clipNorm: 0.5,
      averageDecay: 0.9,
    };
    const trainer = await loadTrainer(engine, plan, settings, initialState(weights, settings));
    const losses: number[] = [];
    for (let step = 0; step < 5; step++) {
      const rate = 0.01 * polynomialDecay(step, 10);
      losses.push(await trainer.step(goldenBatch(patch, step), step, rate));
    }
    expect(relativeError(losses, tensors.get('losses')!.data)).toBeLessThan(1e-5);
    const averages = weightsOfState(plan, await trainer.readState());
    const errors = [...averages].map(([name, { data }]) =>
      relativeError(data, tensors.get(`average ${name}`)!.data),
    );
    expect(Math.max(...errors)).toBeLessThan(1e-4);
  });

  it('refuses a patch that it cannot halve often enough', () => {
    const g = new Graph();
    const build = () =>
      network(g, plan, g.input('image', [1, 2, 8, 10, 8]), (name, shape) => g.input(name, shape));
    expect(build).toThrow('divisible by 4,4,4');
  });
});
