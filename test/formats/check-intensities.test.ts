import { describe, expect, it } from 'vitest';
import {
  checkIntensities,
  largestSingle,
  withoutNonFinite,
} from '../../src/formats/check-intensities.js';
import { identity } from '../../src/volume/affine.js';
import type { VoxelData } from '../../src/volume/volume.js';

const volumeOf = (data: VoxelData) => ({
  data,
  size: [data.length, 1, 1] as const,
  affine: identity,
});
const [nan, infinity] = [Number.NaN, Number.POSITIVE_INFINITY];
const refusal = (found: string) =>
  expect.objectContaining({
    code: 'bad-intensities',
    details: expect.objectContaining({ file: 'flair.nii', found }),
  });

describe('withoutNonFinite', () => {
  it('returns finite values as they are', () => {
    const data = Int16Array.of(0, 5);
    expect(withoutNonFinite(data, 'flair.nii').data).toBe(data);
    expect(withoutNonFinite(data, 'flair.nii')).toMatchObject({ replacedVoxels: 0, notes: [] });
  });

  it('replaces what is not finite by 0 in a copy, and says how often', () => {
    const data = Float32Array.of(nan, 5, infinity, -infinity, 3);
    const finite = withoutNonFinite(data, 'flair.nii');
    expect(Array.from(finite.data)).toEqual([0, 5, 0, 0, 3]);
    expect(finite.replacedVoxels).toBe(3);
    expect(finite.notes).toEqual(['3 of 5 voxels were infinite or not numbers and are taken as 0']);
    expect(data[0]).toBeNaN();
  });

  it('replaces it by the lowest value where 0 is the middle of a brain', () => {
    const finite = withoutNonFinite(Float32Array.of(nan, -2.5, 1, infinity), 'flair.nii');
    expect(Array.from(finite.data)).toEqual([-2.5, -2.5, 1, -2.5]);
    expect(finite.notes[0]).toContain('taken as -2.5');
  });

  it('takes what is infinite in single precision as not finite, where that is asked for', () => {
    const data = Float64Array.of(1e39, -1e39, largestSingle, 2);
    expect(withoutNonFinite(data, 'flair.nii').replacedVoxels).toBe(0);
    const finite = withoutNonFinite(data, 'flair.nii', largestSingle);
    expect(Array.from(finite.data)).toEqual([0, 0, largestSingle, 2]);
    expect(Math.fround(largestSingle)).toBe(largestSingle);
  });

  it('refuses an image without a finite value', () => {
    expect(() => withoutNonFinite(Float32Array.of(nan, infinity), 'flair.nii')).toThrow(
      refusal('no finite value'),
    );
  });
});

describe('checkIntensities', () => {
  it.each([
    ['all the same', Uint8Array.of(7, 7, 7), '7 everywhere'],
    ['all zero', new Float32Array(3), '0 everywhere'],
  ])('refuses an image that is %s', (_what, data, found) => {
    expect(() => checkIntensities(volumeOf(data), 'flair.nii')).toThrow(refusal(found));
  });

  it('takes an image of different values', () => {
    expect(() => checkIntensities(volumeOf(Uint8Array.of(7, 7, 8)), 'flair.nii')).not.toThrow();
  });
});
