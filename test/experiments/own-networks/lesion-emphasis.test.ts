import { describe, expect, it } from 'vitest';
import { lesionEmphasis } from '../../../src/experiments/own-networks/lesion-emphasis.js';
import type { Size } from '../../../src/volume/volume.js';

const size: Size = [24, 20, 16];
const at = (x: number, y: number, z: number) => x + size[0] * (y + size[1] * z);

/** A patch with a box of so many voxels along each axis, from a corner on. */
function box(corner: readonly number[], edges: readonly number[]) {
  const labels = new Uint8Array(size[0] * size[1] * size[2]);
  for (let z = 0; z < edges[2]; z++) {
    for (let y = 0; y < edges[1]; y++) {
      for (let x = 0; x < edges[0]; x++)
        labels[at(corner[0] + x, corner[1] + y, corner[2] + z)] = 1;
    }
  }
  return labels;
}

describe('lesionEmphasis', () => {
  it('counts a patch without lesions evenly', () => {
    expect(new Set(lesionEmphasis(box([0, 0, 0], [0, 0, 0]), size))).toEqual(new Set([1]));
  });

  it('counts a small lesion by the inverse root of its volume, with two voxels around it', () => {
    const weights = lesionEmphasis(box([5, 6, 7], [5, 5, 3]), size);
    expect(weights[at(7, 8, 8)]).toBe(2);
    expect(weights[at(3, 4, 5)]).toBe(2);
    expect(weights[at(2, 6, 7)]).toBe(1);
    expect(weights[at(11, 10, 11)]).toBe(2);
    expect(weights.filter((weight) => weight === 2)).toHaveLength(9 * 9 * 7);
  });

  it('does not count a speck without limit, nor a large lesion for less', () => {
    expect(Math.max(...lesionEmphasis(box([0, 0, 0], [1, 1, 1]), size))).toBe(6);
    expect(lesionEmphasis(box([23, 19, 15], [1, 1, 1]), size)[at(21, 17, 13)]).toBe(6);
    expect(new Set(lesionEmphasis(box([0, 0, 0], [12, 12, 12]), size))).toEqual(new Set([1]));
  });

  it('takes the greater weight where lesions are near each other', () => {
    const labels = box([0, 0, 0], [12, 12, 12]);
    labels[at(14, 5, 5)] = 1;
    const weights = lesionEmphasis(labels, size);
    expect(weights[at(12, 5, 5)]).toBe(6);
    expect(weights[at(11, 5, 5)]).toBe(1);
  });
});
