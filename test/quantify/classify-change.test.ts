import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  changeRule,
  classifyChange,
  type GroupMeasures,
} from '../../src/quantify/classify-change.js';
import {
  markingErrorsMl,
  resolutionErrorMl,
  resolutionErrorsMl,
  surfaceOf,
} from '../../src/quantify/volume-error.js';
import { identity, type Mat4 } from '../../src/volume/affine.js';
import { onGrid } from '../../src/volume/volume.js';

const group = (of: Partial<GroupMeasures>): GroupMeasures => ({
  previousVolumeMl: 1,
  currentVolumeMl: 1,
  previousComparedMl: 1,
  currentComparedMl: 1,
  deviationMl: 0.01,
  previousBrightness: 2,
  currentBrightness: 2,
  brightnessRatio: 1,
  ...of,
});
const classOf = (of: Partial<GroupMeasures>) => classifyChange(group(of), changeRule).changeClass;

describe('the class of a lesion', () => {
  it.each([
    [1.29, 'stable'],
    [1.3, 'enlarged'],
    [0.71, 'stable'],
    [0.7, 'shrunken'],
  ] as const)('of %d times its volume is %s', (currentComparedMl, expected) => {
    expect(classOf({ currentComparedMl })).toBe(expected);
  });

  it('is never enlarged or shrunken within the measurement error', () => {
    const volume = fc.double({ min: 1e-3, max: 50, noNaN: true });
    fc.assert(
      fc.property(volume, volume, (previousComparedMl, currentComparedMl) => {
        const deviationMl = Math.abs(currentComparedMl - previousComparedMl) / 2.9;
        const of = classOf({ previousComparedMl, currentComparedMl, deviationMl });
        return of === 'stable' || of === 'uncertain';
      }),
    );
  });

  it('is uncertain where both volumes differ by less than the smallest lesion has', () => {
    expect(classOf({ previousComparedMl: 0.02, currentComparedMl: 0.033 })).toBe('uncertain');
  });

  it('is neither new nor gone where the other exam shows it faintly and finds it probable', () => {
    const marked = { currentVolumeMl: 0, currentComparedMl: 0 };
    const of = (otherProbability?: number, currentBrightness = 1) =>
      classOf({ ...marked, currentBrightness, otherProbability });
    expect([of(), of(0), of(0.3, 0.1), of(0.3)]).toEqual([
      ...Array(3).fill('disappeared'),
      'uncertain',
    ]);
  });

  it('is new only beyond what the other exam can miss', () => {
    const marked = { previousVolumeMl: 0, currentVolumeMl: 0.1, currentComparedMl: 0.1 };
    const of = (previousComparedMl: number) =>
      classOf({ ...marked, previousComparedMl, previousBrightness: 0, deviationMl: 0.01 });
    expect([of(0.01), of(0.08), of(0.2)]).toEqual(['new', 'uncertain', 'uncertain']);
  });

  it('allows for lesions that are brighter in one protocol than in the other', () => {
    const unmarked = { previousVolumeMl: 0, previousComparedMl: 0.1, previousBrightness: 2 };
    expect(classOf({ ...unmarked, currentBrightness: 4, brightnessRatio: 2 })).toBe('uncertain');
    expect(classOf({ ...unmarked, currentBrightness: 4, brightnessRatio: 1 })).toBe('new');
  });
});

describe('the error of a volume', () => {
  const cube = Array.from({ length: 1000 }, (_, voxel) => voxel).filter((voxel) => {
    const index = [voxel % 10, Math.floor(voxel / 10) % 10, Math.floor(voxel / 100)];
    return index.every((at) => at >= 3 && at < 7);
  });

  it('grows with the length of the voxels across the border', () => {
    const surface = surfaceOf(cube, [10, 10, 10]);
    expect(surface).toEqual([32, 32, 32]);
    const thick: Mat4 = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 4, 0, 0, 0, 0, 1];
    const [fine, coarse] = [identity, thick].map((affine) =>
      resolutionErrorMl(surface, affine, identity),
    );
    expect(coarse / fine).toBeCloseTo(2, 10);
  });

  it('is larger where both exams are coarse', () => {
    const total = (first: number, second: number) =>
      Math.hypot(...resolutionErrorsMl(first, second));
    expect(total(1, 1)).toBeCloseTo(Math.sqrt(2 + 2.5 ** 2), 10);
    expect(total(0, 1)).toBe(1);
    expect(total(1, 3)).toBeCloseTo(total(3, 1), 10);
  });

  it('grows where the probabilities around the border are soft', () => {
    const labels = new Int32Array(1000);
    for (const voxel of cube) labels[voxel] = 1;
    const grid = { size: [10, 10, 10], affine: identity } as const;
    const of = (inside: number, outside: number) =>
      markingErrorsMl(
        onGrid(grid, labels),
        onGrid(
          grid,
          Float32Array.from(labels, (id) => (id ? inside : outside)),
        ),
        1,
      )[1];
    // 64 - 8 border voxels.
    expect(of(1, 0)).toBeCloseTo(Math.sqrt(56 / 12) / 1000, 10);
    expect(of(0.6, 0.4)).toBeGreaterThan(5 * of(1, 0));
  });
});
