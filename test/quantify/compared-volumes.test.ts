import { describe, expect, it } from 'vitest';
import { comparedVolumes, type MarkedLesion } from '../../src/quantify/compared-volumes.js';
import {
  lesionShape,
  markingOffsetsMm,
  offsetForVoxelsMm,
  shapeVolumeMl,
} from '../../src/quantify/lesion-shape.js';
import { identity, type Mat4 } from '../../src/volume/affine.js';
import type { Grid, Size } from '../../src/volume/volume.js';

const size: Size = [40, 40, 40];
const space: Grid = { size, affine: identity };
const centre = 20;

/** Voxels of the space in a ball about its middle. */
function ballVoxels(radiusMm: number): number[] {
  const voxels: number[] = [];
  for (let voxel = 0; voxel < 40 ** 3; voxel++) {
    const at = [voxel % 40, Math.floor(voxel / 40) % 40, Math.floor(voxel / 1600)];
    if (Math.hypot(...at.map((index) => index - centre)) <= radiusMm) voxels.push(voxel);
  }
  return voxels;
}

/** Slices of this thickness over the space; `shiftMm` moves them. */
const slices = (thicknessMm: number, shiftMm = 0): Grid => ({
  size: [40, 40, Math.floor(40 / thicknessMm)],
  affine: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, thicknessMm, shiftMm, 0, 0, 0, 1] as Mat4,
});

/** What an exam marks of a ball: voxels of which more than half lies in it, at 20 points of a slice. */
function marking(radiusMm: number, examGrid: Grid): MarkedLesion {
  const thicknessMm = examGrid.affine[10];
  let markedVoxels = 0;
  const voxels = new Set<number>();
  for (let k = 0; k < examGrid.size[2]; k++) {
    const middle = k * thicknessMm + examGrid.affine[11];
    for (let j = 0; j < 40; j++) {
      for (let i = 0; i < 40; i++) {
        let inside = 0;
        for (let point = 0; point < 20; point++) {
          const z = middle + ((point + 0.5) / 20 - 0.5) * thicknessMm;
          if (Math.hypot(i - centre, j - centre, z - centre) <= radiusMm) inside++;
        }
        if (inside <= 10) continue;
        markedVoxels++;
        for (let z = 0; z < 40; z++) {
          if (Math.abs(z - middle) < thicknessMm / 2) voxels.add(i + 40 * (j + 40 * z));
        }
      }
    }
  }
  return { voxels: [...voxels], markedVoxels, examGrid, toExam: identity };
}

const ballMl = (radiusMm: number) => ((4 / 3) * Math.PI * radiusMm ** 3) / 1000;

describe('the shape of a lesion', () => {
  const voxels = ballVoxels(6);
  const shape = lesionShape(voxels, voxels, space);

  it('has the volume of its voxels, and grows with its border', () => {
    expect(shapeVolumeMl(shape, 0)).toBeCloseTo(ballMl(6), 1);
    for (const offsetMm of [-2, 2]) {
      const error = Math.log(shapeVolumeMl(shape, offsetMm) / ballMl(6 + offsetMm));
      expect(Math.abs(error)).toBeLessThan(0.15);
    }
    expect(shapeVolumeMl(shape, -7)).toBe(0);
  });

  it('is marked by an exam with the same voxels as it is', () => {
    const offsets = markingOffsetsMm(shape, space, identity);
    expect(offsets.filter((offset) => offset < 0)).toHaveLength(voxels.length);
    expect(Math.abs(offsetForVoxelsMm(offsets, voxels.length))).toBeLessThan(0.2);
  });

  it('has a border between the last voxel that is marked and the next one', () => {
    const offsets = Float64Array.of(-2, -1, 0.5);
    expect([0, 1, 2, 3, 9].map((voxels) => offsetForVoxelsMm(offsets, voxels))).toEqual([
      -2, -1.5, -0.25, 0.5, 0.5,
    ]);
    expect(offsetForVoxelsMm(new Float64Array(0), 3)).toBe(0);
  });
});

describe('volumes compared', () => {
  const ratio = (first: MarkedLesion, second: MarkedLesion) => {
    const { previousMl, currentMl } = comparedVolumes([first, second], space)!;
    return currentMl / previousMl;
  };

  it.each([
    [5, 2, 0.12],
    [5, -1, 0.12],
    [6, 2, 0.25],
  ])('of a ball of 8 mm are alike in slices of 1 mm and %d mm', (mm, shiftMm, error) => {
    const [fine, thick] = [marking(4, slices(1)), marking(4, slices(mm, shiftMm))];
    expect(Math.abs(Math.log(ratio(fine, thick)))).toBeLessThan(error);
    expect(Math.abs(Math.log(ratio(thick, fine)))).toBeLessThan(error);
  });

  it('tell how much a lesion grew', () => {
    const grown = ratio(marking(4, slices(1)), marking(5, slices(5, 1)));
    expect(grown / (5 / 4) ** 3).toBeGreaterThan(0.85);
    expect(grown / (5 / 4) ** 3).toBeLessThan(1.15);
  });

  it('are exchanged with the exams, and equal for an exam and itself', () => {
    const [first, second] = [marking(4, slices(2)), marking(5, slices(4, 1))];
    const forth = comparedVolumes([first, second], space)!;
    const back = comparedVolumes([second, first], space)!;
    expect(back.currentMl).toBeCloseTo(forth.previousMl, 10);
    expect(back.shapeDeviationMl).toBeCloseTo(forth.shapeDeviationMl, 10);
    expect(ratio(first, first)).toBe(1);
  });

  it('of what an exam does not mark is the most that it can miss', () => {
    const small = marking(2, slices(1));
    const nothing = { ...small, voxels: [], markedVoxels: 0 };
    const missed = (examGrid: Grid) =>
      comparedVolumes([{ ...nothing, examGrid }, small], space)!.previousMl;
    expect(missed(slices(1))).toBeLessThan(0.002);
    expect(missed(slices(6, 1))).toBeGreaterThan(5 * missed(slices(1)));
  });

  it('are not known of a lesion that the space does not show', () => {
    const unseen = { voxels: [], markedVoxels: 1, examGrid: space, toExam: identity };
    expect(comparedVolumes([unseen, unseen], space)).toBeUndefined();
  });
});
