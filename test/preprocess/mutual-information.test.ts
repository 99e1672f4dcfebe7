import { describe, expect, it } from 'vitest';
import { bins, mutualInformation } from '../../src/preprocess/mutual-information.js';
import { about, moved, rotation, translation } from '../../src/preprocess/register-motion.js';
import { identity, type Mat4, multiply, type Vec3 } from '../../src/volume/affine.js';
import { seededRandom } from '../../src/volume/random.js';
import type { Volume } from '../../src/volume/volume.js';

const random = seededRandom(7);
const size = [12, 11, 9] as const;
const affine: Mat4 = [-2, 0, 0.2, 5, 0.1, 2.5, 0, -9, 0, 0.3, 3, -8, 0, 0, 0, 1];
const moving: Volume<Float32Array> = {
  size,
  affine,
  data: Float32Array.from({ length: 12 * 11 * 9 }, () => 100 * random.uniform()),
};
const centre: Vec3 = [-4, 3, 2];
const count = 400;
const samples = {
  centre,
  offsetsMm: Float64Array.from({ length: 3 * count }, () => 8 * (random.uniform() - 0.5)),
  classes: Uint8Array.from({ length: count }, () => random.integer(bins)),
};
const pose = multiply(
  translation([0.7, -1.1, 0.4]),
  about(
    centre,
    multiply(rotation(0.1, -0.2, 0.15), [
      ...[1.03, 0.02, 0, 0],
      ...[0, 0.97, 0.01, 0],
      ...[0, 0, 1.01, 0],
      ...[0, 0, 0, 1],
    ] as unknown as Mat4),
  ),
);

describe('mutualInformation', () => {
  const similarity = mutualInformation(samples, moving, 0, 100);

  it('has the gradient of its finite differences, in all twelve dimensions', () => {
    const { gradient, overlap } = similarity(pose);
    expect(overlap).toBe(1);
    for (let axis = 0; axis < 12; axis++) {
      // Linear interpolation has kinks at the planes between voxels: a step stays clear of most.
      const step = 1e-6;
      const motion = (by: number) =>
        Float64Array.from({ length: 12 }, (_, i) => (i === axis ? by : 0));
      const above = similarity(moved(pose, motion(step), centre)).value;
      const below = similarity(moved(pose, motion(-step), centre)).value;
      expect((above - below) / (2 * step)).toBeCloseTo(gradient[axis], 4);
    }
  });

  it('is the entropy of the classes where the moving image tells them apart completely', () => {
    // Two intensities far apart: the cubic weights of one never reach the classes of the other.
    const halves = Float32Array.from(moving.data, (_, i) => (i % 12 < 6 ? 0 : 100));
    const across = Float64Array.from({ length: 3 * count }, (_, at) =>
      at % 3 === 0 ? (at % 2 === 0 ? -12 : 4) : 0,
    );
    const plain: Mat4 = [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1];
    const at: Vec3 = [14, 10, 8];
    const { value } = mutualInformation(
      {
        centre: at,
        offsetsMm: across,
        classes: Uint8Array.from({ length: count }, (_, n) => n % 2),
      },
      { size, affine: plain, data: halves },
      0,
      100,
    )(identity);
    expect(value).toBeCloseTo(Math.log(2), 10);
  });

  it('is 0, with no slope, where the images do not overlap', () => {
    const far = similarity(translation([1000, 0, 0]));
    expect(far).toMatchObject({ value: 0, normalised: 1, overlap: 0 });
    expect(far.gradient.every((slope) => slope === 0)).toBe(true);
  });

  it('does not count points outside the moving image', () => {
    const away = similarity(translation([14, 0, 0]));
    expect(away.overlap).toBeGreaterThan(0);
    expect(away.overlap).toBeLessThan(1);
  });
});
