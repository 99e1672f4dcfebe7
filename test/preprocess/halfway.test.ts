import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { halfOf, halfwaySpace } from '../../src/preprocess/halfway.js';
import { rotation, translation } from '../../src/preprocess/register-motion.js';
import { applyToPoint, identity, type Mat4, multiply } from '../../src/volume/affine.js';
import type { Mask } from '../../src/volume/volume.js';

const angles = fc.double({ min: -1.2, max: 1.2, noNaN: true });
const shifts = fc.double({ min: -80, max: 80, noNaN: true });
const motions = fc
  .tuple(angles, angles, angles, shifts, shifts, shifts)
  .map(([x, y, z, a, b, c]) => multiply(translation([a, b, c]), rotation(x, y, z)));

describe('half of a motion', () => {
  it('done twice is the motion', () => {
    fc.assert(
      fc.property(motions, (motion) => {
        const half = halfOf(motion);
        multiply(half, half).forEach((value, at) => {
          expect(value).toBeCloseTo(motion[at], 8);
        });
      }),
      { numRuns: 50 },
    );
  });

  it('of no motion is none', () => {
    expect(halfOf(identity)).toEqual(identity);
  });

  it.each([
    ['a turn of half a circle', rotation(Math.PI, 0, 0)],
    ['a scaling', [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1] as Mat4],
  ])('is refused for %s', (_, motion) => {
    expect(() => halfOf(motion)).toThrow(RangeError);
  });
});

describe('the halfway space', () => {
  const brain: Mask = { data: new Uint8Array(8).fill(1), size: [2, 2, 2], affine: identity };

  it('lies as far from one exam as from the other and holds both', () => {
    const { grid, toFirst, toSecond } = halfwaySpace(brain, brain, translation([20, 0, 0]));
    expect(applyToPoint(toFirst, [0, 0, 0])).toEqual([-10, 0, 0]);
    expect(applyToPoint(toSecond, [0, 0, 0])).toEqual([10, 0, 0]);
    const [x, y, z] = applyToPoint(grid.affine, [0, 0, 0]);
    expect(x).toBeLessThan(-10);
    expect(Math.max(y, z)).toBeLessThan(0);
    expect(x + grid.size[0]).toBeGreaterThan(11);
  });

  it('holds the whole field of view where a brain mask is empty', () => {
    const nothing = { ...brain, data: new Uint8Array(8) };
    expect(halfwaySpace(nothing, nothing, identity).grid).toEqual(
      halfwaySpace(brain, brain, identity).grid,
    );
  });
});
