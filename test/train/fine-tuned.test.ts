import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeNifti } from '../../src/formats/index.js';
import { openModel, shippedModelFolder } from '../../src/model/open-model.js';
import { sequenceNames, sequencesOf } from '../../src/preprocess/exam.js';
import { findLesions } from '../../src/quantify/lesions.js';
import type { Run } from '../../src/run.js';
import { lesionNetworkInput } from '../../src/segment/lesions/lesion-network-input.js';
import { segmenters } from '../../src/segment/segmenters.js';
import { cacheDataset, readPatch } from '../../src/train/cache.js';
import { readDataset } from '../../src/train/dataset.js';
import { WorkerPool } from '../../src/workers.js';
import { makePhantom, someLesions } from '../segment/phantom.js';
import { dawson, temporaryFolder } from '../support/dawson.js';

const pool = new WorkerPool(1);
afterAll(() => pool.close());
const run: Run = { pool, stage: (_, work) => work(() => {}) };
const folder = temporaryFolder();
const { exam, lesions } = makePhantom({ size: [33, 37, 28], lesions: someLesions });
const training = join(folder, 'training');
const dataset = join(folder, 'dataset');

beforeAll(async () => {
  for (const part of ['imagesTr', 'labelsTr']) mkdirSync(join(dataset, part), { recursive: true });
  for (const [channel, name] of sequenceNames.entries()) {
    await writeNifti(join(dataset, 'imagesTr', `phantom_000${channel}.nii.gz`), exam[name]);
  }
  await writeNifti(join(dataset, 'labelsTr', 'phantom.nii.gz'), lesions);
  const description = {
    channel_names: { 0: 'FLAIR', 1: 'T2', 2: 'T1' },
    labels: { background: 0, lesion: 1 },
    numTraining: 1,
    file_ending: '.nii.gz',
  };
  writeFileSync(join(dataset, 'dataset.json'), JSON.stringify(description));
  const { exitCode, stderr } = await dawson([
    ...['train', dataset, '--fold', 'all', '--out', training, '--init', 'lesions'],
    ...['--epochs', '0', '--threads', '1'],
  ]);
  expect([exitCode, stderr]).toEqual([0, expect.any(String)]);
});

describe('a network that was fine-tuned from Dawson’s own, for no step', () => {
  const model = join(training, 'model_all');
  const choice = {
    mirror: true,
    preparation: true,
    stepSize: 0.5,
    engine: { device: 'cpu', threads: 1 },
  } as const;

  it('has the very mask of the default', async () => {
    const sequences = sequencesOf(exam);
    const own = await segmenters.lesions.open(choice, sequences, run);
    const tuned = await segmenters.nnunet.open({ ...choice, model }, sequences, run);
    const [a, b] = [await own.segment(exam, run), await tuned.segment(exam, run)];
    expect(Buffer.compare(bytesOf(a.probability.data), bytesOf(b.probability.data))).toBe(0);
    expect(b.rule).toEqual(a.rule);
    const [found, again] = [a, b].map(({ probability, rule }) => findLesions(probability, rule));
    expect(again.list).toEqual(found.list);
    expect(Buffer.compare(again.mask.data, found.mask.data)).toBe(0);
    expect(a.probability.data.some((value) => value > 0)).toBe(true);
  });

  it('is opened and run as the folder of the default is', async () => {
    const [shipped, tuned] = [
      await openModel(shippedModelFolder('lesions')),
      await openModel(model),
    ];
    expect(shipped.model.optionalChannels).toEqual(['t2', 't1']);
    for (const { model } of [shipped, tuned]) {
      expect(model.plan).toMatchObject({ input: 'brain', patchShape: [64, 64, 64] });
    }
    expect(tuned.model.rule).toEqual(shipped.model.rule);
    expect(tuned.network).toEqual(shipped.network);
  });

  it('learns from cases as it will see exams', async () => {
    const opened = await openModel(model);
    expect(opened.model.plan.input).toBe('brain');
    const [cached] = await cacheDataset(
      await readDataset(dataset),
      opened.model.plan,
      join(folder, 'cache'),
      run,
    );
    const { data, grid } = lesionNetworkInput(exam);
    expect(cached.shape).toEqual([grid.size[2], grid.size[1], grid.size[0]]);
    const { image, labels } = readPatch(cached, [0, 0, 0], cached.shape);
    expect(image).toEqual(data);
    expect(new Set(labels)).toEqual(new Set([-1, 0, 1]));
  });
});

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) =>
  Buffer.from(buffer, byteOffset, byteLength);
