// Time and memory of a training step (forward, Dice and cross-entropy, backward, clipping, Nesterov)
// of nnU-Net's PlainConvUNet with 16, 32, 64 and 128 features, batch 1, beside PyTorch on the same
// network:
//
//   npm run bench -- train-step [--python PATH] [--edge VOXELS] [--threads N] [--rounds N]
//
// Both wait actively between operators, as ONNX Runtime and PyTorch do by default; a training run
// shares the cores with those who prepare its patches, and does not. The Python needs torch and dynamic-network-architectures.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { costOf } from '../dist/graph/index.js';
import { Engine, initialWeights, networkPlanOf } from '../dist/network/index.js';
import { initialState, loadTrainer, trainingGraph } from '../dist/train/step.js';
import { seededRandom } from '../dist/volume/random.js';

const stepsTimed = 5;
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

function planOf() {
  const kernel = [3, 3, 3];
  const architecture = {
    network_class_name: 'dynamic_network_architectures.architectures.unet.PlainConvUNet',
    arch_kwargs: {
      n_stages: 4,
      features_per_stage: [16, 32, 64, 128],
      conv_op: 'torch.nn.modules.conv.Conv3d',
      kernel_sizes: [kernel, kernel, kernel, kernel],
      strides: [1, 2, 2, 2].map((n) => [n, n, n]),
      n_conv_per_stage: [2, 2, 2, 2],
      n_conv_per_stage_decoder: [2, 2, 2],
      conv_bias: true,
      norm_op: 'torch.nn.modules.instancenorm.InstanceNorm3d',
      norm_op_kwargs: { eps: 1e-5, affine: true },
      dropout_op: null,
      nonlin: 'torch.nn.LeakyReLU',
      nonlin_kwargs: { inplace: true },
    },
  };
  const plans = { configurations: { bench: { architecture } } };
  return networkPlanOf(plans, 'bench', { inputChannels: 3, classes: 2 }, 'bench');
}

const settingsFor = (edge) => ({
  batchSize: 1,
  patchShape: [edge, edge, edge],
  loss: { name: 'dice-and-cross-entropy', batchDice: false },
  levelWeights: [1, 0, 0],
  optimiser: 'sgd',
  weightDecay: 3e-5,
  clipNorm: 12,
});

/** Runs in a process of its own, so that the peak of the memory is that of the step. */
async function timeOurs(edge, threads, spinning) {
  const random = seededRandom(1);
  const plan = planOf();
  const voxels = edge ** 3;
  const batch = {
    image: Float32Array.from({ length: 3 * voxels }, () => random.normal()),
    labels: Uint8Array.from({ length: voxels }, () => (random.uniform() < 0.02 ? 1 : 0)),
  };
  const engine = new Engine({ device: 'cpu', threads, spinning });
  const state = initialState(initialWeights(plan, random), 'sgd');
  const trainer = await loadTrainer(engine, plan, settingsFor(edge), state);
  await trainer.step(batch, 0, 0.01);
  const times = [];
  for (let step = 1; step <= stepsTimed; step++) {
    const start = performance.now();
    await trainer.step(batch, step, 0.01);
    times.push(performance.now() - start);
  }
  const peakMb = process.resourceUsage().maxRSS / 1024;
  console.log(JSON.stringify({ milliseconds: median(times), peakMb }));
  await engine.close();
}

function resultOf(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

if (process.argv[2] === '--once') {
  const [edge, threads, spinning] = process.argv.slice(3);
  await timeOurs(Number(edge), Number(threads), spinning === 'spinning');
} else {
  const { values } = parseArgs({
    options: {
      python: { type: 'string' },
      edge: { type: 'string', default: '64' },
      threads: { type: 'string', default: '2' },
      rounds: { type: 'string', default: '3' },
    },
  });
  const { python, edge, threads, rounds } = values;
  const here = fileURLToPath(import.meta.url);
  const reference = fileURLToPath(new URL('train_step_reference.py', import.meta.url));
  const cost = costOf(Object.values(trainingGraph(planOf(), settingsFor(Number(edge)))));
  const gigabytes = (bytes) => (bytes / 1e9).toFixed(2);
  console.log(
    `${edge}^3: ${(cost.flops / 1e9).toFixed(0)} GFLOP, ${gigabytes(cost.bytes)} GB moved, ` +
      `${gigabytes(cost.peakLiveBytes)} GB live at most`,
  );
  const programs = {
    Dawson: () => resultOf(process.execPath, [here, '--once', edge, threads, 'spinning']),
    'Dawson, cores shared': () =>
      resultOf(process.execPath, [here, '--once', edge, threads, 'waiting']),
  };
  if (python !== undefined) {
    for (const precision of ['float32', 'bfloat16']) {
      programs[`PyTorch ${precision}`] = () =>
        resultOf(python, [reference, edge, threads, String(stepsTimed), precision]);
    }
  }
  const rows = Object.fromEntries(Object.keys(programs).map((name) => [name, []]));
  for (let round = 0; round < Number(rounds); round++) {
    for (const [name, run] of Object.entries(programs)) rows[name].push(run());
  }
  console.table(
    Object.fromEntries(
      Object.entries(rows).map(([name, results]) => {
        const milliseconds = median(results.map((result) => result.milliseconds));
        const ours = median(rows.Dawson.map((result) => result.milliseconds));
        return [
          name,
          {
            'step, ms': Math.round(milliseconds),
            'peak memory, MB': Math.round(median(results.map(({ peakMb }) => peakMb))),
            'Dawson / this': (ours / milliseconds).toFixed(2),
          },
        ];
      }),
    ),
  );
}
