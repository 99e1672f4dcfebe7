import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Connectivity,
  connectedComponents,
  largestComponent,
} from '../../src/volume/components.js';
import { reorient } from '../../src/volume/reorient.js';
import { golden, maskOf, masks, orientations } from './samples.js';

const all: Connectivity[] = [6, 18, 26];

describe.each(all)('connectedComponents, %d neighbours', (connectivity) => {
  it('agrees with scipy.ndimage.label, numbers included', () => {
    const { size, mask, expected } = golden.components;
    const found = connectedComponents(maskOf(size, mask), connectivity);
    const row = expected.find((r: { connectivity: number }) => r.connectivity === connectivity);
    expect(found.count).toBe(row.count);
    expect([...found.labels.data]).toEqual(row.labels);
  });

  it('gives the same components, up to their numbers, of a flipped or permuted mask', () => {
    fc.assert(
      fc.property(masks, fc.constantFrom(...orientations), (mask, orientation) => {
        const before = reorient(connectedComponents(mask, connectivity).labels, orientation);
        const after = connectedComponents(reorient(mask, orientation), connectivity).labels;
        const pairs = new Set<string>();
        before.data.forEach((label, at) => {
          pairs.add(`${label} ${after.data[at]}`);
        });
        expect(pairs.size).toBe(new Set(before.data).size);
        expect(pairs.size).toBe(new Set(after.data).size);
      }),
    );
  });

  it('numbers components in the order of their first voxels and counts their voxels', () => {
    fc.assert(
      fc.property(masks, (mask) => {
        const { labels, count, sizesVoxels } = connectedComponents(mask, connectivity);
        let highest = 0;
        const counted = new Int32Array(count + 1);
        labels.data.forEach((label, at) => {
          expect(label > 0).toBe(mask.data[at] > 0);
          expect(label).toBeLessThanOrEqual(highest + 1);
          highest = Math.max(highest, label);
          counted[label]++;
        });
        expect(highest).toBe(count);
        expect(sizesVoxels).toEqual(counted);
      }),
    );
  });
});

describe('connectedComponents', () => {
  it('joins over faces, edges and corners as the connectivity says', () => {
    const edge = maskOf([2, 2, 1], [1, 0, 0, 1]);
    const corner = maskOf([2, 2, 2], [1, 0, 0, 0, 0, 0, 0, 1]);
    expect(all.map((c) => connectedComponents(edge, c).count)).toEqual([2, 1, 1]);
    expect(all.map((c) => connectedComponents(corner, c).count)).toEqual([2, 2, 1]);
  });

  it('does not join across the border of the grid', () => {
    expect(connectedComponents(maskOf([3, 2, 1], [0, 0, 1, 1, 0, 0]), 26).count).toBe(2);
  });

  it('counts any non-zero value, and finds nothing in an empty mask', () => {
    expect(connectedComponents(maskOf([3, 1, 1], [2, 0, 7]), 6).count).toBe(2);
    const empty = connectedComponents(maskOf([3, 1, 1], [0, 0, 0]), 6);
    expect([empty.count, ...empty.sizesVoxels]).toEqual([0, 3]);
  });

  it('refuses other connectivities', () => {
    expect(() => connectedComponents(maskOf([1, 1, 1], [1]), 8 as 6)).toThrow(RangeError);
  });
});

describe('largestComponent', () => {
  it('keeps the component with most voxels, the first of equal ones', () => {
    expect([...largestComponent(maskOf([7, 1, 1], [1, 0, 1, 1, 0, 1, 1]), 6).data]).toEqual([
      0, 0, 1, 1, 0, 0, 0,
    ]);
  });

  it('of an empty mask is empty', () => {
    expect([...largestComponent(maskOf([2, 1, 1], [0, 0]), 6).data]).toEqual([0, 0]);
  });
});
