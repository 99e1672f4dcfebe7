import { describe, expect, it } from 'vitest';
import { checkIntensities } from '../../src/formats/check-intensities.js';
import { identity } from '../../src/volume/affine.js';
import type { VoxelData } from '../../src/volume/volume.js';

const volumeOf = (data: VoxelData) => ({
  data,
  size: [data.length, 1, 1] as const,
  affine: identity,
});
const [nan, infinity] = [Number.NaN, Number.POSITIVE_INFINITY];

describe('checkIntensities', () => {
  it('returns a finite image as it is', () => {
    const volume = volumeOf(Int16Array.of(0, 5));
    expect(checkIntensities(volume, 'flair.nii')).toEqual({ volume, notes: [] });
    expect(checkIntensities(volume, 'flair.nii').volume).toBe(volume);
  });

  it('replaces what is not finite by 0 in a copy, and says how often', () => {
    const volume = volumeOf(Float32Array.of(nan, 5, infinity, -infinity, 3));
    const checked = checkIntensities(volume, 'flair.nii');
    expect(Array.from(checked.volume.data)).toEqual([0, 5, 0, 0, 3]);
    expect(checked.notes).toEqual([
      '3 of 5 voxels were infinite or not numbers and are taken as 0',
    ]);
    expect(volume.data[0]).toBeNaN();
  });

  it.each([
    ['all the same', Uint8Array.of(7, 7, 7), '7 everywhere'],
    ['all zero', new Float32Array(3), '0 everywhere'],
    ['nothing finite', Float32Array.of(nan, infinity), 'no finite value'],
    ['one finite value', Float32Array.of(nan, 4, 4), '4 everywhere'],
  ])('refuses an image that is %s', (_what, data, found) => {
    expect(() => checkIntensities(volumeOf(data), 'flair.nii')).toThrow(
      expect.objectContaining({
        code: 'bad-intensities',
        details: expect.objectContaining({ file: 'flair.nii', found }),
      }),
    );
  });
});
