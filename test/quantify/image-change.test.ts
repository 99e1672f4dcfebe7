import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LesionChange } from '../../src/quantify/change.js';
import {
  imageDifference,
  type SegmentedHalfway,
  withImages,
} from '../../src/quantify/image-change.js';
import { identity, type Mat4 } from '../../src/volume/affine.js';
import { seededRandom } from '../../src/volume/random.js';
import { onGrid, type Size } from '../../src/volume/volume.js';

/** Voxels of 1 mm. */
const edge = 48;
const size: Size = [edge, edge, edge];
const affine: Mat4 = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];

interface Ball {
  readonly centre: readonly [number, number, number];
  readonly radius: number;
}

/** An exam of tissue in waves, with balls of lesion; noise by the seed. */
function exam(
  balls: readonly Ball[],
  seed: number,
  { scale = 1, inverted = false, to = edge } = {},
) {
  const random = seededRandom(seed);
  const length = edge ** 3;
  const flair = new Float32Array(length);
  const probability = new Float32Array(length);
  for (let at = 0; at < length; at++) {
    const [x, y, z] = [at % edge, Math.floor(at / edge) % edge, Math.floor(at / edge ** 2)];
    const tissue = 100 + 12 * Math.sin(x / 3) * Math.cos(y / 4) * Math.sin(z / 3.5 + 1);
    const isLesion = balls.some(
      ({ centre, radius }) => Math.hypot(x - centre[0], y - centre[1], z - centre[2]) <= radius,
    );
    const value = tissue + (isLesion ? 45 : 0) + 2 * random.normal();
    flair[at] = z >= to ? Number.NaN : scale * (inverted ? 200 - value : value);
    probability[at] = isLesion ? 0.9 : 0.001;
  }
  const grid = { size, affine };
  return {
    flair: onGrid(grid, flair),
    brain: onGrid(grid, new Uint8Array(length).fill(1)),
    probability: onGrid(grid, probability),
    examAffine: affine,
    toExam: identity,
  } satisfies SegmentedHalfway;
}

const differ = (previous: SegmentedHalfway, current: SegmentedHalfway) => {
  const found = imageDifference(previous, current);
  if (typeof found === 'string') throw new Error(found);
  return found.difference.data;
};
const at = ({ centre: [x, y, z] }: Ball) => x + edge * (y + edge * z);

const old: Ball = { centre: [14, 15, 16], radius: 4 };
const other: Ball = { centre: [32, 30, 31], radius: 3.5 };

describe('the difference of the images of two exams', () => {
  it('is nothing between an exam and itself', () => {
    const same = exam([old], 1);
    expect(differ(same, same).every((value) => value === 0)).toBe(true);
  });

  it('is chance where they differ by noise and scale alone, in lesions too', () => {
    const difference = differ(exam([old], 1), exam([old], 2, { scale: 3 }));
    expect(Math.abs(difference[at(old)])).toBeLessThan(3);
    const beyond5 = difference.filter((value) => Math.abs(value) > 5).length;
    expect(beyond5).toBeLessThan(1e-3 * difference.length);
  });

  it('is large where a lesion came, and less than 0 where one went', () => {
    const [without, withIt] = [exam([old], 1), exam([old, other], 2)];
    expect(differ(without, withIt)[at(other)]).toBeGreaterThan(8);
    expect(differ(withIt, without)[at(other)]).toBeLessThan(-8);
  });

  it('changes its sign and nothing else when the exams are exchanged', () => {
    const place = fc.integer({ min: 8, max: 40 });
    const ball: fc.Arbitrary<Ball> = fc.record({
      centre: fc.tuple(place, place, place),
      radius: fc.double({ min: 2, max: 5, noNaN: true }),
    });
    const balls = fc.array(ball, { maxLength: 4 });
    const scale = fc.double({ min: 0.2, max: 5, noNaN: true });
    const property = fc.property(balls, balls, scale, (before, now, scale) => {
      const [first, second] = [exam([old, ...before], 1), exam([old, ...now], 2, { scale })];
      expect(differ(second, first).map((value) => -value || 0)).toEqual(
        differ(first, second).map((value) => value || 0),
      );
    });
    fc.assert(property, { seed: 7, numRuns: 3 });
  });

  it('is not told where the contrasts cannot be matched', () => {
    expect(imageDifference(exam([old], 1), exam([old], 2, { inverted: true }))).toBe(
      'contrast-not-matched',
    );
  });

  it('is not told where both show too little together', () => {
    expect(imageDifference(exam([old], 1), exam([old], 2, { to: 20 }))).toBe('too-little-overlap');
  });
});

describe('lesions with what the images say', () => {
  const group = { changeClass: 'new', voxels: [at(other)] } as unknown as LesionChange & {
    readonly voxels: readonly number[];
  };

  it('have the mean difference of their place', () => {
    const images = imageDifference(exam([old], 1), exam([old, other], 2));
    const [{ changeClass, deviations }] = withImages([group], images);
    expect(changeClass).toBe('new');
    expect(deviations).toBeGreaterThan(8);
  });

  it('are uncertain, with the reason, where images cannot be compared', () => {
    expect(withImages([group], 'contrast-not-matched')[0]).toMatchObject({
      changeClass: 'uncertain',
      doubt: 'contrast-not-matched',
    });
  });
});
