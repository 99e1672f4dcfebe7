import { afterAll, describe, expect, it } from 'vitest';
import { Graph, gradients } from '../../src/graph/index.js';
import { Engine, network } from '../../src/network/index.js';
import { deepLoss, deepSupervisionWeights } from '../../src/train/loss.js';
import { polynomialDecay } from '../../src/train/schedule.js';
import { initialState, loadTrainer } from '../../src/train/step.js';
import {
  batchSize,
  goldenBatch,
  goldenNames,
  goldenNetwork,
  relativeError,
} from '../network/golden-networks.js';

const levelWeights = [2 / 3, 1 / 3];
const engine = new Engine({ device: 'cpu', threads: 1 });
afterAll(() => engine.close());

const inputOf = ({ patch }: { patch: readonly [number, number, number] }, step: number) =>
  goldenBatch(patch, step);

describe('the training step', () => {
  it.each(goldenNames)('has PyTorch’s gradients: %s', async (name) => {
    const golden = goldenNetwork(name);
    const { plan, patch, weights, tensors } = golden;
    const g = new Graph();
    const labels = g.input('labels', [batchSize, 1, ...patch], 'uint8');
    const image = g.input('image', [batchSize, 2, ...patch]);
    const logits = network(g, plan, image, (key, shape) => g.input(key, shape));
    const settings = { name: golden.loss, batchDice: golden.batch_dice };
    const loss = deepLoss(g, settings, logits, labels, levelWeights);
    const names = [...weights.keys()];
    const found = gradients(
      g,
      loss,
      names.map((key) => g.input(key, weights.get(key)!.shape)),
    );
    const session = await engine.load(
      { loss, ...Object.fromEntries(names.map((key, i) => [`gradient ${key}`, found[i]!])) },
      Object.fromEntries(weights),
    );
    const batch = inputOf(golden, 0);
    const results = await session.run(
      {
        image: { shape: image.shape, data: batch.image },
        labels: { shape: labels.shape, data: batch.labels },
      },
      ['loss', ...names.map((key) => `gradient ${key}`)],
    );
    await session.release();
    expect(Math.abs(results.loss.data[0] - golden.losses[0])).toBeLessThan(1e-5);
    // A bias before a normalisation has no gradient but rounding: judged by the size of the others.
    const largest = Math.max(
      ...names.map((key) => Math.hypot(...tensors.get(`gradient ${key}`)!.data)),
    );
    const errors = names.map((key) =>
      relativeError(
        results[`gradient ${key}`].data,
        tensors.get(`gradient ${key}`)!.data,
        largest * 1e-3,
      ),
    );
    expect(Math.max(...errors)).toBeLessThan(1e-4);
  });

  it.each(goldenNames)('has PyTorch’s losses and weights after five steps: %s', async (name) => {
    const golden = goldenNetwork(name);
    const trainer = await loadTrainer(
      engine,
      golden.plan,
      {
        batchSize,
        patchShape: golden.patch,
        loss: { name: golden.loss, batchDice: golden.batch_dice },
        levelWeights,
        optimiser: golden.optimiser,
        weightDecay: golden.optimiser === 'sgd' ? 3e-5 : 0.01,
        clipNorm: golden.clip,
      },
      initialState(golden.weights, golden),
    );
    const losses: number[] = [];
    for (let step = 0; step < 5; step++) {
      const learningRate = 0.01 * polynomialDecay(step, 10);
      losses.push(await trainer.step(inputOf(golden, step), step, learningRate));
    }
    expect(relativeError(losses, golden.losses)).toBeLessThan(1e-4);
    const state = await trainer.readState();
    // A bias before a normalisation changes nothing: its gradient is rounding, in PyTorch's double
    // precision too, and AdamW makes full steps of it.
    const isDefined = (key: string) => golden.optimiser === 'sgd' || !key.endsWith('conv.bias');
    const errors = [...golden.weights.keys()]
      .filter(isDefined)
      .map((key) => relativeError(state[key].data, golden.tensors.get(`trained ${key}`)!.data));
    expect(Math.max(...errors)).toBeLessThan(1e-4);
  });
});

describe('deepSupervisionWeights', () => {
  it('are halved with each resolution, leave the coarsest out and sum to 1', () => {
    expect(deepSupervisionWeights(1)).toEqual([1]);
    expect(deepSupervisionWeights(3)).toEqual([2 / 3, 1 / 3, 0]);
    expect(deepSupervisionWeights(5).reduce((a, b) => a + b)).toBeCloseTo(1, 12);
  });
});

describe('a loss that weighs voxels', () => {
  const shape = [1, 2, 2, 2, 4];
  const logits = Float32Array.from({ length: 32 }, (_, i) => Math.sin(3 * i));
  const labels = Uint8Array.from({ length: 16 }, (_, i) => Number(i % 3 === 0));
  const lossWith = async (voxelWeights?: Float32Array) => {
    const g = new Graph();
    const labelShape = [1, 1, 2, 2, 4];
    const settings = {
      name: 'dice-and-cross-entropy',
      batchDice: true,
      crossEntropyWeight: 10,
    } as const;
    const weights = voxelWeights && g.input('voxel weights', labelShape);
    const loss = deepLoss(
      g,
      settings,
      [g.input('logits', shape)],
      g.input('labels', labelShape, 'uint8'),
      [1],
      weights,
    );
    const session = await engine.load({ loss }, {});
    const results = await session.run(
      {
        logits: { shape, data: logits },
        labels: { shape: labelShape, data: labels },
        ...(voxelWeights && { 'voxel weights': { shape: labelShape, data: voxelWeights } }),
      },
      ['loss'],
    );
    await session.release();
    return results.loss.data[0];
  };
  const crossEntropyAt = (at: number) => {
    const [background, lesion] = [logits[at], logits[16 + at]];
    return Math.log(Math.exp(background) + Math.exp(lesion)) - (labels[at] ? lesion : background);
  };

  it('adds for each voxel what its weight is above 1', async () => {
    const weights = Float32Array.from({ length: 16 }, (_, at) => 1 + (at % 4));
    const added = weights.reduce((sum, weight, at) => sum + (weight - 1) * crossEntropyAt(at), 0);
    expect((await lossWith(weights)) - (await lossWith())).toBeCloseTo((10 * added) / 16, 4);
  });

  it('is the plain loss where all weights are 1', async () => {
    expect(await lossWith(new Float32Array(16).fill(1))).toBeCloseTo(await lossWith(), 6);
  });

  it('refuses a batch without weights', async () => {
    const golden = goldenNetwork(goldenNames[0]);
    const trainer = await loadTrainer(
      engine,
      golden.plan,
      {
        batchSize,
        patchShape: golden.patch,
        loss: { name: golden.loss, batchDice: golden.batch_dice, weighsVoxels: true },
        levelWeights,
        optimiser: golden.optimiser,
        weightDecay: 0,
        clipNorm: golden.clip,
      },
      initialState(golden.weights, golden),
    );
    await expect(trainer.step(inputOf(golden, 0), 0, 0.01)).rejects.toThrow(/no weights/);
  });
});
