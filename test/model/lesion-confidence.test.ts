import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { confidencesOf, fitConfidence } from '../../src/model/lesion-confidence.js';
import { seededRandom } from '../../src/volume/random.js';

const model = { intercept: -4, perLogOdds: 0.8, perLogVolume: 0.4, perLogMeanVolume: 0.7 };

const lesion = fc.record({
  maxProbability: fc.double({ min: 0, max: 1, noNaN: true }),
  volumeMl: fc.double({ min: 1e-4, max: 100, noNaN: true }),
});

describe('the confidence of a lesion', () => {
  it('is known for known lesions', () => {
    // Log odds 0, volumes of 1 and e^4 mm3; what is up to 3 mm3 does not count for the mean: it is e^4.
    const found = [
      { maxProbability: 0.5, volumeMl: 0.001 },
      { maxProbability: 0.5, volumeMl: 0.001 * Math.exp(4) },
    ];
    // -4 + 0.7 * 4, and 0.4 * 4 more.
    const [speck, large] = confidencesOf(model, found);
    expect(speck).toBeCloseTo(1 / (1 + Math.exp(1.2)), 12);
    expect(large).toBeCloseTo(1 / (1 + Math.exp(-0.4)), 12);
  });

  it('takes 3 mm3 for the mean where all is smaller', () => {
    const ofMean = { intercept: 0, perLogOdds: 0, perLogVolume: 0, perLogMeanVolume: 1 };
    const specks = [0.001, 0.003].map((volumeMl) => ({ maxProbability: 0.9, volumeMl }));
    for (const confidence of confidencesOf(ofMean, specks))
      expect(confidence).toBeCloseTo(0.75, 12);
    expect(confidencesOf(ofMean, [])).toEqual([]);
  });

  it('lies between 0 and 1 and grows with probability and volume', () => {
    fc.assert(
      fc.property(lesion, fc.double({ min: 1, max: 3, noNaN: true }), (one, factor) => {
        const [confidence] = confidencesOf(model, [one]);
        expect(confidence).toBeGreaterThanOrEqual(0);
        expect(confidence).toBeLessThanOrEqual(1);
        const more = {
          maxProbability: Math.min(1, one.maxProbability * factor),
          volumeMl: one.volumeMl * factor,
        };
        expect(confidencesOf(model, [more])[0]).toBeGreaterThanOrEqual(confidence);
      }),
    );
  });

  it('does not depend on the order of what was found', () => {
    fc.assert(
      fc.property(fc.array(lesion, { maxLength: 8 }), (found) => {
        const there = confidencesOf(model, found);
        const back = confidencesOf(model, found.toReversed()).reverse();
        for (const [index, value] of there.entries()) expect(back[index]).toBeCloseTo(value, 9);
      }),
    );
  });

  it('is learned from exams that follow a model, of few components as of many', () => {
    const random = seededRandom(11);
    const exams = Array.from({ length: 4000 }, () => {
      const logMean = 2 + 4 * random.uniform();
      const found = Array.from({ length: 1 + random.integer(12) }, () => ({
        maxProbability: 0.05 + 0.9 * random.uniform(),
        volumeMl: 0.001 * Math.exp(logMean + 2 * random.uniform() - 1),
      }));
      const confidences = confidencesOf(model, found);
      return found.map((one, index) => ({ ...one, real: random.uniform() < confidences[index] }));
    });
    const fitted = fitConfidence(exams);
    expect(fitted.intercept).toBeCloseTo(model.intercept, 0);
    expect(fitted.perLogOdds).toBeCloseTo(model.perLogOdds, 1);
    expect(fitted.perLogVolume).toBeCloseTo(model.perLogVolume, 1);
    expect(fitted.perLogMeanVolume).toBeCloseTo(model.perLogMeanVolume, 1);
    // Right on average, every exam counting the same: so is every regression with an intercept.
    const mean = (values: readonly number[]) =>
      values.reduce((sum, value) => sum + value, 0) / values.length;
    const said = mean(exams.map((found) => mean(confidencesOf(fitted, found))));
    expect(said).toBeCloseTo(mean(exams.map((found) => mean(found.map((one) => +one.real)))), 6);
  });

  it('stays finite where all lesions are real, none is, or there are none', () => {
    const one = { maxProbability: 0.9, volumeMl: 0.1 };
    for (const exams of [[], [[]], [[{ ...one, real: true }]], [[{ ...one, real: false }], []]]) {
      expect(Object.values(fitConfidence(exams)).every(Number.isFinite)).toBe(true);
    }
  });
});
