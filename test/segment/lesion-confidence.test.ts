import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { confidenceOf, fitConfidence } from '../../src/segment/lesion-confidence.js';
import { seededRandom } from '../../src/volume/random.js';

const model = { intercept: -2, perLogOdds: 0.8, perLogVolume: 0.4 };

describe('the confidence of a lesion', () => {
  it('is known for known lesions', () => {
    // Log odds 0, log of 1 mm3 is 0.
    expect(confidenceOf(model, { maxProbability: 0.5, volumeMl: 0.001 })).toBeCloseTo(0.1192, 4);
    expect(confidenceOf(model, { maxProbability: 0.5, volumeMl: 0.001 * Math.exp(5) })).toBeCloseTo(
      0.5,
      10,
    );
  });

  it('lies between 0 and 1 and grows with probability and volume', () => {
    const lesion = fc.record({
      maxProbability: fc.double({ min: 0, max: 1, noNaN: true }),
      volumeMl: fc.double({ min: 1e-4, max: 100, noNaN: true }),
    });
    fc.assert(
      fc.property(lesion, fc.double({ min: 1, max: 3, noNaN: true }), (one, factor) => {
        const confidence = confidenceOf(model, one);
        expect(confidence).toBeGreaterThanOrEqual(0);
        expect(confidence).toBeLessThanOrEqual(1);
        const more = {
          maxProbability: Math.min(1, one.maxProbability * factor),
          volumeMl: one.volumeMl * factor,
        };
        expect(confidenceOf(model, more)).toBeGreaterThanOrEqual(confidence);
      }),
    );
  });

  it('is learned from lesions that follow a model', () => {
    const random = seededRandom(11);
    const lesions = Array.from({ length: 20_000 }, () => {
      const lesion = {
        maxProbability: 0.05 + 0.9 * random.uniform(),
        volumeMl: 0.003 * Math.exp(6 * random.uniform()),
      };
      return { ...lesion, real: random.uniform() < confidenceOf(model, lesion) };
    });
    const fitted = fitConfidence(lesions);
    expect(fitted.intercept).toBeCloseTo(model.intercept, 0);
    expect(fitted.perLogOdds).toBeCloseTo(model.perLogOdds, 1);
    expect(fitted.perLogVolume).toBeCloseTo(model.perLogVolume, 1);
    // The fit is right on average, as every logistic regression with an intercept.
    const said = lesions.reduce((sum, lesion) => sum + confidenceOf(fitted, lesion), 0);
    expect(said).toBeCloseTo(lesions.filter(({ real }) => real).length, 3);
  });

  it('stays finite where all lesions are real, none is, or there are none', () => {
    const lesion = { maxProbability: 0.9, volumeMl: 0.1 };
    for (const lesions of [[], [{ ...lesion, real: true }], [{ ...lesion, real: false }]]) {
      expect(Object.values(fitConfidence(lesions)).every(Number.isFinite)).toBe(true);
    }
  });
});
