import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type AnalyzeOptions,
  analyze,
  report,
  track,
  type Volume,
  writeNifti,
} from '../src/index.js';
import { temporaryFolder } from './support/temporary-folder.js';

/** As a program in JavaScript, or one that reads its values from elsewhere, may give it. */
const wrong = <T>(value: unknown) => value as T;

describe('the door', () => {
  it.each<[string, unknown]>([
    ['a text', 'flair.nii.gz'],
    ['nothing', undefined],
    ['no FLAIR', { t1: 't1.nii.gz' }],
    ['a sequence that is null', { flair: 'flair.nii.gz', t2: null }],
  ])('says how an exam is given: %s', async (_what, exam) => {
    await expect(analyze(wrong(exam))).rejects.toMatchObject({
      code: 'usage',
      details: { expected: "the names of an exam's files, such as { flair: 'flair.nii.gz' }" },
    });
  });

  it.each<[string, unknown, string]>([
    ['a segmenter', { segmenter: 'nnU-Net' }, 'a segmenter of lesions, lst-lga, nnunet'],
    ['a belief', { kappa: 3 }, 'a kappa between 0 and 1'],
    ['no number', { kappa: Number.NaN }, 'a kappa between 0 and 1'],
    ['a language', { report: { language: 'de', paper: 'a4' } }, 'a language of en, da'],
    ['a paper', { report: { language: 'en', paper: 'A4' } }, 'a paper of a4, letter'],
  ])('refuses %s that there is not before anything is read', async (_what, options, expected) => {
    const given = wrong<AnalyzeOptions>(options);
    await expect(analyze({ flair: 'none.nii.gz' }, given)).rejects.toMatchObject({
      code: 'usage',
      details: { expected },
    });
  });

  it('takes no text for a list of folders', async () => {
    const usage = { code: 'usage', details: { expected: 'a list of folders of exams' } };
    await expect(track(wrong('ab'))).rejects.toMatchObject(usage);
    await expect(report('a', { previous: wrong('b') })).rejects.toMatchObject(usage);
  });

  it('writes no image that could not be read', async () => {
    const file = join(temporaryFolder()(), 'image.nii');
    const affine = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] as const;
    const volume: Volume = { data: new Uint8Array(8), size: [2, 2, 2], affine };
    await writeNifti(file, volume);
    await expect(writeNifti(file, { ...volume, data: new Uint8Array(7) })).rejects.toMatchObject({
      code: 'usage',
      details: { expected: 'the 2 x 2 x 2 voxels that the volume says it has', found: '7' },
    });
    const broken = { ...volume, affine: wrong<Volume['affine']>([Number.NaN, ...affine.slice(1)]) };
    await expect(writeNifti(file, broken)).rejects.toMatchObject({ code: 'usage' });
  });
});
