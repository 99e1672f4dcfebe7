import { beforeAll, describe, expect, it } from 'vitest';
import { renderAnatomy } from '../../src/synthesize/anatomy.js';
import { sampleGeometry } from '../../src/synthesize/geometry.js';
import { type Head, stepsPerMm, tissuesFromLabels } from '../../src/synthesize/head.js';
import type { LesionLibrary } from '../../src/synthesize/lesion-library.js';
import { lesionLibrary } from '../../src/synthesize/lesion-library.js';
import { noLesions } from '../../src/synthesize/lesions.js';
import { placeInLesionSpace } from '../../src/synthesize/place-in-lesion-space.js';
import { sampleLesions } from '../../src/synthesize/sample-lesions.js';
import { tissue } from '../../src/synthesize/tissues.js';
import { applyToPoint, identity, type Mat4, type Vec3 } from '../../src/volume/affine.js';
import { seededRandom } from '../../src/volume/random.js';
import { countNonZero, type Grid } from '../../src/volume/volume.js';
import {
  phantomHead,
  phantomLabels,
  phantomLesions,
  phantomLibrary,
  phantomPose,
} from './phantom.js';

let head: Head;
let library: LesionLibrary;

beforeAll(() => {
  head = phantomHead();
  library = phantomLibrary();
});

/** Values of the phantom's head along a line from its brain's centre to the right, every 2 mm. */
function toTheRight<T extends ArrayLike<number>>(data: T): number[] {
  const { size, affine } = head.tissues;
  const [j, k] = [1, 2].map((axis) =>
    Math.round((head.brainCentreMm[axis] - affine[4 * axis + 3]) / affine[5 * axis]),
  );
  const middle = Math.round((head.brainCentreMm[0] - affine[3]) / affine[0]);
  return Array.from(
    { length: size[0] - middle },
    (_, n) => data[middle + n + size[0] * (j + size[1] * k)],
  );
}

describe('a head from a label map', () => {
  it('lies in RAS, with fat under the skin, marrow in the skull and dura between skull and fluid', () => {
    const line = toTheRight(head.tissues.data);
    const layers = line.filter((n, at) => n !== line[at - 1]);
    const names = ['cortex', 'csf', 'dura', 'bone', 'marrow', 'bone', 'muscle', 'fat'] as const;
    const start = layers.lastIndexOf(tissue.cortex);
    expect(layers.slice(start, start + names.length)).toEqual(names.map((name) => tissue[name]));
    expect(layers.slice(-2)).toEqual([tissue.skin, tissue.air]);
  });

  it('knows the distance to the surface of the brain, negative inside', () => {
    const distances = toTheRight(head.brainDistance.data).map((steps) => steps / stepsPerMm);
    const surface = distances.findIndex((mm) => mm > 0);
    expect(distances[surface - 1]).toBe(-2);
    expect(distances[surface]).toBe(2);
    expect(toTheRight(head.tissues.data)[surface - 1]).toBe(tissue.cortex);
  });

  it('does not take specks in the air for parts of the head', () => {
    const labels = phantomLabels(phantomPose);
    const data = labels.data.slice();
    data[0] = 24;
    const found = tissuesFromLabels({ ...labels, data });
    expect([found.size, found.affine]).toEqual([head.tissues.size, head.tissues.affine]);
    expect(Buffer.from(found.data).equals(Buffer.from(head.tissues.data))).toBe(true);
  });

  it('is placed in lesion space by its structures', () => {
    for (const point of [
      [0, 0, 0],
      [40, -60, 30],
      [-50, 20, -10],
    ] as const) {
      const truth = applyToPoint(phantomPose, point);
      const found = applyToPoint(head.toLesionSpace, point);
      // The phantom's cortex is an ellipsoid, not that of the mean brain.
      expect(Math.hypot(...truth.map((mm, axis) => mm - found[axis]))).toBeLessThan(6);
    }
  });

  it('is placed the same way relative to itself however it lies', () => {
    const shifted: Mat4 = [...phantomPose] as unknown as Mat4;
    const moved = [...shifted];
    moved[3] += 8;
    const labels = phantomLabels(moved as unknown as Mat4);
    const placed = placeInLesionSpace(labels);
    // The label map shows the same body 8 / 0.93 mm farther left: the same places must come out.
    const there = applyToPoint(placed, [10 - 8 / 0.93, 0, 0]);
    const here = applyToPoint(head.toLesionSpace, [10, 0, 0]);
    expect(Math.hypot(...there.map((mm, axis) => mm - here[axis]))).toBeLessThan(1);
  });

  it('must have every structure by which it is placed', () => {
    const labels = phantomLabels(identity);
    const without = { ...labels, data: labels.data.map((label) => (label === 16 ? 2 : label)) };
    expect(() => placeInLesionSpace(without)).toThrow(
      new RangeError('a label map without label 16'),
    );
  });
});

describe('a library of lesions', () => {
  it('holds every person’s lesions and all shapes of at least five voxels', () => {
    expect(library.persons.map(({ count }) => count)).toEqual([3, 1]);
    expect(library.shapes).toHaveLength(4);
    expect(countNonZero(library.persons[1].labels.data)).toBe(countNonZero(library.shapes[3].data));
    const tiny = lesionLibrary([phantomLesions([[[0, 0, 0], 0]])]);
    expect(tiny.shapes).toHaveLength(0);
    expect(tiny.persons[0].count).toBe(1);
  });

  it('finds lesions as frequent on one side as on the other', () => {
    const at = (x: number, y: number, z: number) => {
      const { affine, size, data } = library.frequency;
      const index = [x - affine[3], y - affine[7], z - affine[11]];
      return data[index[0] + size[0] * (index[1] + size[1] * index[2])];
    };
    expect(at(24, -20, 22)).toBeGreaterThan(200);
    expect(at(-24, -20, 22)).toBe(at(24, -20, 22));
    expect(at(0, 30, 60)).toBe(0);
  });

  it('needs masks on one grid', () => {
    expect(() => lesionLibrary([])).toThrow(RangeError);
  });
});

/** A grid about a place in the body. */
function gridAbout([x, y, z]: Vec3, count: number): Grid {
  const half = (count - 1) / 2;
  return {
    size: [count, count, count],
    affine: [1, 0, 0, x - half, 0, 1, 0, y - half, 0, 0, 1, z - half, 0, 0, 0, 1],
  };
}

const atRest = (of: Head) => ({
  toHead: [
    1,
    0,
    0,
    of.brainCentreMm[0],
    0,
    1,
    0,
    of.brainCentreMm[1],
    0,
    0,
    1,
    of.brainCentreMm[2],
    0,
    0,
    0,
    1,
  ] as Mat4,
  warp: { fields: [1, 2, 3].map((seed) => ({ seed, spacingMm: 20 })), sdMm: 0 } as never,
});

describe('lesions in a head', () => {
  const stillWarp = {
    fields: [1, 2, 3].map((seed) => ({ seed, spacingMm: 14 })),
    sdMm: 0,
  } as never;

  it('lie where they lay in the person they come from', () => {
    const lesions = {
      ...noLesions,
      persons: [{ person: 1, toPerson: identity, warp: stillWarp, kept: 1, seed: 1 }],
    };
    const { mask, grid } = renderAnatomy(
      gridAbout([0, 0, 0], 97),
      head,
      atRest(head),
      lesions,
      library,
    );
    const sums = [0, 0, 0];
    let count = 0;
    for (let at = 0; at < mask.length; at++) {
      if (mask[at] === 0) continue;
      count++;
      const voxel = [at % 97, Math.floor(at / 97) % 97, Math.floor(at / 97 ** 2)];
      for (let axis = 0; axis < 3; axis++) sums[axis] += voxel[axis];
    }
    const [i, j, k] = sums.map((sum) => sum / count);
    const inBody = applyToPoint(grid.affine, [i, j, k]);
    const inLesionSpace = applyToPoint(
      head.toLesionSpace,
      applyToPoint(atRest(head).toHead, inBody),
    );
    // The ball is cut a little where it touches other tissue.
    const truth = [24, -20, 22];
    expect(Math.hypot(...truth.map((mm, axis) => mm - inLesionSpace[axis]))).toBeLessThan(2.5);
    // A ball of radius 7 mm in lesion space is larger in this head by the scale of its pose.
    expect(count).toBeGreaterThan(0.6 * (4 / 3) * Math.PI * 7 ** 3);
    expect(count).toBeLessThan(1.6 * (4 / 3) * Math.PI * 7 ** 3);
  });

  it('fade across their border, the more so the wider it is, and keep their contrast inside', () => {
    const rendered = (borderMm: number, insetMm = 0) =>
      renderAnatomy(
        gridAbout([0, 0, 0], 97),
        head,
        atRest(head),
        {
          ...noLesions,
          persons: [{ person: 1, toPerson: identity, warp: stillWarp, kept: 1, seed: 1 }],
          borderMm,
          insetMm,
        },
        library,
      );
    const outermost = (borderMm: number, insetMm: number) => {
      const { mask, weight } = rendered(borderMm, insetMm);
      return Math.min(...weight.filter((_, at) => mask[at] !== 0));
    };
    // Drawn around what is seen: half of the contrast on the outermost voxels of the mask.
    expect(outermost(0.6, 0.5)).toBeCloseTo(0.5, 5);
    for (const borderMm of [0.3, 1, 1.7]) {
      const { mask, weight } = rendered(borderMm);
      const inside = weight.filter((_, at) => mask[at] !== 0).sort();
      const outside = weight.filter((_, at) => mask[at] === 0).sort();
      // The outermost voxels of the mask have their centre half a millimetre below its surface.
      const atBorder = 1 / (1 + Math.exp(-0.85 / borderMm));
      expect(inside[0]).toBeCloseTo(atBorder, 5);
      expect(outside.at(-1)).toBeCloseTo(1 - atBorder, 5);
      expect(inside.at(-1)).toBeGreaterThan(0.99);
    }
  });

  it('are never in fluid, air, or outside the brain, whatever is drawn', () => {
    const forbidden: number[] = [tissue.csf, tissue.ventricle, tissue.air];
    let total = 0;
    for (let seed = 1; seed <= 25; seed++) {
      const random = seededRandom(seed);
      const geometry = sampleGeometry(random, head);
      const lesions = sampleLesions(random, head, library);
      const anatomy = renderAnatomy(gridAbout([10, -10, 0], 56), head, geometry, lesions, library);
      const { mask, tissues, brainDistance } = anatomy;
      const wrong = mask.some(
        (inLesion, at) =>
          inLesion !== 0 && (forbidden.includes(tissues[at]) || brainDistance[at] > stepsPerMm),
      );
      expect(wrong).toBe(false);
      total += countNonZero(mask);
    }
    expect(total).toBeGreaterThan(1000);
  });

  it('are drawn near the places of real lesions more often than elsewhere, and sometimes not at all', () => {
    let without = 0;
    let shapes = 0;
    for (let seed = 0; seed < 60; seed++) {
      const lesions = sampleLesions(seededRandom(seed), head, library);
      if (lesions.persons.length + lesions.shapes.length === 0) without++;
      shapes += lesions.shapes.length;
      expect(lesions).toEqual(sampleLesions(seededRandom(seed), head, library));
    }
    expect(without).toBeGreaterThan(2);
    expect(without).toBeLessThan(25);
    expect(shapes).toBeGreaterThan(100);
  });
});

describe('the anatomy on a grid', () => {
  it('does not depend on which part of the head the grid holds', () => {
    const random = seededRandom(4);
    const geometry = sampleGeometry(random, head);
    const large = renderAnatomy(gridAbout([5, -10, 10], 41), head, geometry, noLesions, library);
    const small = renderAnatomy(gridAbout([5, -10, 10], 21), head, geometry, noLesions, library);
    for (let k = 0; k < 21; k++) {
      for (let j = 0; j < 21; j++) {
        const row = 10 + 41 * (10 + j + 41 * (10 + k));
        expect(small.tissues.slice(21 * (j + 21 * k), 21 * (j + 1 + 21 * k))).toEqual(
          large.tissues.slice(row, row + 21),
        );
      }
    }
  });
});
