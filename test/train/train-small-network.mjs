// Trains a small network in a process that a test can kill:
//   node train-small-network.mjs FOLDER start|resume
import { join } from 'node:path';
import { Engine, initialWeights } from '../../dist/network/index.js';
import { trainNetwork } from '../../dist/train/loop.js';
import { seededRandom } from '../../dist/volume/random.js';

const [folder, mode] = process.argv.slice(2);
const patchShape = [8, 8, 8];
const plan = {
  kind: 'plain',
  inputChannels: 1,
  classes: 2,
  features: [4, 8],
  kernels: [
    [3, 3, 3],
    [3, 3, 3],
  ],
  strides: [
    [1, 1, 1],
    [2, 2, 2],
  ],
  encoderBlocks: [1, 1],
  decoderConvolutions: [1],
  convolutionBias: true,
  classifierBias: true,
  layers: {
    norm: { kind: 'instance', epsilon: 1e-5 },
    activation: { kind: 'leaky-relu', slope: 0.01 },
    activationFirst: false,
  },
};

function batches(firstBatch) {
  let index = firstBatch;
  return {
    async nextBatch() {
      const random = seededRandom(index++);
      const image = Float32Array.from({ length: 2 * 512 }, () => random.normal());
      return { image, labels: Uint8Array.from(image, (value) => (value > 1 ? 1 : 0)) };
    },
  };
}

const engine = new Engine({ device: 'cpu', threads: 2 });
await trainNetwork(engine, {
  plan,
  step: {
    batchSize: 2,
    patchShape,
    loss: { name: 'dice-and-cross-entropy', batchDice: false },
    levelWeights: [1],
    optimiser: 'sgd',
    weightDecay: 3e-5,
    clipNorm: 12,
  },
  settings: {
    epochs: 40,
    stepsPerEpoch: 5,
    validationSteps: 1,
    learningRate: 0.01,
    epochsPerCheckpoint: 1,
  },
  initialWeights: initialWeights(plan, seededRandom(7)),
  batches,
  validationBatches: batches,
  checkpointFile: join(folder, 'checkpoint.safetensors'),
  logFile: join(folder, 'log.jsonl'),
  resume: mode === 'resume',
  onStep: (done) => console.log(done),
});
await engine.close();
