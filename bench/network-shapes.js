// Shapes of Dawson's own networks beside each other: all learn from the same synthetic batches, at the
// same time, so that what differs in the end is the shape (or the start).
//
//   npm run bench -- network-shapes --shapes s,fine,wide [--network lesions|anatomy] [--epochs N]
//       [--minutes M] [--steps N] [--batch N] [--rate R] [--seed N] [--device cpu|cuda|webgpu]
//       [--workers N] [--threads N] [--data FOLDER] [--cache FOLDER] [--out FOLDER]
//
// A shape with a + behind its name starts from the weights in models/, with two thirds of the rate. The
// rate falls to 0 over N epochs or, for a machine that is there for a time, over M minutes. After each
// epoch of N steps a line a shape: loss on the training and on the validation heads, Dice similarity of
// the classes over all validation voxels. FOLDER gets a checkpoint for each shape, whose averaged
// weights `npm run train:defaults -- NAME --finish --checkpoint FILE` makes the default (the shape has
// to be that of src/experiments/own-networks/default-networks.ts), and a log. GFLOP are of a forward pass over one patch.
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  defaultNetworks,
  openDefaultBatches,
} from '../dist/experiments/own-networks/default-networks.js';
import { edgeVoxels } from '../dist/model/compact-plans.js';
import { firstFoldOf } from '../dist/model/model-predictors.js';
import { openShippedModel } from '../dist/model/open-model.js';
import { ownModels } from '../dist/model/own-model.js';
import { costOfPrediction, Engine, initialWeights } from '../dist/network/index.js';
import { writeCheckpoint } from '../dist/train/checkpoint.js';
import { startingWeights } from '../dist/train/initialise.js';
import { validationSummary } from '../dist/train/loop.js';
import { polynomialDecay } from '../dist/train/schedule.js';
import { initialState, loadTrainer } from '../dist/train/step.js';
import { seededRandom } from '../dist/volume/random.js';
import { WorkerPool } from '../dist/workers.js';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const { values: flags } = parseArgs({
  options: {
    network: { type: 'string', default: 'lesions' },
    shapes: { type: 'string', default: 's,fine,wide' },
    epochs: { type: 'string', default: '4' },
    minutes: { type: 'string' },
    steps: { type: 'string', default: '100' },
    batch: { type: 'string', default: '2' },
    rate: { type: 'string', default: '0.0015' },
    seed: { type: 'string', default: '21' },
    device: { type: 'string', default: 'cpu' },
    workers: { type: 'string', default: '1' },
    threads: { type: 'string', default: '1' },
    data: { type: 'string', default: at('../../shared/data/synthesis') },
    cache: { type: 'string', default: at('../cache/heads') },
    out: { type: 'string', default: at('../checkpoints/shapes') },
  },
});
const number = (name) => Number(flags[name]);
const { plan } = ownModels[flags.network];
const { further } = defaultNetworks[flags.network];
const base = { ...plan, fineFeatures: undefined };
const shapes = {
  lesions: {
    s: {},
    fine: { fineFeatures: 16 },
    wide: { features: [48, 96, 128, 160] },
    'wide-fine': { features: [48, 96, 128, 160], fineFeatures: 16 },
    narrow: { features: [24, 48, 96, 128] },
  },
  anatomy: {
    s: {},
    fine: { fineFeatures: 16 },
    wide: { features: [32, 64, 128, 160] },
    'wide-fine': { features: [32, 64, 128, 160], fineFeatures: 16 },
  },
}[flags.network];

const step = { ...further.step, batchSize: number('batch') };
const seed = number('seed');
const patch = [edgeVoxels, edgeVoxels, edgeVoxels];
const channels = Array.from({ length: base.inputChannels }, (_, n) => String(n));
const trained = await openShippedModel(flags.network).catch(() => undefined);
const pretrained = trained && {
  weights: await firstFoldOf(trained),
  network: trained.network,
  channelNames: channels,
};

const runs = await Promise.all(
  flags.shapes.split(',').map(async (name) => {
    const goesOn = name.endsWith('+');
    const plan = { ...base, ...shapes[name.replace('+', '')] };
    const weights = goesOn
      ? startingWeights(plan, channels, seededRandom(seed), pretrained)
      : initialWeights(plan, seededRandom(seed));
    const engine = new Engine({ device: flags.device, threads: number('threads') });
    const trainer = await loadTrainer(engine, plan, step, initialState(weights, step));
    const parameters = [...weights.values()].reduce((sum, { data }) => sum + data.length, 0);
    const { flops } = costOfPrediction(plan, patch);
    console.log(
      `${name}: ${(parameters / 1e6).toFixed(2)} M weights, ${(flops / 1e9).toFixed(1)} GFLOP`,
    );
    return {
      name,
      plan,
      engine,
      trainer,
      rateShare: goesOn ? 2 / 3 : 1,
      milliseconds: 0,
    };
  }),
);
mkdirSync(flags.out, { recursive: true });
const pool = new WorkerPool(number('workers'));
const data = await openDefaultBatches(
  flags.network,
  { step, seed },
  { dataFolder: flags.data, cacheFolder: flags.cache, pool, ahead: 2 * number('workers') },
);
const batches = data.batches(0);
const validationBatches = data.validationBatches(0);
const validation = [];
for (let n = 0; n < 12; n++) validation.push(await validationBatches.nextBatch());

const began = performance.now();
/** Part of the run that lies behind, 0 to 1. */
const progress = (epoch) =>
  flags.minutes
    ? Math.min(1, (performance.now() - began) / 60_000 / number('minutes'))
    : epoch / number('epochs');

for (let epoch = 0, last = false; !last; epoch++) {
  const rate = number('rate') * polynomialDecay(progress(epoch), 1);
  const started = performance.now();
  let waited = 0;
  const losses = runs.map(() => 0);
  for (let n = 0; n < number('steps'); n++) {
    const asked = performance.now();
    const batch = await batches.nextBatch();
    waited += performance.now() - asked;
    const index = epoch * number('steps') + n;
    await Promise.all(
      runs.map(async (run, place) => {
        const start = performance.now();
        losses[place] += await run.trainer.step(batch, index, rate * run.rateShare);
        run.milliseconds = performance.now() - start;
      }),
    );
  }
  const seconds = (performance.now() - started) / 1000;
  last = progress(epoch + 1) >= 1;
  await Promise.all(
    runs.map(async ({ name, plan, trainer, milliseconds }, place) => {
      const trainingLoss = losses[place] / number('steps');
      const validations = [];
      for (const batch of validation) validations.push(await trainer.validate(batch));
      const { validationLoss, pseudoDice } = validationSummary(validations);
      const judged = { trainingLoss, validationLoss, pseudoDice };
      const record = { shape: name, epoch, ...judged, seconds, waitingSeconds: waited / 1000 };
      appendFileSync(join(flags.out, 'log.jsonl'), `${JSON.stringify(record)}\n`);
      console.log(
        `${epoch + 1} ${name.padEnd(10)} loss ${trainingLoss.toFixed(3)}, validation ${validationLoss.toFixed(3)}, ` +
          `Dice ${pseudoDice.map((dice) => dice?.toFixed(3)).join(' ')}; last step ${milliseconds.toFixed(0)} ms, ` +
          `epoch ${seconds.toFixed(0)} s, waited ${(waited / 1000).toFixed(0)}`,
      );
      if (last || epoch % 5 === 4) {
        const state = await trainer.readState();
        const file = join(flags.out, `${flags.network}-${name.replace('+', '-on')}.safetensors`);
        await writeCheckpoint(
          file,
          { epochs: epoch + 1, state },
          { network: JSON.stringify(plan) },
        );
      }
    }),
  );
}
await data.close();
await pool.close();
for (const { engine } of runs) await engine.close();
