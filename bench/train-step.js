// Time and memory of a training step (forward, Dice and cross-entropy, backward, clipping, Nesterov)
// of nnU-Net's PlainConvUNet with 16, 32, 64 and 128 features, batch 1, beside PyTorch on the same
// network:
//
//   npm run bench -- train-step [--python PATH] [--edge VOXELS] [--threads N] [--rounds N]
//
// Both wait actively between operators, as ONNX Runtime and PyTorch do by default; a training run
// shares the cores with those who prepare its patches, and does not. The Python needs torch and
// dynamic-network-architectures.
import { costOf } from '../dist/graph/index.js';
import { Engine, initialWeights } from '../dist/network/index.js';
import { initialState, loadTrainer, trainingGraph } from '../dist/train/step.js';
import { seededRandom } from '../dist/volume/random.js';
import { besidePyTorch, inputChannels, plainUnet, printTimes } from './support/beside-pytorch.js';

const settingsFor = (edge) => ({
  batchSize: 1,
  patchShape: [edge, edge, edge],
  loss: { name: 'dice-and-cross-entropy', batchDice: false },
  levelWeights: [1, 0, 0],
  optimiser: 'sgd',
  weightDecay: 3e-5,
  clipNorm: 12,
});

async function timeOurs(edge, threads, spinning) {
  const random = seededRandom(1);
  const plan = plainUnet();
  const voxels = edge ** 3;
  const batch = {
    image: Float32Array.from({ length: inputChannels * voxels }, () => random.normal()),
    labels: Uint8Array.from({ length: voxels }, () => (random.uniform() < 0.02 ? 1 : 0)),
  };
  const engine = new Engine({ device: 'cpu', threads, spinning });
  const state = initialState(initialWeights(plan, random), { optimiser: 'sgd' });
  const trainer = await loadTrainer(engine, plan, settingsFor(edge), state);
  await printTimes((step) => trainer.step(batch, step, 0.01));
  await engine.close();
}

function describe(edge) {
  const cost = costOf(Object.values(trainingGraph(plainUnet(), settingsFor(edge))));
  const gigabytes = (bytes) => (bytes / 1e9).toFixed(2);
  return (
    `${edge}^3: ${(cost.flops / 1e9).toFixed(0)} GFLOP, ${gigabytes(cost.bytes)} GB moved, ` +
    `${gigabytes(cost.peakLiveBytes)} GB live at most`
  );
}

if (process.argv[2] === '--once') {
  const [edge, threads, waits] = process.argv.slice(3);
  await timeOurs(Number(edge), Number(threads), waits === 'spinning');
} else {
  besidePyTorch(import.meta.url, 'train', describe);
}
