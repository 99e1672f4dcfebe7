import {
  cpSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imagePlanOf } from '../../src/model/nnunet-plans.js';
import { preprocessCase } from '../../src/segment/nnunet/preprocess.js';
import { reachOf, spatialMatrix, transformPatch } from '../../src/train/augment-spatial.js';
import {
  type CachedCase,
  cacheCase,
  cacheDataset,
  foregroundVoxel,
  readPatch,
} from '../../src/train/cache.js';
import { readDataset } from '../../src/train/dataset.js';
import { makeBatch, type PatchSettings, patchSource } from '../../src/train/patch-source.js';
import { readCase } from '../../src/train/read-case.js';
import { drawStart } from '../../src/train/sample.js';
import { type Axes3, voxelsIn } from '../../src/volume/arrays.js';
import { seededRandom } from '../../src/volume/random.js';
import { WorkerPool } from '../../src/workers.js';
import { folderForAllTests } from './folder-for-all-tests.js';
import { goldenPath, readGolden } from './nnunet-goldens.js';

const pool = new WorkerPool(2);
afterAll(() => pool.close());
const plan = imagePlanOf(readGolden('nnunet-preprocess.json').plans.plain, 'plans.json');
const folder = folderForAllTests();
let cases: CachedCase[];
beforeAll(async () => {
  const dataset = await readDataset(goldenPath('dataset'));
  cases = await cacheDataset(dataset, plan, folder, { pool });
});

const settings: PatchSettings = {
  patchShape: [8, 12, 10],
  batchSize: 3,
  maskedChannels: [true, false],
  seed: 5,
  augmentation: { mirrorAxes: [0, 1, 2], channelDropout: [0, 0.2] },
};

describe('the cache', () => {
  it('holds the cases as they are prepared', async () => {
    const dataset = await readDataset(goldenPath('dataset'));
    for (const [index, entry] of dataset.cases.entries()) {
      const reading = await readCase(entry, 3);
      if ('problems' in reading) throw new Error('unreadable');
      const prepared = preprocessCase(reading.images.channels, plan, reading.images.labels);
      expect(cases[index]).toMatchObject({ name: entry.name, shape: prepared.shape });
      const whole = readPatch(cases[index], [0, 0, 0], prepared.shape);
      expect(whole.image).toEqual(prepared.image);
      expect(whole.labels).toEqual(prepared.labels);
    }
  });

  it('reads boxes that reach beyond a case: 0 there, and the label of what is outside', () => {
    const [first] = cases;
    const shape: Axes3 = [first.shape[0] + 4, 3, 5];
    const { image, labels } = readPatch(first, [-2, -1, first.shape[2] - 2], shape);
    expect(image).toHaveLength(2 * voxelsIn(shape));
    expect(labels.subarray(0, 2 * 15).every((label) => label === -1)).toBe(true);
    const whole = readPatch(first, [0, 0, 0], first.shape);
    expect(image[2 * 15 + 5]).toBe(whole.image[first.shape[2] - 2]);
    expect(readPatch(first, [500, 0, 0], [2, 2, 2]).labels.every((label) => label === -1)).toBe(
      true,
    );
  });

  it('lists voxels of each class', () => {
    for (const cached of cases) {
      const { labels } = readPatch(cached, [0, 0, 0], cached.shape);
      for (const [index, count] of cached.foreground.entries()) {
        expect(count).toBe(labels.filter((label) => label === index + 1).length);
        for (let n = 0; n < count; n++) {
          const [d, h, w] = foregroundVoxel(cached, index + 1, n);
          expect(labels[(d * cached.shape[1] + h) * cached.shape[2] + w]).toBe(index + 1);
        }
      }
    }
  });

  it('does not make again what is there, makes anew what is damaged, changed, or planned otherwise', async () => {
    const files = () => readdirSync(folder).sort();
    const before = files();
    for (const name of before) utimesSync(join(folder, name), 1, 1);
    const data = goldenPath('dataset');
    truncateSync(join(folder, before[0]), 500);
    const bytes = readFileSync(join(folder, before[1]));
    bytes.write('{"shape":7', 16);
    writeFileSync(join(folder, before[1]), bytes);
    utimesSync(join(folder, before[1]), 1, 1);
    await cacheDataset(await readDataset(data), plan, folder, { pool });
    expect(files()).toEqual(before);
    const made = before.filter((name) => statSync(join(folder, name)).mtimeMs > 1000);
    expect(made).toEqual([before[0], before[1]]);

    const copy = folderForAllTests();
    cpSync(data, copy, { recursive: true });
    cpSync(join(copy, 'labelsTr', 'iso.nii.gz'), join(copy, 'labelsTr', 'copy.nii.gz'));
    writeFileSync(join(copy, 'labelsTr', 'iso.nii.gz'), '');
    await expect(
      readDataset(copy).then((dataset) => cacheDataset(dataset, plan, folder, { pool })),
    ).rejects.toMatchObject({ code: 'bad-dataset' });
    const finer = { ...plan, spacingMm: [1, 1, 1] as Axes3 };
    await cacheDataset(await readDataset(data), finer, folder, { pool });
    expect(files().length).toBe(2 * before.length);
    // Another patch is no other image.
    await cacheDataset(await readDataset(data), { ...plan, patchShape: [8, 8, 8] }, folder, {
      pool,
    });
    expect(files().length).toBe(2 * before.length);
  });

  it.each([
    ['ZScoreNormalization', 1],
    ['CTNormalization', 2],
  ] as const)(
    'prepares a case anew for other cases beside it only where these give its scale: %s',
    async (scheme, times) => {
      const own = folderForAllTests();
      const dataset = await readDataset(goldenPath('dataset'));
      for (const mean of [7, 8]) {
        const channels = plan.channels.map(({ intensities, ...rest }) => ({
          ...rest,
          scheme,
          intensities: { ...intensities, mean },
        }));
        await cacheDataset(dataset, { ...plan, channels }, own, { pool });
      }
      expect(readdirSync(own)).toHaveLength(times * dataset.cases.length);
    },
  );
});

describe('a file of the cache', () => {
  it('is made again whichever of its bits has changed', async () => {
    const own = folderForAllTests();
    const dataset = await readDataset(goldenPath('dataset'));
    const [entry] = dataset.cases;
    const made = await cacheCase(entry, plan, dataset, own);
    if (!('file' in made)) throw new Error('unusable');
    const bytes = readFileSync(made.file);
    const random = seededRandom(3);
    for (let change = 0; change < 6; change++) {
      const damaged = Buffer.from(bytes);
      damaged[change < 3 ? 8 * change : random.integer(bytes.length)] ^= 1 << random.integer(8);
      writeFileSync(made.file, damaged);
      expect(await cacheCase(entry, plan, dataset, own)).toEqual(made);
      expect(readFileSync(made.file)).toEqual(bytes);
    }
  });
});

describe('batches', () => {
  it('are the same for a seed, whatever the number of threads, and after a restart', async () => {
    const direct = Array.from({ length: 6 }, (_, index) => makeBatch(cases, settings, index));
    const alone = new WorkerPool(1);
    const resumed = patchSource(cases, settings, { pool: alone, firstBatch: 3, ahead: 1 });
    const source = patchSource(cases, settings, { pool });
    for (let index = 0; index < 6; index++) expect(await source.nextBatch()).toEqual(direct[index]);
    for (let index = 3; index < 6; index++)
      expect(await resumed.nextBatch()).toEqual(direct[index]);
    await resumed.close();
    await source.close();
    await alone.close();
    await expect(source.nextBatch()).rejects.toThrow('closed');
    expect(makeBatch(cases, { ...settings, seed: 6 }, 0)).not.toEqual(direct[0]);
  });

  it('have the shape asked for, and foreground in their last third', () => {
    for (let index = 0; index < 20; index++) {
      const { image, labels } = makeBatch(cases, { ...settings, augmentation: undefined }, index);
      const voxels = voxelsIn(settings.patchShape);
      expect(image).toHaveLength(3 * 2 * voxels);
      expect(labels).toHaveLength(3 * voxels);
      expect(labels.subarray(2 * voxels).some((label) => label > 0)).toBe(true);
      expect(image.every(Number.isFinite)).toBe(true);
    }
  });

  it('of slices are parts of one slice of a case each, with foreground in the last third', () => {
    const slices: PatchSettings = {
      ...settings,
      patchShape: [1, 6, 7],
      batchSize: 9,
      maskedChannels: [false, false],
      augmentation: undefined,
    };
    for (let index = 0; index < 20; index++) {
      const { image, labels, cases: names } = makeBatch(cases, slices, index);
      for (const [place, name] of names.entries()) {
        const cached = cases.find((cached) => cached.name === name)!;
        const patch = image.subarray(place * 2 * 42, place * 2 * 42 + 42);
        if (patch.some((value) => value !== 0)) {
          expect(sliceOf(cached, patch, slices.patchShape)).toBeGreaterThanOrEqual(0);
        }
        const ofPatch = labels.subarray(place * 42, (place + 1) * 42);
        if (place >= 6) expect(ofPatch.some((label) => label > 0)).toBe(true);
      }
    }
  });

  it('of slices turned and scaled stay in their plane', () => {
    // Each slice has its number as its values: what a patch shows is the one in the middle.
    const shape: Axes3 = [1, 8, 8];
    for (const rotation of [0, 0.4, 3]) {
      const matrix = spatialMatrix({ rotation: [rotation, 0, 0], scale: [1, 1.3, 1.3] });
      const reach = reachOf(matrix, shape).map((n, axis) => n + ((n - shape[axis]) & 1));
      expect(reach[0]).toBe(3);
      const from = reach as unknown as Axes3;
      const image = Float32Array.from({ length: voxelsIn(from) }, (_, at) =>
        Math.floor(at / (from[1] * from[2])),
      );
      const labels = new Int8Array(voxelsIn(from));
      const turned = transformPatch({ image, labels }, from, shape, matrix);
      expect(new Set(turned.image.map((value) => Math.round(1e5 * value) / 1e5))).toEqual(
        new Set([1]),
      );
    }
  });

  it('that cannot be made fail when they are asked for', async () => {
    const gone = cases.map((cached) => ({ ...cached, file: join(folder, 'gone') }));
    const source = patchSource(gone, settings, { pool });
    await expect(source.nextBatch()).rejects.toThrow();
    await source.close();
  });
});

/** The slice of a case's first channel of which a patch, not all 0, shows a part; -1 where of none. */
function sliceOf(cached: CachedCase, patch: Float32Array, [, rows, columns]: Axes3): number {
  const [depth, height, width] = cached.shape;
  const whole = readPatch(cached, [0, 0, 0], cached.shape).image;
  const at = (slice: number, h: number, w: number) =>
    h < 0 || h >= height || w < 0 || w >= width ? 0 : whole[(slice * height + h) * width + w];
  const isAt = (slice: number, h: number, w: number) =>
    patch.every((value, n) => value === at(slice, h + Math.floor(n / columns), w + (n % columns)));
  for (let slice = 0; slice < depth; slice++) {
    for (let h = 1 - rows; h < height; h++) {
      for (let w = 1 - columns; w < width; w++) if (isAt(slice, h, w)) return slice;
    }
  }
  return -1;
}

describe('the place of a patch', () => {
  it('never leaves the part of the image that may be shown, and reaches all of it', () => {
    const random = seededRandom(1);
    const seen = new Set<number>();
    for (let count = 0; count < 500; count++) {
      const [d, h] = drawStart(random, [20, 6, 9], [8, 10, 9], [8, 10, 9]);
      seen.add(d);
      expect(h).toBe(-2);
    }
    expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 13 }, (_, n) => n));
  });

  it('of slices is any slice, and the one of the voxel it is put around', () => {
    const random = seededRandom(1);
    const place = (around?: Axes3) =>
      drawStart(random, [5, 6, 9], [1, 8, 8], [1, 12, 12], around)[0];
    const seen = new Set(Array.from({ length: 200 }, () => place()));
    expect([...seen].toSorted()).toEqual([0, 1, 2, 3, 4]);
    for (const slice of seen) expect(place([slice, 3, 3])).toBe(slice);
  });

  it('around a voxel has it in the middle, or nearer to the lower border of the image', () => {
    const random = seededRandom(1);
    const at = (voxel: Axes3) => drawStart(random, [40, 40, 40], [8, 8, 8], [8, 8, 8], voxel);
    expect(at([20, 2, 39])).toEqual([16, 0, 35]);
  });
});
