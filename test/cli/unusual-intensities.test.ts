import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readVolume } from '../../src/formats/index.js';
import { extractedBrain, looksBrainExtracted } from '../../src/preprocess/brain-extracted.js';
import { aboveBackground } from '../../src/volume/background.js';
import { dawson, demoExam, temporaryFolder } from '../support/dawson.js';
import { describeWithData, sharedData } from '../support/shared-data.js';
import { changed } from './unusual-intensities.js';

const folder = temporaryFolder();

/** Compared at once: Vitest looks at every voxel of its own. */
const sameBytes = (a: Float32Array | Uint8Array, b: Float32Array | Uint8Array) =>
  Buffer.from(a.buffer).equals(Buffer.from(b.buffer));

describe('dawson segment', () => {
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
