// Architectures like those of AIMS and of HD-MS-Lesions (nnU-Net v1's Generic_UNet, patches of 128 x 128 x 128)
// on one exam, beside nnunet 1.7.1 itself: masks, probabilities, time and memory.
//
//   npm run bench -- first-networks --flair FILE --t1 FILE --t2 FILE [--python PATH] [--threads 1]
//                                   [--network aims|hd-ms-lesions] [--mirror] [--double] [--out FOLDER]
//
// The images lie on one grid. The Python needs test/goldens/segment/requirements-trainers.txt. Their plans
// are not at hand: these are what nnU-Net v1's own planner makes of 300 brains of 138 x 170 x 138 voxels of 1 mm
// (five halvings, 32 to 320 features). Weights are random, as nnunet saves them. HD-MS-Lesions takes T1, T1 with
// contrast (here the T1 again), T2 and FLAIR, and finds two classes, as its public description says.
// --double: also beside nnU-Net with the arithmetic of its network in double precision, which says how far
// each program is from what both mean.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openModelFolder } from '../dist/model/model-folder.js';
import { withRun } from '../dist/run.js';
import { casesIn } from '../dist/segment/nnunet/case-files.js';
import { predictCases } from '../dist/segment/nnunet/predict-folder.js';
import { dawson } from './support/dawson.js';

const networks = {
  aims: { channels: ['flair', 't1', 't2'], classes: 1 },
  'hd-ms-lesions': { channels: ['t1', 't1', 't2', 'flair'], classes: 2 },
};

/** In a process of its own, so that time and memory are its own. */
async function predictOnce(model, images, out, threads, mirrored) {
  const opened = await openModelFolder(model);
  const cases = await casesIn(images, opened.model, '.nii.gz');
  const options = {
    stepSize: 0.5,
    mirror: mirrored === 'true',
    probabilities: true,
    engine: { device: 'cpu', threads: Number(threads) },
  };
  await withRun({}, (run) => predictCases(cases, out, opened, options, run));
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  console.log(
    JSON.stringify({ cpuS: (userCPUTime + systemCPUTime) / 1e6, peakGib: maxRSS / 2 ** 20 }),
  );
}

/** @returns what a process printed last, as JSON, with its seconds by the clock */
function measured(program, args) {
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return {
    ...JSON.parse(stdout.trim().split('\n').at(-1)),
    clockS: (performance.now() - start) / 1000,
  };
}

function compareOn({ channels, classes }, flags, out) {
  const helper = fileURLToPath(new URL('first_networks.py', import.meta.url));
  const python = (...args) => measured(flags.python, [helper, ...args]);
  const at = (...names) => join(out, ...names);
  mkdirSync(at('images'), { recursive: true });
  for (const [channel, name] of channels.entries()) {
    copyFileSync(flags[name], at('images', `exam_000${channel}.nii.gz`));
  }
  const results = at('results');
  python('save', results, String(channels.length), String(classes));
  dawson('model', 'import', results, '--orientation', 'RAS', '--out', at('model'));
  const mirror = String(flags.mirror);
  const ours = measured(process.execPath, [
    fileURLToPath(import.meta.url),
    ...['--once', at('model'), at('images'), at('dawson'), flags.threads, mirror],
  ]);
  const predict = (place, precision) =>
    python('predict', results, at('images'), at(place), flags.threads, mirror, precision);
  const theirs = predict('nnunet', 'single');
  const pairs = [['dawson', 'nnunet']];
  if (flags.double) {
    predict('double', 'double');
    pairs.push(['dawson', 'double'], ['nnunet', 'double']);
  }
  const apart = pairs.map((pair) => ({
    pair,
    ...python('compare', ...pair.map((name) => at(name))),
  }));
  return { ours, theirs, apart };
}

function main() {
  const { values: flags } = parseArgs({
    options: {
      flair: { type: 'string' },
      t1: { type: 'string' },
      t2: { type: 'string' },
      python: { type: 'string', default: 'python' },
      threads: { type: 'string', default: '1' },
      network: { type: 'string', multiple: true, default: Object.keys(networks) },
      mirror: { type: 'boolean', default: false },
      double: { type: 'boolean', default: false },
      out: { type: 'string' },
    },
  });
  const out = flags.out ?? mkdtempSync(join(tmpdir(), 'dawson-first-networks-'));
  console.log(`${cpus()[0].model}; ${flags.threads} threads, one fold, mirrored: ${flags.mirror}`);
  console.log('network       | program | clock s | processor s | GiB');
  for (const name of flags.network) {
    const { ours, theirs, apart } = compareOn(networks[name], flags, join(out, name));
    const line = (program, { clockS, cpuS, peakGib }) =>
      `${name.padEnd(13)} | ${program.padEnd(7)} | ${clockS.toFixed(0).padStart(7)} | ` +
      `${cpuS.toFixed(0).padStart(11)} | ${peakGib.toFixed(2)}`;
    console.log(line('nnunet', theirs));
    console.log(line('dawson', ours));
    for (const { pair, differing, voxels, labelled, worst, median, far } of apart) {
      console.log(
        `  ${pair.join(' and ')}: ${differing} of ${voxels} labels differ (${labelled} labelled); probabilities ` +
          `apart by at most ${worst.toExponential(1)}, median ${median.toExponential(1)}, ${far} voxels above 2e-3`,
      );
    }
  }
}

if (process.argv[2] === '--once') await predictOnce(...process.argv.slice(3));
else main();
