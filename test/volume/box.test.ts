import { describe, expect, it } from 'vitest';
import { applyToPoint, type Mat4 } from '../../src/volume/affine.js';
import { cropTo, paddedBox, pasteInto } from '../../src/volume/box.js';
import { onGrid, type Size } from '../../src/volume/volume.js';

const size: Size = [4, 5, 3];
const affine: Mat4 = [0, 2, 0, -7, -1, 0, 0, 3, 0, 0, 4, 11, 0, 0, 0, 1];
const grid = { size, affine };
const values = onGrid(
  grid,
  Float32Array.from({ length: 60 }, (_, at) => at + 1),
);
const maskAt = (...voxels: number[]) => {
  const data = new Uint8Array(60);
  for (const voxel of voxels) data[voxel] = 1;
  return onGrid(grid, data);
};

describe('paddedBox', () => {
  it('leaves one voxel on every side, also beyond the grid', () => {
    // Voxels (1, 0, 0) and (2, 3, 1).
    expect(paddedBox(maskAt(1, 2 + 4 * (3 + 5)))).toEqual({ first: [0, -1, -1], size: [4, 6, 4] });
  });

  it('is nothing for an empty mask', () => {
    expect(paddedBox(maskAt())).toBeUndefined();
  });
});

describe('cropTo and pasteInto', () => {
  it('keep every voxel at its place in space, with 0 beyond the grid', () => {
    const box = paddedBox(maskAt(1, 2 + 4 * (3 + 5)))!;
    const cropped = cropTo(values, box);
    expect(cropped.data.length).toBe(4 * 6 * 4);
    expect(cropped.data[0]).toBe(0);
    // Voxel (1, 0, 0) of the grid is (1, 1, 1) of the box.
    expect(cropped.data[1 + 4 * (1 + 6)]).toBe(2);
    expect(applyToPoint(cropped.affine, [1, 1, 1])).toEqual(applyToPoint(affine, [1, 0, 0]));
  });

  it('give the volume back where the box covers it, and 0 elsewhere', () => {
    const whole = paddedBox(maskAt(0, 59))!;
    expect(pasteInto(values, cropTo(values, whole), whole)).toEqual(values);
    const part = paddedBox(maskAt(0))!;
    const pasted = pasteInto(values, cropTo(values, part), part);
    expect(pasted.data.filter((value) => value !== 0).length).toBe(8);
    expect(pasted.data[0]).toBe(1);
  });
});
