import { describe, expect, it } from 'vitest';
import {
  anatomyFromAtlas,
  readRegionAtlas,
  toMidlineSpace,
  withVentriclesOf,
} from '../../src/preprocess/region-atlas.js';
import { applyToPoint, identity, type Mat4 } from '../../src/volume/affine.js';
import { anatomyLabel, anatomyNames } from '../../src/volume/anatomy-labels.js';
import { onGrid, type Size } from '../../src/volume/volume.js';

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
    expect(Buffer.compare(anatomy.data, regions.data)).toBe(0);
    expect(anatomy.names.get(2)).toBe('ventricles');
    const midline = applyToPoint(toMidlineSpace(toAtlas), [10, 0, 0])[0];
    expect(midline).toBeCloseTo(applyToPoint(toMidline, [0, 0, 0])[0]);
  });
});

describe('withVentriclesOf', () => {
  const size: Size = [40, 3, 3];
  const { whiteMatter, ventricles, csf, outside } = anatomyLabel;
  const inRow = (value: (i: number) => number) =>
    Uint8Array.from({ length: 360 }, (_, at) => value(at % 40));
  /** The atlas has ventricles at 10 to 15 and fluid around the brain from 35 on. */
  const atlas = {
    ...onGrid(
      { size, affine: identity },
      inRow((i) => (i >= 35 ? csf : i >= 10 && i <= 15 ? ventricles : whiteMatter)),
    ),
    names: anatomyNames,
  };
  const flairWith = (fluid: number, isFluid: (i: number) => boolean) =>
    onGrid(
      atlas,
      inRow((i) => (isFluid(i) ? fluid : 100)),
    );
  const labelsIn = (flair: ReturnType<typeof flairWith>) => [
    ...withVentriclesOf(flair, atlas).data.subarray(0, 40),
  ];

  it('widens and narrows the ventricles to the dark fluid that touches those of the atlas', () => {
    // Fluid at 13 to 18; a dark spot apart from it at 21; fluid around the brain.
    const labels = labelsIn(flairWith(10, (i) => (i >= 13 && i <= 18) || i === 21 || i >= 35));
    expect(labels.flatMap((label, i) => (label === ventricles ? [i] : []))).toEqual([
      13, 14, 15, 16, 17, 18,
    ]);
    expect(labels.slice(9, 13)).toEqual([whiteMatter, outside, outside, outside]);
    expect(labels[21]).toBe(whiteMatter);
    expect(labels[35]).toBe(csf);
  });

  it('goes no farther than 8 mm from the ventricles of the atlas', () => {
    const labels = labelsIn(flairWith(10, (i) => i >= 13 && i <= 26));
    expect(labels.lastIndexOf(ventricles)).toBe(23);
  });

  it('keeps the ventricles of the atlas where the fluid of the image is not dark', () => {
    const bright = flairWith(200, (i) => i >= 13 && i <= 18);
    expect(withVentriclesOf(bright, atlas)).toBe(atlas);
  });

  it('keeps an anatomy without ventricles or white matter', () => {
    const empty = { ...atlas, data: inRow(() => csf) };
    const flair = flairWith(10, () => false);
    expect(withVentriclesOf(flair, empty)).toBe(empty);
  });
});
