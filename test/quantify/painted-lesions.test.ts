import { describe, expect, it } from 'vitest';
import {
  type PaintableExam,
  paintedVolumesMm3,
  paintLesions,
} from '../../src/quantify/painted-lesions.js';
import { identity } from '../../src/volume/affine.js';
import { maskWhere, onGrid, type Volume } from '../../src/volume/volume.js';
import { drawnExam } from '../support/report-exam.js';

const centreMm = [30, 20, 20] as const;

describe('painted lesions', () => {
  const grid = { voxelMm: [2, 2, 3], size: [80, 90, 46] } as const;
  const drawn = drawnExam({ ...grid, blobs: [{ centreMm, radiusMm: 9 }] });
  const exam = { ...drawn, otherLesions: drawnExam(grid).lesions, toOther: identity };
  const { flair, painted } = paintLesions(exam, 1);

  it('are of every volume, as often, and the same for the same seed', () => {
    const counts = paintedVolumesMm3.map(
      (volumeMm3) => painted.filter((lesion) => lesion.volumeMm3 === volumeMm3).length,
    );
    expect(Math.min(...counts)).toBeGreaterThan(0);
    expect(paintLesions(exam, 1).painted).toEqual(painted);
    expect(paintLesions(exam, 2).painted).not.toEqual(painted);
  });

  it('fill about their volume, in the brain and far from each other and from lesions', () => {
    const large = painted.filter(({ volumeMm3 }) => volumeMm3 >= 120);
    const voxels = large.reduce((sum, lesion) => sum + lesion.voxels.length, 0);
    const share = (2 * 2 * 3 * voxels) / large.reduce((sum, { volumeMm3 }) => sum + volumeMm3, 0);
    expect(share).toBeGreaterThan(0.8);
    expect(share).toBeLessThan(1.2);
    for (const { voxels, centreMm: centre } of painted) {
      expect(voxels.every((voxel) => exam.brain.data[voxel] === 1)).toBe(true);
      expect(Math.hypot(...centre.map((mm, axis) => mm - centreMm[axis]))).toBeGreaterThan(17);
    }
    const all = painted.flatMap(({ voxels }) => voxels);
    expect(new Set(all).size).toBe(all.length);
  });

  it('add their brightness where the images are, and nothing elsewhere', () => {
    const added = flair.data.map((value, voxel) => value - exam.flair.data[voxel]);
    const largest = painted.filter(({ volumeMm3 }) => volumeMm3 === 500);
    const tops = largest.map(({ voxels }) => Math.max(...voxels.map((voxel) => added[voxel])));
    const all = added.reduce((most, value) => Math.max(most, value), 0);
    // The lesion that is there is 170 in white matter of 80.
    expect(all).toBeGreaterThan(80);
    expect(all).toBeLessThan(95);
    // Of a ball of 10 mm the middle is nearly all lesion.
    expect(Math.min(...tops)).toBeGreaterThan(0.85 * all);
    expect(added.every((value) => value > -1e-3)).toBe(true);
    const changed = added.filter((value) => value > 0.05 * all).length;
    expect(changed).toBeLessThan(6 * painted.flatMap(({ voxels }) => voxels).length);
  });

  it('find no room where nothing is even', () => {
    const striped = exam.flair.data.map((value, voxel) => (voxel % 3 === 0 ? 3 * value : value));
    const none = paintLesions({ ...exam, flair: { ...exam.flair, data: striped } }, 1);
    expect(none.painted.length).toBeLessThan(painted.length);
  });

  it.each([
    ['without a brain', { brain: maskWhere(exam.brain, () => false) }],
    ['where all of the brain is lesion', { lesions: exam.brain }],
    [
      'where all is equally bright',
      {
        flair: onGrid(
          flair,
          flair.data.map(() => 5),
        ),
      },
    ],
    ['in one slice', inOneSlice(exam)],
  ])('are none %s', (_, changed) => {
    expect(paintLesions({ ...exam, ...changed }, 1).painted).toEqual([]);
  });
});

function inOneSlice({ flair, brain, lesions, ...other }: PaintableExam): PaintableExam {
  const [nx, ny, nz] = flair.size;
  const start = Math.floor(nz / 2) * nx * ny;
  const cut = <V extends Volume>(volume: V): V => ({
    ...volume,
    size: [nx, ny, 1],
    data: volume.data.slice(start, start + nx * ny),
  });
  return {
    ...other,
    ...{ flair: cut(flair), brain: cut(brain), lesions: cut(lesions) },
  };
}
