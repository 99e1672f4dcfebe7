import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { openModelFolder } from '../../../src/model/model-folder.js';
import { predictorsOf } from '../../../src/model/model-predictors.js';
import { configurationOf, imagePlanOf } from '../../../src/model/nnunet-plans.js';
import { windowStarts } from '../../../src/model/sliding-window.js';
import { Engine } from '../../../src/network/index.js';
import { importNnunet } from '../../../src/segment/nnunet/import-nnunet.js';
import { defaultNnunetOptions, predictCase } from '../../../src/segment/nnunet/nnunet.js';
import { openNnunet } from '../../../src/segment/nnunet/open-nnunet.js';
import { readPretrained } from '../../../src/train/start-training.js';
import { onGrid, type Size } from '../../../src/volume/volume.js';
import { WorkerPool } from '../../../src/workers.js';
import golden from '../../goldens/segment/nnunet-configurations.json' with { type: 'json' };
import images from '../../goldens/segment/nnunet-masks.json' with { type: 'json' };
import { temporaryFolder } from '../../support/temporary-folder.js';

const pool = new WorkerPool(1);
const engine = new Engine({ device: 'cpu', threads: 1 });
afterAll(() => Promise.all([pool.close(), engine.close()]));

type CaseName = keyof typeof images;
type Way = keyof (typeof golden)[CaseName];
const cases = Object.keys(images) as CaseName[];
const every = 101;

/** What nnU-Net was given, (z, y, x) as its arrays: two channels, and labels of low resolution. */
function inputOf(name: CaseName) {
  const { shape, spacingMm, image, masks } = images[name];
  const size = shape.toReversed() as unknown as Size;
  const [sx, sy, sz] = spacingMm.toReversed();
  const affine = [sx, 0, 0, 0, 0, sy, 0, 0, 0, 0, sz, 0, 0, 0, 0, 1] as const;
  const bytes = Float32Array.from(Buffer.from(image, 'base64'));
  const half = bytes.length / 2;
  const low = Uint8Array.from(Buffer.from(masks['v2 at low resolution'], 'base64'));
  return {
    channels: [bytes.slice(0, half), bytes.slice(half)].map((data) =>
      onGrid({ size, affine }, data),
    ),
    low: onGrid({ size, affine }, low),
  };
}

async function imported(saved: string) {
  const path = temporaryFolder();
  const results = fileURLToPath(
    new URL(`../../goldens/segment/nnunet-trainers/${saved}`, import.meta.url),
  );
  await importNnunet(results, path('model'), { orientation: 'RAS' });
  return openModelFolder(path('model'));
}

/**
 * What may differ. Three of 2 268 voxels of the labels of low resolution have two labels that are equally
 * near (within 1e-15) at the network's voxels, where rounding decides. v1 saves probabilities in half
 * precision.
 */
const allowed: Readonly<Record<string, { readonly voxels: number; readonly apart: number }>> = {
  'cascade, coarse': { voxels: 3, apart: 0.01 },
};
const apartIn: Readonly<Record<Way, number>> = { slices: 2e-5, cascade: 2e-5, 'v1 slices': 3e-4 };

describe.each<[Way, string]>([
  ['slices', 'v2/slices'],
  ['v1 slices', 'v1/slices'],
  ['cascade', 'v2/cascade'],
])('a network of nnU-Net: %s', (way, saved) => {
  it('gives its masks and probabilities', async () => {
    const opened = await imported(saved);
    const { folds, release } = predictorsOf(opened, engine, { keep: true });
    for (const name of cases) {
      const { channels, low } = inputOf(name);
      const previous = way === 'cascade' ? low : undefined;
      const options = { ...defaultNnunetOptions, pool };
      const found = await predictCase(channels, opened.model, folds, options, previous);
      const { mask, probabilities } = golden[name][way];
      const all = found.outputs.flatMap(({ data }) => [...data]);
      const worst = probabilities.reduce(
        (most, expected, index) => Math.max(most, Math.abs(all[every * index] - expected)),
        0,
      );
      const theirs = Buffer.from(mask, 'base64');
      const differing = theirs.filter((label, at) => label !== found.labels.data[at]).length;
      const { voxels, apart } = allowed[`${way}, ${name}`] ?? { voxels: 0, apart: apartIn[way] };
      expect([name, worst < apart || worst, differing <= voxels || differing]).toEqual([
        name,
        true,
        true,
      ]);
      expect(new Set(theirs).size).toBeGreaterThan(1);
    }
    await release();
  });
});

describe('the second network of a cascade', () => {
  it('takes a channel for each label, and inherits what its plans say', async () => {
    const { network, model } = await imported('v2/cascade');
    expect(network.inputChannels).toBe(2 + 3);
    expect(model.plan).toMatchObject({ takesLabels: true, spacingMm: [1, 1, 1] });
  });

  it('keeps its name, and is a start for another one, with the labels that it takes', async () => {
    const { folder, plans } = await imported('v2/cascade');
    expect(configurationOf(plans)).toBe('3d_cascade_fullres');
    const { channelNames } = await readPretrained(folder);
    expect(channelNames).toEqual(['FLAIR', 'T1', ...[1, 2, 3].map((n) => `label ${n} before`)]);
  });

  it('is not run without what the first one found, nor by dawson segment', async () => {
    const { folder, model } = await imported('v2/cascade');
    const { channels } = inputOf('fine');
    const options = { ...defaultNnunetOptions, pool };
    await expect(predictCase(channels, model, [], options)).rejects.toThrow(RangeError);
    const settings = {
      model: folder,
      mirror: true,
      engine: { device: 'cpu', threads: 1 },
    } as const;
    const run = { pool, stage: (_: string, work: () => unknown) => work() };
    await expect(
      openNnunet(settings as never, ['flair', 't1'], run as never),
    ).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringContaining('second network of a cascade'),
    });
  });
});

describe('a network of low resolution', () => {
  it('keeps its name, and is a start for another training', async () => {
    const { folder, plans } = await imported('v2/low-resolution');
    expect(configurationOf(plans)).toBe('3d_lowres');
    expect(configurationOf((await readPretrained(folder)).plans)).toBe('3d_lowres');
  });
});

describe('a network of slices', () => {
  it('is a start for another training', async () => {
    const { folder } = await imported('v2/slices');
    expect(configurationOf((await readPretrained(folder)).plans)).toBe('2d');
  });

  it('takes each slice once, and keeps them as far apart as they are', async () => {
    const { network, model } = await imported('v2/slices');
    expect(model.plan).toMatchObject({ bySlice: true, patchShape: [1, 16, 16] });
    expect(model.mirrorAxes).toEqual([1, 2]);
    expect(network).toMatchObject({
      kernels: [
        [1, 3, 3],
        [1, 3, 3],
      ],
      strides: [
        [1, 1, 1],
        [1, 2, 2],
      ],
    });
    expect(windowStarts([3, 16, 20], [1, 16, 16], 0.5)).toEqual(
      [0, 1, 2].flatMap((slice) => [0, 4].map((column) => [slice, 0, column])),
    );
  });

  it('has two numbers where one of volumes has three', async () => {
    const opened = await imported('v2/slices');
    const plans = structuredClone(opened.plans) as {
      configurations: { '2d': { spacing: number[] } };
    };
    plans.configurations['2d'].spacing = [1, 1, 1];
    expect(() => imagePlanOf(plans, 'plans.json')).toThrow(
      /2 values in configurations\.2d\.spacing/,
    );
  });
});
