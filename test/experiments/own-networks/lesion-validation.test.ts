import { describe, expect, it } from 'vitest';
import {
  chooseLesionRule,
  detectionBySize,
} from '../../../src/experiments/own-networks/lesion-validation.js';
import { ruleForImage } from '../../../src/model/lesion-rule.js';
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

describe('the choice of a rule', () => {
  /** An exam whose lesions are brighter than a threshold, which is another in thick slices. */
  const examOf = (group: number, sliceMm: number, from: number) => {
    const peaks = Array.from({ length: 18 }, (_, place) => 0.1 + 0.05 * ((place + group) % 18));
    const runs = peaks.map((value, place) => ({ first: 2 + 15 * place, length: 8, value }));
    const truth = row(
      ...runs.filter(({ value }) => value >= from).map((run) => ({ ...run, value: 1 })),
    );
    const judged = judgeCase(row(...runs), onGrid(truth, Uint8Array.from(truth.data)));
    return { judged, group: `${group}`, isReal: false, sliceMm };
  };
  const groups = [0, 1, 2, 3];
  const thin = groups.map((group) => examOf(group, 1, 0.28));
  const thick = groups.map((group) => examOf(group, 6, 0.68));
  const inSlices = (mm: number) => ({
    size: [9, 9, 9] as Size,
    affine: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, mm, 0, 0, 0, 0, 1] as const,
  });

  it('is made in thin and in thick slices apart', () => {
    const { rule, score } = chooseLesionRule([...thin, ...thick]);
    expect(rule.thinSlices!.upToMm).toBe(5);
    expect(ruleForImage(rule, inSlices(5)).threshold).toBe(rule.thinSlices!.threshold);
    expect(ruleForImage(rule, inSlices(5.1)).threshold).toBe(rule.threshold);
    expect(rule.thinSlices!.threshold).toBeLessThan(rule.threshold);
    expect(ruleForImage(rule, inSlices(3)).thinSlices).toBeUndefined();
    expect(score.dice).toBeGreaterThan(0.95);
  });

  it('is made by real exams alone, where there are any', () => {
    const real = thick.map((exam) => ({ ...exam, isReal: true }));
    const others = groups.map((group) => examOf(group + 4, 6, 0.28));
    expect(chooseLesionRule([...real, ...others]).rule).toEqual(chooseLesionRule(thick).rule);
    expect(chooseLesionRule([...real, ...others, ...thin]).rule.thinSlices).toEqual(
      chooseLesionRule([...thick, ...thin]).rule.thinSlices,
    );
  });

  it('is one for all where all slices are alike', () => {
    expect(chooseLesionRule(thick).rule.thinSlices).toBeUndefined();
    expect(chooseLesionRule(thin).rule.thinSlices).toBeUndefined();
  });
});
