import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readLabels, writeNifti } from '../../src/formats/index.js';
import { imagePlanOf } from '../../src/model/nnunet-plans.js';
import { oneHot } from '../../src/segment/nnunet/one-hot.js';
import { augment, noAugmentation, sampleAugmentation } from '../../src/train/augment.js';
import {
  changePreviousInPlace,
  dilated,
  samplePrevious,
  shapeChanges,
} from '../../src/train/augment-previous.js';
import { type CachedCase, cacheCase, cacheDataset, readPatch } from '../../src/train/cache.js';
import { readDataset, withPreviousStage } from '../../src/train/dataset.js';
import { makeBatch } from '../../src/train/patch-source.js';
import type { Axes3 } from '../../src/volume/arrays.js';
import { seededRandom } from '../../src/volume/random.js';
import { onGrid } from '../../src/volume/volume.js';
import { WorkerPool } from '../../src/workers.js';
import { temporaryFolder } from '../support/dawson.js';
import { float32Of, goldenPath, int8Of, readGolden, relativeDifference } from './nnunet-goldens.js';

const golden = readGolden('cascade.json');
const folder = temporaryFolder();
const dataset = await readDataset(goldenPath('dataset'));
const { plans } = readGolden('nnunet-preprocess.json');

interface Seen {
  readonly case: string;
  readonly target: string;
  readonly spacing: readonly number[];
  readonly transposeForward: readonly number[];
  readonly found: string;
  readonly start: Axes3;
  readonly image: string;
  readonly labels: string;
  readonly channels: string;
}

/** The plan of a cascade's second network, as the golden was made with. */
function planOf({ spacing, transposeForward }: Pick<Seen, 'spacing' | 'transposeForward'>) {
  const { configurations, ...rest } = structuredClone(plans.plain);
  return imagePlanOf(
    {
      ...rest,
      transpose_forward: transposeForward,
      configurations: {
        '3d_cascade_fullres': {
          ...configurations['3d_fullres'],
          spacing,
          previous_stage: '3d_lowres',
        },
      },
    },
    'plans.json',
  );
}

/** Labels of the stage before, in a folder; `change` makes others of them. */
async function writeFound(
  to: string,
  row: Pick<Seen, 'case' | 'found'>,
  change: (label: number, at: number) => number = (label) => label,
): Promise<void> {
  mkdirSync(to, { recursive: true });
  const { volume } = await readLabels(
    join(goldenPath('dataset'), 'labelsTr', `${row.case}.nii.gz`),
  );
  const found = Uint8Array.from(int8Of(row.found), change);
  await writeNifti(join(to, `${row.case}.nii.gz`), onGrid(volume, found));
}

async function prepared(row: Seen): Promise<CachedCase> {
  const found = join(folder, `${row.target}-${row.case}`);
  await writeFound(found, row);
  const { cases } = withPreviousStage(dataset, found);
  const entry = cases.find(({ name }) => name === row.case)!;
  const cached = await cacheCase(entry, planOf(row), dataset, folder);
  if ('problems' in cached) throw new Error(cached.problems.join());
  return cached;
}

describe('what the second network of a cascade sees in training', () => {
  it.each(golden.seen as readonly Seen[])('is nnU-Net’s: $case, $target', async (row) => {
    const shape: Axes3 = golden.patch;
    const cached = await prepared(row);
    const use = { present: [true, true], masked: [false, false], previousLabels: 2 };
    const patch = readPatch(cached, row.start, shape);
    const { image, labels } = augment(patch, shape, use, noAugmentation);
    const theirs = float32Of(row.image);
    expect(relativeDifference(image.subarray(0, theirs.length), theirs)).toBeLessThan(1e-5);
    expect([...image.subarray(theirs.length)]).toEqual([...int8Of(row.channels)]);
    expect(image.subarray(theirs.length).some((value) => value === 1)).toBe(true);
    expect([...labels]).toEqual([...int8Of(row.labels)]);
  });

  it('is read again from the cache, and made anew for other labels of the stage before', async () => {
    const [row] = golden.seen as readonly Seen[];
    const first = await prepared(row);
    expect((await prepared(row)).file).toBe(first.file);
    expect((await prepared({ ...row, found: golden.seen[0].found })).file).toBe(first.file);
    const other = join(folder, 'other');
    await writeFound(other, row, (label) => (label === 2 ? 1 : label));
    const { cases } = withPreviousStage(dataset, other);
    const entry = cases.find(({ name }) => name === row.case)!;
    const cached = await cacheCase(entry, planOf(row), dataset, folder);
    expect('file' in cached && cached.file).not.toBe(first.file);
  });

  it('leaves cases of other networks the names by which runs that were stopped know them', async () => {
    const entry = dataset.cases.find(({ name }) => name === 'iso')!;
    const cached = await cacheCase(entry, imagePlanOf(plans.plain, 'plans.json'), dataset, folder);
    expect('identity' in cached && cached.identity).toBe('7b34031166c2fba7e370913ed37955bd');
  });

  it('is turned, scaled and mirrored with the images', async () => {
    const cached = await prepared(golden.seen[0]);
    const settings = {
      patchShape: [8, 8, 8] as Axes3,
      batchSize: 4,
      maskedChannels: [false, false],
      seed: 3,
      augmentation: { mirrorAxes: [0, 1, 2], channelDropout: [0, 0] },
    };
    // The truth as the stage before: channels of it are the labels, but where they are changed on purpose.
    const same = join(folder, 'same');
    const { volume } = await readLabels(join(dataset.folder, 'labelsTr', 'iso.nii.gz'));
    mkdirSync(same, { recursive: true });
    await writeNifti(join(same, 'iso.nii.gz'), volume);
    const entry = withPreviousStage(dataset, same).cases.find(({ name }) => name === 'iso')!;
    const own = await cacheCase(entry, planOf(golden.seen[0]), dataset, folder);
    if ('problems' in own) throw new Error(own.problems.join());
    expect(own.shape).toEqual(cached.shape);
    const voxels = 8 ** 3;
    let [equal, all] = [0, 0];
    for (let index = 0; index < 40; index++) {
      const { image, labels } = makeBatch([own], settings, index);
      for (let place = 0; place < settings.batchSize; place++) {
        const channels = image.subarray((place * 4 + 2) * voxels, (place * 4 + 4) * voxels);
        const truth = Int8Array.from(labels.subarray(place * voxels, (place + 1) * voxels));
        if (String(channels) === String(Float32Array.from(oneHot(truth, [1, 2])))) equal++;
        all++;
      }
    }
    // Unchanged: 0.6 of them by balls, and 0.8 of those by losses; changes of nothing come to that.
    expect(equal / all).toBeGreaterThan(0.48);
    expect(equal / all).toBeLessThan(0.85);
  });
});

describe('labels of a stage before', () => {
  it('that are missing, on another grid, or unknown are refused, all at once', async () => {
    const bad = join(folder, 'bad');
    const byName = new Map((golden.seen as readonly Seen[]).map((row) => [row.case, row]));
    await writeFound(bad, byName.get('iso')!, (label, at) => (at === 0 ? 7 : label));
    const { volume } = await readLabels(join(dataset.folder, 'labelsTr', 'iso.nii.gz'));
    await writeNifti(join(bad, 'thick-x.nii.gz'), volume);
    const pool = new WorkerPool(1);
    try {
      const whole = cacheDataset(
        withPreviousStage(dataset, bad),
        planOf(golden.seen[0]),
        join(folder, 'cache'),
        { pool },
      );
      await expect(whole).rejects.toMatchObject({
        code: 'bad-dataset',
        message: expect.stringMatching(
          /3 problems:\s+iso: labels of the stage before 7 are not in dataset.json\s+thick-x: labels of the stage before lie on another grid.*\s+thick-z: .*thick-z\.nii\.gz/,
        ),
      });
    } finally {
      await pool.close();
    }
  });
});

const shape: Axes3 = golden.changed.shape;
const labels = int8Of(golden.changed.labels);
const fresh = () => oneHot(labels, [1, 2, 3]);

describe('the change of labels of a stage before', () => {
  it.each(golden.changed.changes as readonly never[])(
    'is nnU-Net’s: $change of label $label by a ball of radius $radius',
    (row: {
      label: number;
      change: (typeof shapeChanges)[number];
      radius: number;
      channels: string;
    }) => {
      const { label, change, radius } = row;
      const channels = fresh();
      const ballVoxels = Math.floor(2 * radius + 1);
      const changes = [{ label, change, ballVoxels }];
      changePreviousInPlace(channels, shape, { changes, losses: [] });
      expect([...channels]).toEqual([...int8Of(row.channels)]);
    },
  );

  it.each(golden.changed.losses as readonly never[])(
    'is nnU-Net’s: a component of label $label lost, at $which of them',
    (row: { label: number; which: number; channels: string }) => {
      const channels = fresh();
      changePreviousInPlace(channels, shape, { changes: [], losses: [row] });
      expect([...channels]).toEqual([...int8Of(row.channels)]);
      expect(channels).not.toEqual(fresh());
    },
  );

  it('is by a ball of scikit-image, but for voxels that rounding decides there', () => {
    for (const [size, [, most]] of Object.entries(golden.balls as Record<string, number[]>)) {
      const point = new Uint8Array(21 ** 3);
      point[(10 * 21 + 10) * 21 + 10] = 1;
      const grown = dilated(point, [21, 21, 21], Number(size));
      expect(grown.reduce((sum, n) => sum + n, 0)).toBe(most);
    }
  });

  it('leaves each voxel to one label at most, and is undone by nothing beyond the patch', () => {
    const random = seededRandom(5);
    for (let trial = 0; trial < 60; trial++) {
      const channels = fresh();
      changePreviousInPlace(channels, shape, samplePrevious(random, 3));
      const sum = (at: number) =>
        [0, 1, 2].reduce((n, k) => n + channels[k * labels.length + at], 0);
      expect(labels.every((_, at) => sum(at) <= 1)).toBe(true);
    }
    const full = new Uint8Array(labels.length).fill(1);
    for (const change of shapeChanges) {
      const channels = full.slice();
      const changes = [{ label: 1, change, ballVoxels: 7 }];
      changePreviousInPlace(channels, shape, { changes, losses: [] });
      expect(channels).toEqual(full);
    }
  });

  it('grows by dilation and closing, shrinks by erosion and opening', () => {
    const mask = oneHot(labels, [1]);
    for (const ballVoxels of [3, 5, 7]) {
      for (const change of shapeChanges) {
        const channels = mask.slice();
        changePreviousInPlace(channels, shape, {
          changes: [{ label: 1, change, ballVoxels }],
          losses: [],
        });
        const grows = change === 'dilation' || change === 'closing';
        expect(channels.every((value, at) => (grows ? value >= mask[at] : value <= mask[at]))).toBe(
          true,
        );
      }
    }
  });

  it('is drawn as often as nnU-Net does, and not at all for a network of images', () => {
    const random = seededRandom(1);
    let [changed, lost] = [0, 0];
    const sizes = new Set<number>();
    for (let trial = 0; trial < 20_000; trial++) {
      const { changes, losses } = samplePrevious(random, 1);
      changed += changes.length;
      lost += losses.length;
      for (const { ballVoxels } of changes) sizes.add(ballVoxels);
    }
    expect(changed / 20_000).toBeCloseTo(0.4 * 0.5, 1.5);
    expect(lost / 20_000).toBeCloseTo(0.2 * 0.5, 1.5);
    expect([...sizes].sort((a, b) => a - b)).toEqual(Array.from({ length: 14 }, (_, n) => n + 3));
    const settings = { mirrorAxes: [], channelDropout: [0] };
    expect(sampleAugmentation(seededRandom(1), [8, 8, 8], 1, settings).previous).toBeUndefined();
  });
});
