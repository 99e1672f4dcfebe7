import { describe, expect, it } from 'vitest';
import { type LesionLocation, locateLesions } from '../../src/quantify/location.js';
import { identity } from '../../src/volume/affine.js';
import { anatomyLabel } from '../../src/volume/anatomy-labels.js';
import { onGrid, type Size } from '../../src/volume/volume.js';

/** 60 x 60 x 60 voxels of 1 mm with x = 0 in the middle. */
const size: Size = [60, 60, 60];
const affine = [1, 0, 0, -29.5, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] as const;
const grid = { size, affine };
type Place = readonly [i: number, j: number, k: number];

/** White matter with a plane of cortex at j = 0, ventricles at j = 30, and brainstem below k = 10. */
function headOfPlanes() {
  const data = new Uint8Array(60 ** 3).fill(anatomyLabel.whiteMatter);
  for (let at = 0; at < data.length; at++) {
    const j = Math.floor(at / 60) % 60;
    const k = Math.floor(at / 3600);
    if (k < 10) data[at] = anatomyLabel.brainstem;
    else if (j === 0) data[at] = anatomyLabel.cortex;
    else if (j === 30) data[at] = anatomyLabel.ventricles;
  }
  return onGrid(grid, data);
}

function locate(lesions: readonly (readonly Place[])[], anatomy = headOfPlanes()) {
  const labels = new Int32Array(60 ** 3);
  for (const [index, voxels] of lesions.entries()) {
    for (const [i, j, k] of voxels) labels[i + 60 * (j + 60 * k)] = index + 1;
  }
  const list = lesions.map((voxels, index) => ({
    id: index + 1,
    sizeVoxels: voxels.length,
    volumeMl: voxels.length / 1000,
  }));
  return locateLesions(onGrid(grid, labels), list, anatomy, {
    source: 'anatomy-network',
    toMidlineSpace: identity,
  });
}

const located = (...voxels: Place[]): LesionLocation => locate([voxels])!.locations[0];

describe('locateLesions', () => {
  it('calls a lesion up to 1.5 mm and half a voxel from the ventricles periventricular', () => {
    expect(located([40, 28, 30])).toEqual({
      region: 'periventricular',
      side: 'right',
      distancesMm: { ventricles: 2, cortex: 28 },
    });
    expect(located([40, 27, 30]).region).toBe('deep-white-matter');
  });

  it('calls a lesion that touches the cortex and not the ventricles cortical or juxtacortical', () => {
    expect(located([40, 2, 30]).region).toBe('cortical-juxtacortical');
    expect(located([40, 0, 30]).distancesMm.cortex).toBe(0);
    expect(located([40, 3, 30]).region).toBe('deep-white-matter');
  });

  it('calls a lesion that touches both periventricular, and its distances tell of the cortex', () => {
    const both = Array.from({ length: 29 }, (_, j): Place => [40, j + 1, 30]);
    expect(located(...both)).toMatchObject({
      region: 'periventricular',
      distancesMm: { ventricles: 1, cortex: 1 },
    });
  });

  it('calls a lesion infratentorial when most of it is, whatever it touches', () => {
    expect(located([40, 0, 9], [40, 0, 8], [40, 0, 10]).region).toBe('infratentorial');
    expect(located([40, 0, 9], [40, 0, 10], [40, 0, 11]).region).toBe('cortical-juxtacortical');
  });

  it('names the side with at least 80 % of the lesion, and else the midline', () => {
    const across = (right: number) =>
      Array.from({ length: 10 }, (_, i): Place => [20 + right + i, 15, 30]);
    expect(located(...across(1)).side).toBe('left');
    expect(located(...across(3)).side).toBe('midline');
    expect(located(...across(8)).side).toBe('right');
  });

  it('adds up counts, volumes, sides and the regions of dissemination in space', () => {
    const { summary } = locate([
      [
        [5, 29, 30],
        [6, 29, 30],
        [7, 29, 30],
      ],
      [[50, 1, 30]],
      [[50, 15, 30]],
    ])!;
    expect(summary.source).toBe('anatomy-network');
    expect(summary.rule).toEqual({ periventricularWithinMm: 2, corticalWithinMm: 2 });
    expect(summary.regions).toEqual({
      periventricular: { count: 1, volumeMl: 0.003 },
      'cortical-juxtacortical': { count: 1, volumeMl: 0.001 },
      infratentorial: { count: 0, volumeMl: 0 },
      'deep-white-matter': { count: 1, volumeMl: 0.001 },
    });
    expect(summary.leftMl).toBeCloseTo(0.003);
    expect(summary.rightMl).toBeCloseTo(0.002);
    expect(summary.asymmetry).toBeCloseTo(0.2);
    expect(summary.disseminationInSpace).toEqual(['periventricular', 'cortical-juxtacortical']);
  });

  it('gives a summary of zeros without lesions', () => {
    const { locations, summary } = locate([])!;
    expect(locations).toEqual([]);
    expect(summary.asymmetry).toBe(0);
    expect(summary.disseminationInSpace).toEqual([]);
  });

  it('gives nothing when the anatomy shows no ventricles or no cortex', () => {
    const whiteMatter = onGrid(grid, new Uint8Array(60 ** 3).fill(anatomyLabel.whiteMatter));
    expect(locate([[[40, 28, 30]]], whiteMatter)).toBeUndefined();
  });

  it('refuses lesions and anatomy on different grids', () => {
    const other = { ...headOfPlanes(), affine: identity };
    expect(() => locate([[[40, 28, 30]]], other)).toThrow(RangeError);
  });
});
