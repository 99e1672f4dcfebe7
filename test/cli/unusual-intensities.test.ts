import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readNifti, readVolume, writeNifti } from '../../src/formats/index.js';
import { extractedBrain, looksBrainExtracted } from '../../src/preprocess/brain-extracted.js';
import { aboveBackground } from '../../src/volume/background.js';
import { onGrid, type Volume } from '../../src/volume/volume.js';
import { dawson, demoExam, temporaryFolder } from '../support/dawson.js';
import { describeWithData, sharedData } from '../support/shared-data.js';

const folder = temporaryFolder();
const findingsOf = (out: string) => JSON.parse(readFileSync(join(out, 'findings.json'), 'utf8'));

async function lesionsOf(out: string, flair: string): Promise<Uint8Array> {
  const { exitCode, stderr } = await dawson([
    ...['segment', '--flair', flair, '--out', out, '--no-report'],
  ]);
  expect(stderr).not.toContain('expected');
  expect(exitCode).toBe(0);
  return (await readNifti(join(out, 'lesions.nii.gz'))).volume.data as Uint8Array;
}

function dice(a: Uint8Array, b: Uint8Array): number {
  let [both, sum] = [0, 0];
  for (let voxel = 0; voxel < a.length; voxel++) {
    both += a[voxel] & b[voxel];
    sum += a[voxel] + b[voxel];
  }
  return (2 * both) / sum;
}

const changed = (volume: Volume, change: (value: number) => number) =>
  onGrid(volume, Float32Array.from(volume.data, change));

/** Compared at once: Vitest looks at every voxel of its own. */
const sameBytes = (a: Float32Array | Uint8Array, b: Float32Array | Uint8Array) =>
  Buffer.from(a.buffer).equals(Buffer.from(b.buffer));

describe('dawson segment', () => {
  it('finds the same lesions with another zero and one voxel of 1e7 in the brain, and names both', async () => {
    const expected = await lesionsOf(join(folder, 'as-taken'), demoExam('flair'));
    const brain = (await readNifti(join(folder, 'as-taken', 'brain.nii.gz'))).volume;
    const { volume } = await readNifti(demoExam('flair'));
    const spoilt = changed(volume, (value) => value - 1024);
    spoilt.data[brain.data.indexOf(1, brain.data.length / 2)] = 1e7;
    const file = join(folder, 'spoilt.nii.gz');
    await writeNifti(file, spoilt);

    const out = join(folder, 'spoilt');
    expect(dice(await lesionsOf(out, file), expected)).toBeGreaterThanOrEqual(0.98);
    const { quality, notes } = findingsOf(out);
    expect(quality).toContainEqual(
      expect.objectContaining({ code: 'outliers', severity: 'warning', sequence: 'flair' }),
    );
    expect(notes.map(({ text }: { text: string }) => text)).toContain(
      'FLAIR: -1024 is its darkest intensity and is taken as 0.',
    );
  }, 900_000);

  it('refuses a head that is said to be a brain', async () => {
    const { exitCode, stderr } = await dawson([
      ...['segment', '--flair', demoExam('flair'), '--brain-extracted'],
      ...['--out', join(folder, 'head'), '--no-report'],
    ]);
    expect(exitCode).toBe(6);
    expect(stderr).toContain('a brain of at most 2500 ml, and one value around it');
  });
});

describeWithData('images with another zero', () => {
  const read = async (...path: string[]) => (await readVolume(sharedData(...path))).volume;

  it('are computed with as the image itself, value for value', async () => {
    const flair = await read('exams', 'open-ms-01', 'study2', 'flair.nii.gz');
    const { data } = aboveBackground(changed(flair, (value) => value - 1024));
    expect(sameBytes(data, Float32Array.from(flair.data))).toBe(true);
  });

  it('are known as brain-extracted by what fills the border', async () => {
    const flair = await read('lesions', 'open-ms-cs-07', 'flair.nii.gz');
    const scored = changed(flair, (value) => (value - 79.5) / 25);
    expect(looksBrainExtracted(scored)).toBe(true);
    expect(sameBytes(extractedBrain(scored).data, extractedBrain(flair).data)).toBe(true);
  });
});
