import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { definitions } from '../../src/evaluate/definitions.js';
import { evaluatePair } from '../../src/evaluate/evaluate-pair.js';
import { pairMasks } from '../../src/evaluate/mask-pair.js';
import { lesionsAmong, msseg } from '../../src/model/lesion-rule.js';
import { findLesions } from '../../src/quantify/lesions.js';
import {
  bestRule,
  candidateRules,
  diceByRule,
  isReal,
  judgeCase,
  lesionsHit,
  scoreOf,
} from '../../src/train/choose-post-processing.js';
import type { Mat4 } from '../../src/volume/affine.js';
import { seededRandom } from '../../src/volume/random.js';
import { onGrid } from '../../src/volume/volume.js';

const affine: Mat4 = [2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1.5, 0, 0, 0, 0, 1];

describe('the choice of threshold and minimum volume', () => {
  it('scores each rule by the Dice similarity of the mask that it makes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 60, maxLength: 60 }),
        fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }),
        (values, marks) => {
          const grid = { size: [5, 4, 3] as const, affine };
          const probability = onGrid(
            grid,
            Float32Array.from(values, (value) => value / 20),
          );
          const reference = onGrid(grid, Uint8Array.from(marks, Number));
          const dice = diceByRule(probability, reference);
          for (const [index, rule] of candidateRules.entries()) {
            const mask = findLesions(probability, rule).mask.data;
            let [both, sum] = [0, 0];
            for (let at = 0; at < 60; at++) {
              both += mask[at] & reference.data[at];
              sum += mask[at] + reference.data[at];
            }
            expect(dice[index]).toBeCloseTo(sum === 0 ? 1 : (2 * both) / sum, 12);
          }
        },
      ),
      { numRuns: 15, seed: 4 },
    );
  });

  it('finds lesions by the definition `tenth-overlap`', () => {
    const random = seededRandom(11);
    const grid = { size: [12, 10, 8] as const, affine };
    const drawn = () =>
      onGrid(
        grid,
        Uint8Array.from({ length: 960 }, () => (random.uniform() < 0.08 ? 1 : 0)),
      );
    const [prediction, reference] = [drawn(), drawn()];
    const judged = judgeCase(prediction, reference);
    const found = judged.componentsByThreshold.get(0.5)!;
    const pair = pairMasks(reference, prediction);
    const { lesionwise } = evaluatePair(pair, definitions['tenth-overlap']);
    const hit = lesionsHit(judged.lesionSizesVoxels, found).reduce((sum, one) => sum + one, 0);
    expect([hit, found.filter(isReal).length]).toEqual([
      lesionwise!.detectedLesions,
      lesionwise!.confirmedLesions,
    ]);
    expect(hit).toBeGreaterThan(0);
  });

  it('finds the threshold and the size that separate lesions from specks', () => {
    const grid = { size: [12, 1, 1] as const, affine };
    // Lesions of 4 voxels (12 mm3) at 0.4, a speck of one voxel at 0.9, haze at 0.3.
    const probability = Float32Array.of(0.4, 0.4, 0.4, 0.4, 0.3, 0, 0.9, 0, 0.4, 0.4, 0.4, 0.4);
    const reference = Uint8Array.of(1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1);
    const { rule, meanScore } = bestRule([
      diceByRule(onGrid(grid, probability), onGrid(grid, reference)),
    ]);
    expect(rule).toEqual({ ...msseg, threshold: 0.4 });
    expect(meanScore).toBe(1);
  });

  it('keeps the faint border of what is sure, and drops what is faint everywhere, by the peak', () => {
    const grid = { size: [9, 1, 1] as const, affine };
    const probability = onGrid(grid, Float32Array.of(0.4, 0.9, 0.4, 0, 0.6, 0.6, 0.6, 0.6, 0));
    const reference = onGrid(grid, Uint8Array.of(1, 1, 1, 0, 0, 0, 0, 0, 0));
    const judged = judgeCase(probability, reference);
    const { rule } = bestRule([diceByRule(probability, reference)]);
    const scoreWith = (rule: (typeof candidateRules)[number]) =>
      scoreOf(judged, lesionsAmong(judged.componentsByThreshold.get(rule.threshold)!, rule), 0);
    expect(rule).toMatchObject({ threshold: 0.4, minimumPeak: 0.7 });
    expect(Array.from(findLesions(probability, rule).mask.data)).toEqual(
      Array.from(reference.data),
    );
    expect(scoreWith(rule)).toEqual({ dice: 1, detection: 1 });
    // At 0.5 both are found, one of them wrongly; one more lesion counts as right.
    expect(scoreWith(candidateRules[0]).detection).toBeCloseTo((1 + 1 + 2) / (1 + 2 + 2), 12);
  });

  it('counts a false speck for little where there are no lesions, when Dice similarity is smoothed', () => {
    const grid = { size: [12, 1, 1] as const, affine };
    // One voxel of 3 mm3, and nothing to find.
    const probability = onGrid(grid, Float32Array.of(0.9, ...Array<number>(11).fill(0)));
    const reference = onGrid(grid, new Uint8Array(12));
    expect(diceByRule(probability, reference)[0]).toBe(0);
    expect(diceByRule(probability, reference, 0.3)[0]).toBeCloseTo(0.3 / 0.303, 10);
    const strict = candidateRules.findIndex(({ threshold }) => threshold === 0.95);
    expect(diceByRule(probability, reference, 0.3)[strict]).toBe(1);
  });

  it('stays with the plain threshold of 0.5 where nothing is better', () => {
    const grid = { size: [2, 1, 1] as const, affine };
    const scores = diceByRule(
      onGrid(grid, Float32Array.of(1, 0)),
      onGrid(grid, Uint8Array.of(1, 0)),
    );
    expect(bestRule([scores]).rule).toEqual({
      threshold: 0.5,
      minimumVolumeMm3: 0,
      keepLargest: false,
      connectivity: 26,
    });
  });
});
