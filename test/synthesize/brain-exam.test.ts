import { describe, expect, it } from 'vitest';
import { inSlicesOfFlair } from '../../src/synthesize/brain-exam.js';
import type { PatchParameters } from '../../src/synthesize/patch.js';
import { applyToPoint } from '../../src/volume/affine.js';
import { onGrid, type Size } from '../../src/volume/volume.js';

/** 40 voxels of 1 mm along z, with runs of value 1 in one column. */
const grid = { size: [1, 1, 40] as Size, affine: [1, 0, 0, 5, 0, 1, 0, 6, 0, 0, 1, 7, 0, 0, 0, 1] };
const run = (from: number, to: number) =>
  Uint8Array.from({ length: 40 }, (_, z) => (z >= from && z <= to ? 1 : 0));
const exam = {
  exam: {
    flair: onGrid(
      grid as never,
      Float32Array.from({ length: 40 }, (_, z) => z),
    ),
    brain: onGrid(grid as never, run(0, 30)),
  },
  truth: onGrid(grid as never, run(9, 15)),
};
const slices = (distanceMm: number, phase: number) =>
  ({
    sequences: {
      flair: { slicing: { bodyAxis: 2, distanceMm, thicknessMm: 5, inPlaneMm: 1 }, phase },
    },
  }) as unknown as PatchParameters;

describe('a synthetic brain in the slices of its FLAIR', () => {
  it('has a voxel a slice, which lies where the slice does', () => {
    const { exam: sliced, truth } = inSlicesOfFlair(exam, slices(6, 0.5));
    expect(truth.size).toEqual([1, 1, 7]);
    expect([...sliced.flair.data]).toEqual(
      [3, 9, 15, 21, 27, 33, 39].map((z) => expect.closeTo(z, 4)),
    );
    expect(applyToPoint(sliced.flair.affine, [0, 0, 2])).toEqual([5, 6, 22]);
  });

  it('is lesion and brain where half of a slice is', () => {
    const { exam: sliced, truth } = inSlicesOfFlair(exam, slices(6, 2 / 3));
    // Slices in the middle of 4, 10, 16, 22, 28 and 34 mm.
    expect([...truth.data]).toEqual([0, 1, 0, 0, 0, 0]);
    expect([...sliced.brain.data]).toEqual([1, 1, 1, 1, 1, 0]);
  });

  it('stays as it is in thin slices', () => {
    expect(inSlicesOfFlair(exam, slices(1, 0.3))).toEqual(exam);
  });
});
