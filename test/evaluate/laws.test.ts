import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Definition, definitionNames, definitions } from '../../src/evaluate/definitions.js';
import { evaluatePair } from '../../src/evaluate/evaluate-pair.js';
import { pairMasks } from '../../src/evaluate/mask-pair.js';
import type { Mat4 } from '../../src/volume/affine.js';
import { type Mask, onGrid } from '../../src/volume/volume.js';
import { lcg, maskOfSize, perturb, tinyPair } from './perturb.js';

const kinds = ['shift', 'erode', 'split', 'drop+add', 'ragged', 'empty', 'merge', 'shift+drop+add'];
const pairs = fc.record({ seed: fc.nat(1e6), kind: fc.constantFrom(...kinds) });
type Made = { seed: number; kind: string };
const make = (made: Made) =>
  tinyPair({ ...made, spacingMm: [1, 1, 1], swapped: false, voxels: [0, 0] });
const axes = [0, 1, 2] as const;
const once = { seed: 20261123, numRuns: 40 };

function flipped(mask: Mask, axis: 0 | 1 | 2): Mask {
  const [nx, ny, nz] = mask.size;
  const data = new Uint8Array(mask.data.length);
  for (let k = 0, at = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++) {
      for (let i = 0; i < nx; i++, at++) {
        const [x, y, z] = [i, j, k].map((index, a) =>
          a === axis ? mask.size[a] - 1 - index : index,
        );
        data[x + nx * (y + ny * z)] = mask.data[at];
      }
    }
  }
  return onGrid(mask, data);
}

it('voxels off right angles have the volume that they enclose', () => {
  const [reference, prediction] = make({ seed: 3, kind: 'shift' });
  const [cosine, sine] = [Math.cos(Math.PI / 9), Math.sin(Math.PI / 9)];
  const affine = [...[1, sine, 0, 0], ...[0, cosine, 0, 0], ...[0, 0, 3, 0], ...[0, 0, 0, 1]];
  const sheared = { ...reference, affine: affine as unknown as Mat4 };
  expect(pairMasks(sheared, prediction).voxelVolumeMm3).toBeCloseTo(3 * cosine, 6);
});

describe.each(definitionNames)('under %s', (name) => {
  const definition: Definition = definitions[name];
  const evaluate = (reference: Mask, prediction: Mask) =>
    evaluatePair(pairMasks(reference, prediction, [0.7, 0.9, 2]), definition);

  it('exchanging reference and prediction exchanges precision and recall and keeps the rest', () => {
    fc.assert(
      fc.property(pairs, (made) => {
        const [reference, prediction] = make(made);
        const there = evaluate(reference, prediction);
        const back = evaluate(prediction, reference);
        expect(back.dsc).toBe(there.dsc);
        expect(back.precision).toBe(there.recall);
        expect(back.surface?.assdMm).toBe(there.surface?.assdMm);
        expect(back.surface?.hd95Mm).toBe(there.surface?.hd95Mm);
        expect(back.lesionwise?.detectedLesions).toBe(there.lesionwise?.confirmedLesions);
        const emptyOrSmall = there.lesionwise?.f1 === null || back.lesionwise?.f1 === null;
        if (!emptyOrSmall) expect(back.lesionwise?.f1).toBe(there.lesionwise?.f1);
      }),
      once,
    );
  });

  // Only a tie between equal overlaps is broken by the order in memory, which a flip turns around.
  it('flipping both masks along an axis keeps the voxel figures and the counts of lesions', () => {
    fc.assert(
      fc.property(pairs, fc.constantFrom(...axes), (made, axis) => {
        const [reference, prediction] = make(made);
        const there = evaluate(reference, prediction);
        const back = evaluate(flipped(reference, axis), flipped(prediction, axis));
        expect(back.dsc).toBe(there.dsc);
        expect(Math.fround(back.surface?.hd95Mm ?? 0)).toBe(
          Math.fround(there.surface?.hd95Mm ?? 0),
        );
        expect(back.lesionwise?.referenceLesions).toBe(there.lesionwise?.referenceLesions);
        expect(back.lesionwise?.predictedLesions).toBe(there.lesionwise?.predictedLesions);
        expect(back.lesionwise?.f1).toBe(there.lesionwise?.f1);
      }),
      once,
    );
  });

  it('F1 lies between precision and recall', () => {
    fc.assert(
      fc.property(pairs, (made) => {
        const [reference, prediction] = make(made);
        const { precision, recall, f1 } = evaluate(reference, prediction).lesionwise ?? {};
        if (precision == null || recall == null || f1 == null) return;
        expect(f1).toBeGreaterThanOrEqual(Math.min(precision, recall) - 1e-12);
        expect(f1).toBeLessThanOrEqual(Math.max(precision, recall) + 1e-12);
      }),
      once,
    );
  });

  it('a mask agrees perfectly with itself', () => {
    fc.assert(
      fc.property(pairs, (made) => {
        const [reference] = make(made);
        const { dsc, surface, lesionwise } = evaluate(reference, reference);
        expect(dsc).toBe(1);
        expect(surface?.hd95Mm).toBe(0);
        if (lesionwise?.referenceLesions) expect(lesionwise.f1).toBe(1);
      }),
      once,
    );
  });

  it('size classes add up to the whole', () => {
    fc.assert(
      fc.property(pairs, (made) => {
        const [reference, prediction] = make(made);
        const { lesionwise } = evaluate(reference, prediction);
        if (!lesionwise) return;
        const sum = (key: 'referenceLesions' | 'detectedLesions' | 'confirmedLesions') =>
          lesionwise.bySize.reduce((total, sizeClass) => total + sizeClass[key], 0);
        expect(sum('referenceLesions')).toBe(lesionwise.referenceLesions);
        expect(sum('detectedLesions')).toBe(lesionwise.detectedLesions);
        expect(sum('confirmedLesions')).toBe(lesionwise.confirmedLesions);
      }),
      once,
    );
  });
});

describe('a pair', () => {
  it('does not depend on how much empty image surrounds it', () => {
    const below = lcg(5);
    const mask = maskOfSize([30, 30, 30]);
    for (let voxel = 0; voxel < 4000; voxel++) {
      const [i, j, k] = [8 + below(12), 8 + below(12), 8 + below(12)];
      mask.data[i + 30 * (j + 30 * k)] = 1;
    }
    const changed = perturb(mask, 'shift', 3);
    const cutOut = (whole: Mask): Mask => {
      const part = maskOfSize([20, 20, 20]);
      for (let k = 0; k < 20; k++) {
        for (let j = 0; j < 20; j++) {
          const from = 5 + 30 * (j + 5 + 30 * (k + 5));
          part.data.set(whole.data.subarray(from, from + 20), 20 * (j + 20 * k));
        }
      }
      return part;
    };
    const [large, small] = [pairMasks(mask, changed), pairMasks(cutOut(mask), cutOut(changed))].map(
      (pair) => ({ ...evaluatePair(pair, definitions.anima), specificity: 0 }),
    );
    expect(small).toEqual(large);
  });

  it('needs masks of one size', () => {
    expect(() => pairMasks(maskOfSize([2, 2, 2]), maskOfSize([2, 2, 3]))).toThrow(RangeError);
  });
});
