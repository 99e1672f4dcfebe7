// What the benchmarks of networks have in common: one network, and runs in processes of their own in
// turn with PyTorch's, so that each peak of memory is its own and both see the same machine.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { networkPlanOf, usualLayers } from '../../dist/network/index.js';

export const inputChannels = 3;
export const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** nnU-Net's PlainConvUNet with 16, 32, 64 and 128 features, 3 channels, 2 classes. */
export function plainUnet() {
  const kernel = [3, 3, 3];
  const architecture = {
    network_class_name: 'dynamic_network_architectures.architectures.unet.PlainConvUNet',
    arch_kwargs: {
      n_stages: 4,
      features_per_stage: [16, 32, 64, 128],
      ...usualLayers,
      kernel_sizes: [kernel, kernel, kernel, kernel],
      strides: [1, 2, 2, 2].map((n) => [n, n, n]),
      n_conv_per_stage: [2, 2, 2, 2],
      n_conv_per_stage_decoder: [2, 2, 2],
    },
  };
  const plans = { configurations: { bench: { architecture } } };
  return networkPlanOf(plans, 'bench', { inputChannels, classes: 2 }, 'bench');
}

/** Times `run` after a first run that is not counted, and prints what {@link besidePyTorch} reads. */
export async function printTimes(run, runs = 5) {
  await run(0);
  const times = [];
  const before = process.cpuUsage();
  for (let i = 1; i <= runs; i++) {
    const start = performance.now();
    await run(i);
    times.push(performance.now() - start);
  }
  const { user, system } = process.cpuUsage(before);
  const processorMs = (user + system) / 1000 / runs;
  const peakMb = process.resourceUsage().maxRSS / 1024;
  console.log(JSON.stringify({ milliseconds: median(times), processorMs, peakMb }));
}

/** The processor, and what of its vector units a network can use, where the system says it. */
function processorInWords() {
  let about = '';
  try {
    about = readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    // Another system than Linux.
  }
  const value = (name) => new RegExp(`^${name}\\s*:\\s*(.*)$`, 'm').exec(about)?.[1];
  const units = (value('flags') ?? '')
    .split(' ')
    .filter((flag) => /^(fma|avx2|avx512f|avx512_(vnni|bf16)|amx_\w+)$/.test(flag));
  const parts = [`family ${value('cpu family')}`, `model ${value('model')}`, ...units];
  const [{ model }, ...others] = cpus();
  return `${others.length + 1} x ${model}${about ? ` (${parts.join(', ')})` : ''}`;
}

function resultOf(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

/**
 * Runs `module --once EDGE THREADS spinning|waiting` in turn with PyTorch and prints the table.
 * @param work 'train' or 'predict', for PyTorch
 * @param describe text about patches of an edge
 */
export function besidePyTorch(module, work, describe) {
  const { values } = parseArgs({
    options: {
      python: { type: 'string' },
      edge: { type: 'string', default: '64' },
      threads: { type: 'string', default: '2' },
      rounds: { type: 'string', default: '3' },
    },
  });
  const { python, edge, threads, rounds } = values;
  const processor = processorInWords();
  console.log(processor);
  console.log(`${describe(Number(edge))}; ${threads} threads`);
  const ours = (waits) => () =>
    resultOf(process.execPath, [fileURLToPath(module), '--once', edge, threads, waits]);
  const programs = { Dawson: ours('spinning'), 'Dawson, cores shared': ours('waiting') };
  if (python !== undefined) {
    const reference = fileURLToPath(new URL('network_reference.py', import.meta.url));
    // Without units for it bfloat16 takes minutes a step.
    const hasBfloat16 = /bf16/.test(processor);
    for (const precision of hasBfloat16 ? ['float32', 'bfloat16'] : ['float32']) {
      programs[`PyTorch ${precision}`] = () =>
        resultOf(python, [reference, work, edge, threads, precision]);
    }
  }
  const results = Object.fromEntries(Object.keys(programs).map((name) => [name, []]));
  for (let round = 0; round < Number(rounds); round++) {
    for (const [name, run] of Object.entries(programs)) results[name].push(run());
  }
  const middle = (name, field) => median(results[name].map((result) => result[field]));
  const rows = Object.keys(programs).map((name) => {
    const milliseconds = middle(name, 'milliseconds');
    return [
      name,
      {
        'median, ms': Math.round(milliseconds),
        'processor, ms a run': Math.round(middle(name, 'processorMs')),
        'peak memory, MB': Math.round(middle(name, 'peakMb')),
        'Dawson / this': (middle('Dawson', 'milliseconds') / milliseconds).toFixed(2),
        'the same, processor': (
          middle('Dawson, cores shared', 'processorMs') / middle(name, 'processorMs')
        ).toFixed(2),
      },
    ];
  });
  console.table(Object.fromEntries(rows));
}
