import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { sha256OfFile } from '../../../src/formats/index.js';
import { openModelFolder } from '../../../src/model/model-folder.js';
import { predictorsOf } from '../../../src/model/model-predictors.js';
import { openShippedModel } from '../../../src/model/open-model.js';
import { Engine, readWeights } from '../../../src/network/index.js';
import { exportNnunet } from '../../../src/segment/nnunet/export-nnunet.js';
import { importNnunet } from '../../../src/segment/nnunet/import-nnunet.js';
import { defaultNnunetOptions, predictCase } from '../../../src/segment/nnunet/nnunet.js';
import { onGrid, type Size } from '../../../src/volume/volume.js';
import { WorkerPool } from '../../../src/workers.js';
import golden from '../../goldens/segment/nnunet-export.json' with { type: 'json' };
import trainers from '../../goldens/segment/nnunet-trainers.json' with { type: 'json' };
import { temporaryFolder } from '../../support/temporary-folder.js';
import { writeThresholdModel } from '../../support/threshold-model.js';

const pool = new WorkerPool(1);
const engine = new Engine({ device: 'cpu', threads: 1 });
afterAll(() => Promise.all([pool.close(), engine.close()]));

const saved = (name: string) =>
  fileURLToPath(new URL(`../../goldens/segment/${name}`, import.meta.url));

/** The image that nnU-Net was given, (z, y, x) as its arrays. */
const channels = (() => {
  const size = trainers.shape.toReversed() as unknown as Size;
  const affine = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] as const;
  const bytes = Float32Array.from(Buffer.from(trainers.image, 'base64'));
  const half = bytes.length / 2;
  return [bytes.slice(0, half), bytes.slice(half)].map((data) => onGrid({ size, affine }, data));
})();

async function imported(path: (...names: string[]) => string, name: string) {
  await importNnunet(saved(name), path('model'), { orientation: 'RAS' });
  return openModelFolder(path('model'));
}

describe('a model that is exported', () => {
  it.each(Object.entries(golden))(
    'is what nnU-Net predicted with, to the same result: %s',
    async (name, { files, probabilities, labels }) => {
      const path = temporaryFolder();
      const opened = await imported(path, `nnunet-trainers/v2/${name}`);
      expect(await exportNnunet(opened, path('out'))).toMatchObject({ folds: [0] });
      for (const [file, sha256] of Object.entries(files)) {
        expect([file, await sha256OfFile(path('out', file))]).toEqual([file, sha256]);
      }
      const { folds, release } = predictorsOf(opened, engine);
      const options = { ...defaultNnunetOptions, pool };
      const found = await predictCase(channels, opened.model, folds, options);
      await release();
      const all = found.outputs.flatMap(({ data }) => [...data]);
      const worst = probabilities.reduce(
        (most, expected, index) => Math.max(most, Math.abs(all[39 * index] - expected)),
        0,
      );
      expect(worst).toBeLessThan(2e-5);
      expect(Buffer.from(found.labels.data).equals(Buffer.from(labels, 'base64'))).toBe(true);
    },
  );

  it('comes back with the same weights, folds and mirrorings', async () => {
    const path = temporaryFolder();
    const opened = await imported(path, 'nnunet-model');
    await exportNnunet(opened, path('out'));
    await importNnunet(path('out'), path('again'), { orientation: 'RAS' });
    const again = await openModelFolder(path('again'));
    expect(again.model).toEqual(opened.model);
    for (const [index, file] of opened.weights.entries()) {
      expect(await readWeights(again.weights[index], again.network)).toEqual(
        await readWeights(file, opened.network),
      );
    }
  });

  it('replaces an export, and nothing else', async () => {
    const path = temporaryFolder();
    const opened = await imported(path, 'nnunet-model');
    await exportNnunet(opened, path('out'));
    await exportNnunet(opened, path('out'));
    writeFileSync(path('out', 'mine.txt'), '');
    await expect(exportNnunet(opened, path('out'))).rejects.toMatchObject({
      code: 'output-exists',
    });
  });

  it('says what Dawson does with it and nnU-Net does not', async () => {
    const path = temporaryFolder();
    const model = { channels: ['FLAIR', 'T1'], optional: ['T1'], patch: [8, 8, 8] } as const;
    const opened = await openModelFolder(await writeThresholdModel(path, model));
    const { notes } = await exportNnunet(opened, path('out'));
    expect(notes).toEqual([
      expect.stringContaining('own rule (probability from 0.6'),
      expect.stringContaining('T1 may be missing for Dawson'),
    ]);
    const record = JSON.parse(readFileSync(join(path('out'), 'dawson.json'), 'utf8'));
    expect(record).toMatchObject({ notes, model: { name: 'bright', sha256: opened.sha256 } });
  });
});

describe('a model that nnU-Net v2 cannot run to the same result', () => {
  it.each([
    [
      'v1',
      'a network of nnU-Net v1',
      async (path: (...names: string[]) => string) => imported(path, 'nnunet-v1-model'),
    ],
    ['Dawson’s own', 'compact network', () => openShippedModel('lesions')],
    [
      'brain',
      'dawson_input: brain',
      async (path: (...names: string[]) => string) => {
        const folder = await writeThresholdModel(path, { channels: ['FLAIR'], optional: [] });
        const opened = await openModelFolder(folder);
        const plan = { ...opened.model.plan, input: 'brain' } as const;
        return { ...opened, model: { ...opened.model, plan } };
      },
    ],
  ])('is refused by its reason: %s', async (_, reason, open) => {
    const path = temporaryFolder();
    await expect(exportNnunet(await open(path), path('out'))).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringContaining(reason),
    });
  });
});
