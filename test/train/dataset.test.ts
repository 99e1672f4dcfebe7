import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readNifti, writeNifti } from '../../src/formats/index.js';
import { readDataset } from '../../src/train/dataset.js';
import { fingerprintOf } from '../../src/train/fingerprint.js';
import { WorkerPool } from '../../src/workers.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { goldenPath } from './nnunet-goldens.js';

const pool = new WorkerPool(2);
afterAll(() => pool.close());

/** A copy of the small dataset that can be spoilt. */
function copy(): string {
  const folder = temporaryFolder()('dataset');
  cpSync(goldenPath('dataset'), folder, { recursive: true });
  return folder;
}

function change(folder: string, edit: (json: Record<string, unknown>) => void): void {
  const file = join(folder, 'dataset.json');
  const json = JSON.parse(readFileSync(file, 'utf8'));
  edit(json);
  writeFileSync(file, JSON.stringify(json));
}

describe('readDataset', () => {
  it('finds cases, channels and classes', async () => {
    const dataset = await readDataset(goldenPath('dataset'));
    expect(dataset.cases.map(({ name }) => name)).toEqual(['iso', 'thick-x', 'thick-z']);
    expect(dataset.cases[0].images.every((file) => file?.includes('iso_000'))).toBe(true);
    expect(dataset.channelNames).toEqual(['FLAIR', 'CT']);
    expect(dataset.classNames).toEqual(['background', 'lesion', 'other']);
  });

  it('lists every missing and every stray file at once', async () => {
    const folder = copy();
    rmSync(join(folder, 'imagesTr', 'iso_0001.nii.gz'));
    rmSync(join(folder, 'labelsTr', 'thick-x.nii.gz'));
    await expect(readDataset(folder)).rejects.toMatchObject({
      code: 'bad-dataset',
      message: expect.stringMatching(
        /4 problems:.*iso_0001.*thick-x_0000.*thick-x_0001.*numTraining is 3, but there are 2/s,
      ),
    });
  });

  it('lets a case lack a channel that is declared optional', async () => {
    const folder = copy();
    rmSync(join(folder, 'imagesTr', 'iso_0001.nii.gz'));
    change(folder, (json) => {
      json.optional_channels = ['CT'];
    });
    const { cases } = await readDataset(folder);
    expect(cases[0].images[1]).toBeUndefined();
  });

  it.each([
    ['labels without a background', { labels: { lesion: 1 } }, /labels is/],
    ['labels with a gap', { labels: { background: 0, lesion: 2 } }, /labels is/],
    ['regions', { labels: { background: 0, lesion: [1, 2] } }, /region of several labels/],
    ['an unknown ending', { file_ending: '.png' }, /file_ending is ".png"/],
    ['channels out of order', { channel_names: { 1: 'FLAIR' } }, /channel_names is/],
    ['all channels optional', { optional_channels: ['FLAIR', 'CT'] }, /names all channels/],
    ['files listed', { dataset: {} }, /dataset lists files/],
  ])('refuses %s', async (_, fields, message) => {
    const folder = copy();
    change(folder, (json) => Object.assign(json, fields));
    await expect(readDataset(folder)).rejects.toMatchObject({
      code: 'bad-dataset',
      message: expect.stringMatching(message),
    });
  });

  it('refuses JSON that is none', async () => {
    const folder = copy();
    writeFileSync(join(folder, 'dataset.json'), '{');
    await expect(readDataset(folder)).rejects.toMatchObject({ code: 'file-corrupt' });
  });
});

describe('the check of all cases', () => {
  it('lists labels on another grid, unknown labels, flat and damaged images together', async () => {
    const folder = copy();
    const labels = join(folder, 'labelsTr', 'iso.nii.gz');
    const { volume } = await readNifti(labels);
    const moved = [...volume.affine] as unknown as typeof volume.affine;
    (moved as unknown as number[])[3] += 1;
    const data = volume.data.slice();
    data[0] = 9;
    await writeNifti(labels, { ...volume, data, affine: moved });
    const flat = join(folder, 'imagesTr', 'thick-x_0000.nii.gz');
    const image = (await readNifti(flat)).volume;
    await writeNifti(flat, { ...image, data: new Float32Array(image.data.length) });
    writeFileSync(join(folder, 'imagesTr', 'thick-z_0001.nii.gz'), 'no image');
    const dataset = await readDataset(folder);
    const failure = await fingerprintOf(dataset, { pool }).catch((error) => error);
    expect(failure).toMatchObject({ code: 'bad-dataset' });
    for (const sentence of [
      /iso: the labels lie on another grid than channel 0/,
      /iso: labels 9 are not in dataset.json/,
      /thick-x: .*0 everywhere/,
      /thick-z: .*thick-z_0001/,
    ]) {
      expect(failure.message).toMatch(sentence);
    }
  });
});
