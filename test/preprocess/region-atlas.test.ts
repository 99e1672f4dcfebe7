import { describe, expect, it } from 'vitest';
import {
  anatomyFromAtlas,
  readRegionAtlas,
  toMidlineSpace,
} from '../../src/preprocess/region-atlas.js';
import { applyToPoint, identity, type Mat4 } from '../../src/volume/affine.js';
import { anatomyNames } from '../../src/volume/anatomy-labels.js';

const regions = await readRegionAtlas();
const toMidline = toMidlineSpace(identity);

/** Volume in ml of a label, and mean distance of its voxels from the mid-sagittal plane, mm. */
function describeLabel(label: number) {
  const [nx, ny] = regions.size;
  let count = 0;
  let sum = 0;
  for (let at = 0; at < regions.data.length; at++) {
    if (regions.data[at] !== label) continue;
    const row = Math.floor(at / nx);
    const place = applyToPoint(regions.affine, [at % nx, row % ny, Math.floor(row / ny)]);
    sum += applyToPoint(toMidline, place)[0];
    count++;
  }
  return { volumeMl: count / 1000, offMidlineMm: sum / count };
}

describe('the region atlas', () => {
  it('has every structure, as large as in adults, alike on both sides of its midline', () => {
    const expectedMl = {
      ventricles: [10, 60],
      'cerebral cortex': [300, 800],
      'deep grey matter': [30, 80],
      'cerebral white matter': [350, 700],
      brainstem: [15, 40],
      cerebellum: [90, 190],
    };
    for (const [label, name] of anatomyNames) {
      const { volumeMl, offMidlineMm } = describeLabel(label);
      expect(Math.abs(offMidlineMm), name).toBeLessThan(1.5);
      const [least, most] = expectedMl[name as keyof typeof expectedMl] ?? [1, Infinity];
      expect(volumeMl, name).toBeGreaterThan(least);
      expect(volumeMl, name).toBeLessThan(most);
    }
  });

  it('comes to the place that the map to the atlas gives', () => {
    // The image's head is the atlas's, moved by 10 mm to the right.
    const toAtlas: Mat4 = [1, 0, 0, -10, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
    const affine = regions.affine.map((value, at) => (at === 3 ? value + 10 : value));
    const anatomy = anatomyFromAtlas(
      { size: regions.size, affine: affine as never },
      regions,
      toAtlas,
    );
    expect(anatomy.data).toEqual(regions.data);
    expect(anatomy.names.get(2)).toBe('ventricles');
    const midline = applyToPoint(toMidlineSpace(toAtlas), [10, 0, 0])[0];
    expect(midline).toBeCloseTo(applyToPoint(toMidline, [0, 0, 0])[0]);
  });
});
