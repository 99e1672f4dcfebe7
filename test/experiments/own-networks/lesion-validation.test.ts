import { describe, expect, it } from 'vitest';
import { detectionBySize } from '../../../src/experiments/own-networks/lesion-validation.js';
import { judgeCase } from '../../../src/train/choose-post-processing.js';
import { identity } from '../../../src/volume/affine.js';
import { onGrid, type Size } from '../../../src/volume/volume.js';

/** A row of voxels of 1 mm3, with runs of them from `first` on. */
function row(...runs: { first: number; length: number; value: number }[]) {
  const data = new Float32Array(300);
  for (const { first, length, value } of runs) data.fill(value, first, first + length);
  return onGrid({ size: [300, 1, 1] as Size, affine: identity }, data);
}

describe('what is found, by size', () => {
  const truth = row(
    { first: 2, length: 2, value: 1 },
    { first: 10, length: 14, value: 1 },
    { first: 40, length: 15, value: 1 },
    { first: 100, length: 100, value: 1 },
  );
  const probability = row(
    { first: 20, length: 30, value: 0.8 }, // 4 of the lesion of 14 mm3, 10 of that of 15
    { first: 195, length: 60, value: 0.8 }, // 5 of the lesion of 100 mm3: less than a tenth
    { first: 290, length: 3, value: 0.8 },
  );
  const judged = judgeCase(probability, onGrid(truth, Uint8Array.from(truth.data)));
  const bySize = detectionBySize([judged], [judged.componentsByThreshold.get(0.5)!]);

  it('counts lesions by their own size and marks by theirs, a bound to the smaller ones', () => {
    expect(bySize).toEqual([
      { fromMm3: 0, toMm3: 3, lesions: 1, hit: 0, found: 1, real: 0 },
      { fromMm3: 3, toMm3: 14, lesions: 1, hit: 1, found: 0, real: 0 },
      { fromMm3: 14, toMm3: 50, lesions: 1, hit: 1, found: 1, real: 1 },
      { fromMm3: 50, toMm3: 200, lesions: 1, hit: 0, found: 1, real: 0 },
      { fromMm3: 200, toMm3: 1000, lesions: 0, hit: 0, found: 0, real: 0 },
      { fromMm3: 1000, toMm3: Number.POSITIVE_INFINITY, lesions: 0, hit: 0, found: 0, real: 0 },
    ]);
  });

  it('has nothing to count where there is no exam', () => {
    expect(detectionBySize([], []).every(({ lesions, found }) => lesions + found === 0)).toBe(true);
  });
});
