// How fast training patches are made, and what they look like: dataset, fingerprint, plan, cache and
// augmented batches of the three cases of the development data.
//
//   npm run bench -- patches [--data FOLDER] [--batches N] [--memory-gb G] [--step-ms T]
//       [--picture FILE.png]
//
// FOLDER holds lesions/CASE/{flair,t1,t2,lesions}.nii.gz. Milliseconds of a patch are of one core.
// Then an engine that blocks the program for T ms a step, as a network's runtime does, takes N batches
// from the source: the share of time in which it runs says how well the making of data is hidden.
// The picture shows the middle slice of each patch, a row a channel, labels outlined in the first.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { encodePng } from '../dist/formats/index.js';
import { imagePlanOf } from '../dist/model/nnunet-plans.js';
import { cacheDataset } from '../dist/train/cache.js';
import { readDataset } from '../dist/train/dataset.js';
import { fingerprintOf } from '../dist/train/fingerprint.js';
import { makeBatch, patchSource } from '../dist/train/patch-source.js';
import { planFor } from '../dist/train/plan.js';
import { WorkerPool } from '../dist/workers.js';
import { makeRealDataset, realCases, realChannels } from './support/real-dataset.js';

const { values: flags } = parseArgs({
  options: {
    data: {
      type: 'string',
      default: fileURLToPath(new URL('../../shared/data', import.meta.url)),
    },
    batches: { type: 'string', default: '8' },
    'memory-gb': { type: 'string', default: '2' },
    'step-ms': { type: 'string', default: '1000' },
    picture: { type: 'string' },
  },
});
const [names, channels] = [realCases, realChannels];

const folder = mkdtempSync(join(tmpdir(), 'dawson-bench-'));
const pool = new WorkerPool(2);
try {
  const dataset = await readDataset(makeRealDataset(flags.data, join(folder, 'dataset')));
  const seconds = async (what, work) => {
    const start = performance.now();
    const result = await work();
    console.log(
      `${what}: ${((performance.now() - start) / 1000).toFixed(1)} s for ${names.length} cases`,
    );
    return result;
  };
  const fingerprint = await seconds('fingerprint', () => fingerprintOf(dataset, { pool }));
  const plans = planFor(
    fingerprint,
    { name: 'bench', channelNames: dataset.channelNames, classCount: 2, caseCount: names.length },
    { architecture: 'plain', memoryGb: Number(flags['memory-gb']) },
  );
  const plan = imagePlanOf(JSON.parse(JSON.stringify(plans)), 'plans.json');
  console.log(`patch ${plan.patchShape.join(' x ')}, spacing ${plan.spacingMm.join(' x ')} mm`);
  const cacheFolder = join(folder, 'cache');
  const cases = await seconds('cache', () => cacheDataset(dataset, plan, cacheFolder, { pool }));
  await seconds('cache, again', () => cacheDataset(dataset, plan, cacheFolder, { pool }));

  const settings = {
    patchShape: plan.patchShape,
    batchSize: 2,
    maskedChannels: plan.channels.map(({ useMask }) => useMask),
    seed: 1,
    augmentation: { mirrorAxes: [0, 1, 2], channelDropout: [0, 0.2, 0.2] },
  };
  makeBatch(cases, settings, 0);
  const milliseconds = [];
  const batches = [];
  for (let index = 0; index < Number(flags.batches); index++) {
    const start = process.cpuUsage();
    const batch = makeBatch(cases, settings, index);
    const { user, system } = process.cpuUsage(start);
    milliseconds.push((user + system) / 1000 / settings.batchSize);
    if (batches.length < 4) batches.push(batch);
  }
  milliseconds.sort((a, b) => a - b);
  const mean = milliseconds.reduce((sum, value) => sum + value, 0) / milliseconds.length;
  console.log(
    `a patch: mean ${mean.toFixed(0)} ms, median ${milliseconds[milliseconds.length >> 1].toFixed(0)}, ` +
      `slowest batch ${milliseconds.at(-1).toFixed(0)}`,
  );
  await feedEngine(cases, settings, Number(flags.batches), Number(flags['step-ms']));
  if (flags.picture) writeFileSync(flags.picture, picture(batches, settings));
} finally {
  await pool.close();
  rmSync(folder, { recursive: true, force: true });
}

async function feedEngine(cases, settings, steps, stepMs) {
  const source = patchSource(cases, settings, { pool });
  await source.nextBatch();
  const clock = new Int32Array(new SharedArrayBuffer(4));
  let waitedMs = 0;
  for (let step = 0; step < steps; step++) {
    const asked = performance.now();
    await source.nextBatch();
    waitedMs += performance.now() - asked;
    Atomics.wait(clock, 0, 0, stepMs);
  }
  await source.close();
  const busy = (steps * stepMs) / (steps * stepMs + waitedMs);
  console.log(
    `an engine with steps of ${stepMs} ms waits ${(waitedMs / steps).toFixed(0)} ms for a batch of ` +
      `${settings.batchSize}: busy ${(100 * busy).toFixed(1)} % of the time`,
  );
}

/** Middle slices: a column a patch, a row a channel; -3 to 5 standard deviations. */
function picture(batches, { patchShape: [nd, nh, nw], batchSize }) {
  const columns = batches.length * batchSize;
  const [width, height] = [columns * nw, channels.length * nh];
  const data = new Uint8Array(3 * width * height);
  for (let column = 0; column < columns; column++) {
    const { image, labels } = batches[Math.floor(column / batchSize)];
    const place = column % batchSize;
    for (let channel = 0; channel < channels.length; channel++) {
      for (let h = 0; h < nh; h++) {
        for (let w = 0; w < nw; w++) {
          const inPatch = ((nd >> 1) * nh + h) * nw + w;
          const value = image[(place * channels.length + channel) * nd * nh * nw + inPatch];
          const grey = Math.max(0, Math.min(255, ((value + 3) / 8) * 255));
          const at = 3 * ((channel * nh + h) * width + column * nw + w);
          data.fill(grey, at, at + 3);
          const label = (step) => labels[place * nd * nh * nw + inPatch + step];
          const edge = label(0) === 1 && [1, -1, nw, -nw].some((step) => label(step) === 0);
          if (channel === 0 && edge) data.set([255, 60, 60], at);
        }
      }
    }
  }
  return encodePng(data, width, height);
}
