import { describe, expect, it } from 'vitest';
import type { LesionRule } from '../../src/model/lesion-rule.js';
import { lesionTable } from '../../src/quantify/lesion-table.js';
import { findLesions } from '../../src/quantify/lesions.js';
import type { Mat4 } from '../../src/volume/affine.js';
import type { Volume } from '../../src/volume/volume.js';

const rule: LesionRule = {
  threshold: 0.5,
  minimumVolumeMm3: 3,
  keepLargest: false,
  connectivity: 26,
};
/** x runs to the left, as in most clinical files; voxels of 1 x 1 x 3 mm. */
const affine: Mat4 = [-1, 0, 0, 10, 0, 1, 0, -20, 0, 0, 3, 5, 0, 0, 0, 1];

function probabilityWith(voxels: readonly (readonly [number, number, number, number])[]) {
  const data = new Float32Array(8 * 8 * 4);
  for (const [i, j, k, value] of voxels) data[i + 8 * (j + 8 * k)] = value;
  return { data, size: [8, 8, 4], affine } as Volume<Float32Array>;
}

describe('findLesions', () => {
  it('measures a lesion on the grid it is given', () => {
    const { list, volumeMl, mask } = findLesions(
      probabilityWith([
        [2, 3, 1, 0.5],
        [3, 3, 1, 1],
        [3, 4, 1, 0.75],
      ]),
      rule,
    );
    expect(list).toHaveLength(1);
    expect(list[0]).toMatchObject({
      id: 1,
      sizeVoxels: 3,
      meanProbability: 0.75,
      maxProbability: 1,
    });
    expect(volumeMl).toBeCloseTo(0.009, 12);
    expect(list[0].centroidMm[0]).toBeCloseTo(10 - 8 / 3, 12);
    expect(list[0].centroidMm[1]).toBeCloseTo(-20 + 10 / 3, 12);
    expect(list[0].centroidMm[2]).toBeCloseTo(8, 12);
    expect(list[0].extentMm).toEqual([2, 2, 3]);
    expect(list[0].boxVoxels).toEqual({ first: [2, 3, 1], last: [3, 4, 1] });
    expect(mask.data.reduce((sum, value) => sum + value, 0)).toBe(3);
  });

  it('drops components of exactly the minimum volume and keeps larger ones', () => {
    const { list } = findLesions(
      probabilityWith([
        [0, 0, 0, 1],
        [5, 5, 2, 1],
        [6, 6, 2, 1],
      ]),
      rule,
    );
    expect(list.map((lesion) => lesion.sizeVoxels)).toEqual([2]);
  });

  it('asks for a confidence that knows all that is above the threshold, lesions or not', () => {
    // The logarithm of the mean volume alone: 9 mm3 are 0.9, and so are both lesions.
    const confidence = {
      intercept: 0,
      perLogOdds: 0,
      perLogVolume: 0,
      perLogMeanVolume: 1,
      minimum: 0.8,
    };
    const large: [number, number, number, number][] = [1, 2, 3, 4].map((j) => [1, j, 0, 0.9]);
    const small: [number, number, number, number][] = [1, 2].map((j) => [5, j, 0, 0.9]);
    const both = { ...rule, confidence };
    const ofBoth = findLesions(probabilityWith([...large, ...small]), both).list;
    expect(ofBoth.map((lesion) => lesion.confidence!.toFixed(6))).toEqual(['0.900000', '0.900000']);
    // Alone the small one has a mean of 6 mm3; a rule that drops it still knows of it.
    const [alone] = findLesions(probabilityWith(small), both).list;
    expect(alone.confidence).toBeCloseTo(6 / 7, 12);
    const onlyLarge = findLesions(probabilityWith([...large, ...small]), {
      ...both,
      minimumVolumeMm3: 9,
    });
    expect(onlyLarge.list.map((lesion) => lesion.confidence!.toFixed(6))).toEqual(['0.900000']);
    const asks = { ...both, confidence: { ...confidence, minimum: 0.88 } };
    expect(findLesions(probabilityWith(small), asks).list).toEqual([]);
  });

  it('counts voxels that touch by a corner as one lesion only with connectivity 26', () => {
    const probability = probabilityWith([
      [1, 1, 1, 1],
      [2, 2, 2, 1],
    ]);
    const count = (connectivity: 6 | 18 | 26) =>
      findLesions(probability, { ...rule, minimumVolumeMm3: 0, connectivity }).list.length;
    expect([count(6), count(18), count(26)]).toEqual([2, 2, 1]);
  });

  it('orders lesions by size, equal ones by their place in memory', () => {
    const { list } = findLesions(
      probabilityWith([
        [7, 0, 0, 1],
        [0, 0, 0, 1],
        [3, 3, 1, 1],
        [3, 4, 1, 1],
      ]),
      { ...rule, minimumVolumeMm3: 0 },
    );
    expect(list.map((lesion) => lesion.boxVoxels.first)).toEqual([
      [3, 3, 1],
      [0, 0, 0],
      [7, 0, 0],
    ]);
  });

  it('gives an empty list, an empty mask and a table with only its header for no lesion', () => {
    const lesions = findLesions(probabilityWith([]), rule);
    expect(lesions.list).toEqual([]);
    expect(lesions.volumeMl).toBe(0);
    expect(lesions.mask.data.every((value) => value === 0)).toBe(true);
    expect(lesionTable(lesions.list).split('\n')).toHaveLength(2);
  });
});
