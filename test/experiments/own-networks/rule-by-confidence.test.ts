import { describe, expect, it } from 'vitest';
import { ruleByConfidence } from '../../../src/experiments/own-networks/rule-by-confidence.js';
import { findLesions } from '../../../src/quantify/lesions.js';
import { judgeCase } from '../../../src/train/choose-post-processing.js';
import { identity } from '../../../src/volume/affine.js';
import { seededRandom } from '../../../src/volume/random.js';
import { onGrid, type Size } from '../../../src/volume/volume.js';

const size: Size = [600, 1, 1];

/**
 * Rows of small and of large places. Small ones are real from a peak of 0.7 on, large ones from 0.9 on,
 * so that no peak alone tells real from false.
 */
function row(seed: number) {
  const random = seededRandom(seed);
  const probability = new Float32Array(size[0]);
  const truth = new Uint8Array(size[0]);
  for (let place = 0; place < 20; place++) {
    const isLarge = place % 2 === 0;
    const peak = 0.5 + 0.49 * random.uniform();
    const isReal = peak >= (isLarge ? 0.9 : 0.7);
    const first = 30 * place + 2;
    for (let at = first; at < first + (isLarge ? 20 : 3); at++) {
      probability[at] = peak;
      truth[at] = Number(isReal);
    }
  }
  const grid = { size, affine: identity };
  return { probability: onGrid(grid, probability), truth: onGrid(grid, truth) };
}

describe('the choice of a rule by confidence', () => {
  const rows = Array.from({ length: 12 }, (_, index) => row(index));
  const exams = rows.map(({ probability, truth }, index) => ({
    judged: judgeCase(probability, truth),
    group: `${index % 4}`,
    isReal: false,
    sliceMm: 1,
  }));
  const { rule, score, found } = ruleByConfidence(exams, 0.3);
  const lesions = found.flat();

  it('asks what is large for more than what is small', () => {
    expect(score.dice).toBeGreaterThan(0.9);
    expect(score.detection).toBeGreaterThan(0.9);
    expect(rule).toMatchObject({ threshold: 0.5, minimumVolumeMm3: 0, keepLargest: false });
    expect(rule.confidence!.perLogVolume).toBeLessThan(0);
  });

  it('makes the mask that was judged, but for the confidence of other groups', () => {
    const inMasks = rows.reduce(
      (sum, { probability }) =>
        sum + findLesions(probability, rule).mask.data.filter((voxel) => voxel !== 0).length,
      0,
    );
    const inLesions = lesions.reduce((sum, { voxels }) => sum + voxels, 0);
    expect(Math.abs(inMasks - inLesions) / inLesions).toBeLessThan(0.1);
    expect(lesions.filter(({ real }) => real).length / lesions.length).toBeGreaterThan(0.9);
  });

  it('finds nothing to learn in cases without anything, and stays finite', () => {
    const grid = { size: [4, 1, 1] as Size, affine: identity };
    const empty = judgeCase(onGrid(grid, new Float32Array(4)), onGrid(grid, new Uint8Array(4)));
    const chosen = ruleByConfidence(
      ['one', 'two'].map((group) => ({ judged: empty, group, isReal: false, sliceMm: 1 })),
      0,
    );
    expect(chosen.score).toEqual({ dice: 1, detection: 1 });
    expect(chosen.rule.threshold).toBe(0.5);
    expect(Object.values(chosen.rule.confidence!).every(Number.isFinite)).toBe(true);
  });
});
