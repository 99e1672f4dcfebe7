// Time and memory of one patch through nnU-Net's PlainConvUNet with 16, 32, 64 and 128 features,
// beside PyTorch on the same network:
//
//   npm run bench -- inference [--python PATH] [--edge VOXELS] [--threads N] [--rounds N]
//
// The Python needs torch and dynamic-network-architectures.
import { Engine, initialWeights, loadPredictor } from '../dist/network/index.js';
import { seededRandom } from '../dist/volume/random.js';
import { besidePyTorch, inputChannels, plainUnet, printTimes } from './support/beside-pytorch.js';

async function timeOurs(edge, threads, spinning) {
  const random = seededRandom(1);
  const plan = plainUnet();
  const image = Float32Array.from({ length: inputChannels * edge ** 3 }, () => random.normal());
  const engine = new Engine({ device: 'cpu', threads, spinning });
  const patchShape = [edge, edge, edge];
  const predictor = await loadPredictor(engine, plan, initialWeights(plan, random), patchShape);
  await printTimes(() => predictor.predict(image), 9);
  await engine.close();
}

if (process.argv[2] === '--once') {
  const [edge, threads, waits] = process.argv.slice(3);
  await timeOurs(Number(edge), Number(threads), waits === 'spinning');
} else {
  besidePyTorch(import.meta.url, 'predict', (edge) => `${edge}^3, one patch`);
}
