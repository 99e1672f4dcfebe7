import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { DawsonError } from '../../src/errors.js';
import { readSafetensors } from '../../src/formats/safetensors.js';
import { Engine, type Tensors } from '../../src/network/index.js';
import {
  type BatchSource,
  type EpochRecord,
  type Pace,
  readLog,
  type TrainingRun,
  trainNetwork,
} from '../../src/train/loop.js';
import { seededRandom } from '../../src/volume/random.js';
import { goldenBatch, goldenNetwork } from '../network/golden-networks.js';
import { temporaryFile, temporaryFolder } from '../support/temporary-folder.js';

const engine = new Engine({ device: 'cpu', threads: 1 });
afterAll(() => engine.close());

const { plan, weights, patch } = goldenNetwork('plain-anisotropic');

function source(firstBatch: number): BatchSource {
  let next = firstBatch;
  return { nextBatch: async () => ({ ...goldenBatch(patch, next++), cases: ['a', 'b'] }) };
}

function runIn(path: (name: string) => string, changes: Partial<TrainingRun> = {}): TrainingRun {
  return {
    plan,
    step: {
      batchSize: 2,
      patchShape: patch,
      loss: { name: 'dice-and-cross-entropy', batchDice: true },
      levelWeights: [1, 0],
      optimiser: 'sgd',
      weightDecay: 3e-5,
      clipNorm: 12,
    },
    settings: {
      epochs: 4,
      stepsPerEpoch: 3,
      validationSteps: 1,
      learningRate: 0.01,
      epochsPerCheckpoint: 2,
    },
    initialWeights: weights,
    batches: source,
    validationBatches: source,
    checkpointFile: path('checkpoint.safetensors'),
    logFile: path('log.jsonl'),
    resume: false,
    ...changes,
  };
}

const numbersOf = (state: Tensors) =>
  Object.fromEntries(Object.entries(state).map(([name, { data }]) => [name, [...data]]));

const recordsIn = (file: string) =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const { seconds, waitingSeconds, ...record } = JSON.parse(line);
      expect(seconds).toBeGreaterThan(waitingSeconds);
      return record;
    });

describe('trainNetwork', () => {
  it('lowers the loss and logs every epoch', async () => {
    const path = temporaryFolder();
    const settings = { ...runIn(path).settings, epochs: 8, learningRate: 0.02 };
    await trainNetwork(engine, runIn(path, { settings, batches: () => source(0) }));
    const records = recordsIn(path('log.jsonl'));
    expect(records.map(({ epoch }) => epoch)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(records[7].trainingLoss).toBeLessThan(records[0].trainingLoss - 0.1);
    expect(records[0].pseudoDice).toHaveLength(2);
    expect(records[0].learningRate).toBe(0.02);
  });

  it('goes on after a stop exactly as if there had been none', async () => {
    const whole = temporaryFolder();
    // There is nothing to go on with yet: it starts anew.
    const expected = await trainNetwork(engine, runIn(whole, { resume: true }));
    const broken = temporaryFolder();
    const stop = new AbortController();
    // In the fourth epoch: the checkpoint is two epochs old, the log three.
    const onStep = (done: number) => done === 10 && stop.abort(new Error('killed'));
    const first = runIn(broken, { signal: stop.signal, onStep });
    await expect(trainNetwork(engine, first)).rejects.toThrow('killed');
    expect(recordsIn(broken('log.jsonl'))).toHaveLength(3);
    const state = await trainNetwork(engine, runIn(broken, { resume: true }));
    expect(numbersOf(state)).toEqual(numbersOf(expected));
    expect(recordsIn(broken('log.jsonl'))).toEqual(recordsIn(whole('log.jsonl')));
    expect(readFileSync(broken('checkpoint.safetensors'))).toEqual(
      readFileSync(whole('checkpoint.safetensors')),
    );
  });

  it('goes on with more epochs after its end, and tells where that was', async () => {
    const path = temporaryFolder();
    const { settings } = runIn(path);
    const upTo = (epochs: number, more: Partial<TrainingRun> = {}) =>
      trainNetwork(engine, runIn(path, { settings: { ...settings, epochs }, ...more }));
    await upTo(1);
    const ends: string[] = [];
    const onWentOn = (after: string) => ends.push(after);
    await upTo(2, { resume: true, onWentOn });
    await upTo(2, { resume: true, onWentOn });
    await upTo(4, { resume: true, onWentOn });
    expect(ends).toEqual(['1', '1', '1, 2']);
    const records = recordsIn(path('log.jsonl'));
    expect(records.map(({ epoch }) => epoch)).toEqual([0, 1, 2, 3]);
    // The rate is that of the longer course: it rises again.
    const share = (epoch: number, epochs: number) => 0.01 * (1 - epoch / epochs) ** 0.9;
    expect(records.map(({ learningRate }) => learningRate)).toEqual(
      [share(0, 1), share(1, 2), share(2, 4), share(3, 4)].map((rate) => expect.closeTo(rate, 10)),
    );
    await expect(upTo(3, { resume: true })).rejects.toMatchObject({
      message: expect.stringContaining('epochs 4, here 3'),
    });
  });

  it('is not given more epochs before its end', async () => {
    const path = temporaryFolder();
    const { settings } = runIn(path);
    const stop = new AbortController();
    const onStep = (done: number) => done === 8 && stop.abort(new Error('killed'));
    const stopped = runIn(path, { signal: stop.signal, onStep });
    await expect(trainNetwork(engine, stopped)).rejects.toThrow('killed');
    const longer = runIn(path, { settings: { ...settings, epochs: 9 }, resume: true });
    await expect(trainNetwork(engine, longer)).rejects.toMatchObject({ code: 'inputs-conflict' });
  });

  it('tells its pace once, from its first steps', async () => {
    const path = temporaryFolder();
    const paces: Pace[] = [];
    await trainNetwork(engine, runIn(path, { onPace: (pace) => paces.push(pace) }));
    expect(paces).toEqual([{ secondsPerStep: expect.any(Number), steps: 12 }]);
    expect(paces[0].secondsPerStep).toBeGreaterThan(0);
  });

  it('keeps a checkpoint after each epoch where epochs are long', async () => {
    const path = temporaryFolder();
    const settings = { ...runIn(path).settings, epochs: 3, epochsPerCheckpoint: 1000 };
    const stop = new AbortController();
    const clock = vi.spyOn(performance, 'now');
    const start = performance.now();
    const onEpoch = ({ epoch }: EpochRecord) => {
      if (epoch === 1) stop.abort(new Error('killed'));
    };
    // Every step takes four minutes, so that none within an epoch is late.
    const onStep = (done: number) => clock.mockReturnValue(start + done * 4 * 60_000);
    const run = runIn(path, { settings, signal: stop.signal, onStep, onEpoch });
    await expect(trainNetwork(engine, run)).rejects.toThrow('killed');
    clock.mockRestore();
    const { metadata } = await readSafetensors(path('checkpoint.safetensors'));
    expect(metadata.epochs).toBe('2');
  });

  it('keeps a checkpoint within an epoch where steps are long, and goes on from there', async () => {
    const whole = temporaryFolder();
    const expected = await trainNetwork(engine, runIn(whole));
    const path = temporaryFolder();
    const stop = new AbortController();
    const clock = vi.spyOn(performance, 'now');
    const start = performance.now();
    // Every step takes six minutes; it ends in the second step of the last epoch.
    const onStep = (done: number) => {
      clock.mockReturnValue(start + done * 6 * 60_000);
      if (done === 11) stop.abort(new Error('killed'));
    };
    const run = runIn(path, { signal: stop.signal, onStep });
    await expect(trainNetwork(engine, run)).rejects.toThrow('killed');
    clock.mockRestore();
    const { metadata } = await readSafetensors(path('checkpoint.safetensors'));
    expect([metadata.epochs, JSON.parse(metadata.begun)]).toEqual([
      '3',
      { steps: 1, lossSum: expect.any(Number), seconds: 360, waitingSeconds: 0 },
    ]);
    const steps: number[] = [];
    const paces: Pace[] = [];
    const resumed = runIn(path, {
      resume: true,
      onStep: (done) => steps.push(done),
      onPace: (pace) => paces.push(pace),
    });
    const state = await trainNetwork(engine, resumed);
    expect(steps).toEqual([11, 12]);
    expect(paces).toEqual([{ secondsPerStep: expect.any(Number), steps: 2 }]);
    expect(numbersOf(state)).toEqual(numbersOf(expected));
    expect(recordsIn(path('log.jsonl'))).toEqual(recordsIn(whole('log.jsonl')));
    const kept = (folder: typeof whole) => readFileSync(folder('checkpoint.safetensors'));
    expect(kept(path).equals(kept(whole))).toBe(true);
  });

  it('stops at a loss that is no number, says where, and keeps the last checkpoint', async () => {
    const path = temporaryFolder();
    const spoiled = (firstBatch: number): BatchSource => {
      let next = firstBatch;
      return {
        async nextBatch() {
          const batch = goldenBatch(patch, next);
          if (next++ === 4) batch.image[7] = Number.NaN;
          return { ...batch, cases: ['case_1', 'case_2'] };
        },
      };
    };
    await expect(trainNetwork(engine, runIn(path, { batches: spoiled }))).rejects.toMatchObject({
      code: 'training-failed',
      details: { found: 'NaN in step 4 (epoch 1) on case_1, case_2' },
    });
    // Of before the first epoch, with which the run was begun.
    const { metadata } = await readSafetensors(path('checkpoint.safetensors'));
    expect(metadata.epochs).toBe('0');
  });

  it('refuses the checkpoint of a run with other settings, naming what differs', async () => {
    const path = temporaryFolder();
    const settings = { ...runIn(path).settings, epochs: 1, stepsPerEpoch: 1 };
    const identity = { seed: 1, cases: 'a'.repeat(64) };
    await trainNetwork(engine, runIn(path, { settings, identity }));
    const others = { seed: 2, cases: 'b'.repeat(64) };
    const resumed = runIn(path, { settings, identity: others, resume: true });
    await expect(trainNetwork(engine, resumed)).rejects.toMatchObject({
      code: 'inputs-conflict',
      details: { found: 'seed 1, here 2; another cases' },
    });
  });

  it('refuses a checkpoint with any of its bytes changed', async () => {
    const path = temporaryFolder();
    const settings = { ...runIn(path).settings, epochs: 1, stepsPerEpoch: 1 };
    await trainNetwork(engine, runIn(path, { settings }));
    const file = path('checkpoint.safetensors');
    const bytes = readFileSync(file);
    const random = seededRandom(5);
    for (let change = 0; change < 12; change++) {
      const damaged = Buffer.from(bytes);
      damaged[change < 4 ? 3 * change : random.integer(bytes.length)] ^= 1 << random.integer(8);
      writeFileSync(file, damaged);
      await expect(trainNetwork(engine, runIn(path, { settings, resume: true }))).rejects.toThrow(
        DawsonError,
      );
    }
  });

  it.each(['null', '{}', '{"epoch": "x"}', '[]', 'text'])('refuses a log of %s', async (line) => {
    const log = temporaryFile('log.jsonl', `${line}\n`);
    await expect(readLog(log)).rejects.toMatchObject({ code: 'file-corrupt' });
  });

  it('refuses the checkpoint of a run with other settings, and a damaged one', async () => {
    const path = temporaryFolder();
    const settings = { ...runIn(path).settings, epochs: 2, learningRate: 0.02 };
    await trainNetwork(engine, runIn(path, { settings }));
    await expect(trainNetwork(engine, runIn(path, { resume: true }))).rejects.toMatchObject({
      code: 'inputs-conflict',
      message: expect.stringMatching(/learning rate 0\.02, here 0\.01$/m),
    });
    const file = path('checkpoint.safetensors');
    writeFileSync(file, readFileSync(file).subarray(0, 1000));
    const damaged = runIn(path, { settings, resume: true });
    await expect(trainNetwork(engine, damaged)).rejects.toMatchObject({ code: 'bad-model' });
  });
});
