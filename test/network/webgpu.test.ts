import { expect, it } from 'vitest';
import { DawsonError } from '../../src/errors.js';
import { type Device, Engine } from '../../src/network/index.js';
import { initialState, loadTrainer } from '../../src/train/step.js';
import { batchSize, goldenBatch, goldenNetwork, relativeError } from './golden-networks.js';

/** Two training steps of a small network, and what it says about a third batch. */
async function train(device: Device) {
  const { plan, weights, patch, loss, batch_dice: batchDice } = goldenNetwork('plain-isotropic');
  const engine = new Engine({ device, threads: 1 });
  try {
    const settings = {
      batchSize,
      patchShape: patch,
      loss: { name: loss, batchDice },
      levelWeights: [2 / 3, 1 / 3],
      optimiser: 'sgd',
      weightDecay: 3e-5,
      clipNorm: 12,
    } as const;
    const trainer = await loadTrainer(
      engine,
      plan,
      settings,
      initialState(weights, { optimiser: 'sgd' }),
    );
    const losses = [];
    for (let step = 0; step < 2; step++) {
      losses.push(await trainer.step(goldenBatch(patch, step), step, 0.01));
    }
    const validation = await trainer.validate(goldenBatch(patch, 2));
    return { losses, validation, state: await trainer.readState() };
  } finally {
    await engine.close();
  }
}

it('a WebGPU adapter trains and predicts like the CPU; where there is none, Dawson says what to do', async () => {
  const cpu = await train('cpu');
  const gpu = await train('webgpu').catch((error: unknown) => {
    if (error instanceof DawsonError) return error;
    throw error;
  });
  if (gpu instanceof DawsonError) {
    expect(gpu).toMatchObject({
      code: 'missing-on-machine',
      advice: expect.stringContaining('graphics driver'),
    });
    return;
  }
  expect(relativeError(gpu.losses, cpu.losses)).toBeLessThan(1e-5);
  expect(relativeError([gpu.validation.loss], [cpu.validation.loss])).toBeLessThan(1e-5);
  // A bias before a normalisation has no gradient but rounding.
  const errors = Object.keys(cpu.state)
    .filter((name) => !name.endsWith('conv.bias'))
    .map((name) => relativeError(gpu.state[name].data, cpu.state[name].data, 1e-6));
  expect(Math.max(...errors)).toBeLessThan(1e-4);
});
