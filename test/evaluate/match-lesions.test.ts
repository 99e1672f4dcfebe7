import { describe, expect, it } from 'vitest';
import { definitions } from '../../src/evaluate/definitions.js';
import { type LesionOverlap, lesionsOf } from '../../src/evaluate/lesion-overlap.js';
import { matchLesions } from '../../src/evaluate/match-lesions.js';
import { maskOfSize } from './perturb.js';

/** Lesions of the sizes given; shared voxels as [reference, prediction, voxels]. */
function overlap(
  referenceSizes: number[],
  predictionSizes: number[],
  shared: [number, number, number][],
): LesionOverlap {
  return {
    referenceSizes,
    predictionSizes,
    shared: shared.map(([reference, prediction, voxels]) => ({ reference, prediction, voxels })),
  };
}

describe('the overlap rule', () => {
  const detected = (lesions: LesionOverlap) =>
    matchLesions(lesions, definitions.anima.match).detected[0];

  it.each([
    ['a tenth covered is not enough', overlap([10], [1], [[0, 0, 1]]), false],
    ['a little more than a tenth is', overlap([19], [2], [[0, 0, 2]]), true],
    ['seven tenths outside are allowed', overlap([10], [10], [[0, 0, 3]]), true],
    ['more than seven tenths outside are not', overlap([10], [11], [[0, 0, 3]]), false],
    [
      // 13 of 20 covered voxels are exactly 0.65: the second lesion, mostly outside, is not looked at.
      'what comes after 65 % of the cover does not matter',
      overlap(
        [20],
        [13, 100],
        [
          [0, 0, 13],
          [0, 1, 7],
        ],
      ),
      true,
    ],
    [
      // 7/20 + 6/20 is 0.6499999999999999 in double precision, as in the reference: the third counts.
      'two covers of 7 and 6 twentieths do not reach 65 % in double precision',
      overlap(
        [20],
        [7, 6, 90],
        [
          [0, 0, 7],
          [0, 1, 6],
          [0, 2, 7],
        ],
      ),
      false,
    ],
    ['a lesion that nothing covers is lost', overlap([10], [10], []), false],
  ] as const)('%s', (_contract, lesions, expected) => {
    expect(detected(lesions)).toBe(expected);
  });

  it('counts only voxels outside all lesions of the other mask as outside', () => {
    // One prediction over two lesions: 6 of 10 voxels in the first, 4 in the second, none outside.
    const lesions = overlap(
      [8, 6],
      [10],
      [
        [0, 0, 6],
        [1, 0, 4],
      ],
    );
    expect(matchLesions(lesions, definitions.anima.match).detected).toEqual([true, true]);
  });
});

describe('the one-to-one rule', () => {
  it('accepts an intersection over union of exactly one half, and gives each lesion one partner', () => {
    const lesions = overlap(
      [2, 4],
      [4, 4],
      [
        [0, 0, 2],
        [1, 0, 2],
        [1, 1, 4],
      ],
    );
    const { detected, confirmed, pairIous } = matchLesions(lesions, definitions.panoptica.match);
    expect(detected).toEqual([true, true]);
    expect(confirmed).toEqual([true, true]);
    expect(pairIous).toEqual([1, 0.5]);
  });
});

describe('the minimum size', () => {
  it.each([
    // voxel size in mm, run of voxels along x, kept?
    [[1, 1, 1], 3, false],
    [[1, 1, 1], 4, true],
    [[0.5, 0.5, 3], 4, false],
    [[0.5, 0.5, 3], 5, true],
    [[1, 1, Math.fround(0.6)], 5, true],
    [[1, 1, 0.6], 5, false],
  ])('is strict: voxels of %j mm, %i of them', ([dx, dy, dz], run, kept) => {
    const mask = maskOfSize([8, 2, 2]);
    mask.data.fill(1, 0, run);
    const { sizesVoxels } = lesionsOf(mask, 6, 3, dx * dy * dz);
    expect(sizesVoxels).toEqual(kept ? [run] : []);
  });
});
