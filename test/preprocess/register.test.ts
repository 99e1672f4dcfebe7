import { describe, expect, it } from 'vitest';
import { DawsonError } from '../../src/errors.js';
import { alignTo } from '../../src/preprocess/align.js';
import { register } from '../../src/preprocess/register.js';
import { rotation, translation } from '../../src/preprocess/register-motion.js';
import { identity, invert, type Mat4, multiply } from '../../src/volume/affine.js';
import { onGrid, type Volume } from '../../src/volume/volume.js';
import { axialGrid, imageOf, phantomHead, worstErrorMm } from './phantom-head.js';

const head = phantomHead(1);
const bright = (tissue: number) => 1000 * tissue;
/** Air stays dark, tissue runs the other way and is bent, as between T1 and T2. */
const otherContrast = (tissue: number) => (tissue < 0.08 ? 0 : 400 * (1.2 - tissue) ** 2);
const thin = axialGrid(2.5, 3);
const thick = axialGrid(2, 5);
const fixed = imageOf(head, thick, bright);

/** Where a head that was turned and shifted by the map is imaged. */
const movedHead = (byMap: Mat4) => imageOf(head, thin, otherContrast, invert(byMap));

const rigid = multiply(translation([12, -9, 8]), rotation(0.15, -0.12, 0.2));
const affine = multiply(rigid, [
  ...[1.04, 0.02, -0.01, 0],
  ...[0.01, 0.96, 0.03, 0],
  ...[-0.02, 0.01, 1.03, 0],
  ...[0, 0, 0, 1],
] as unknown as Mat4);

const rigidlyMoved = movedHead(rigid);
const affinelyMoved = movedHead(affine);

const failureOf = (body: () => unknown) => {
  try {
    body();
  } catch (error) {
    if (error instanceof DawsonError) return error;
    throw error;
  }
  return undefined;
};

describe('register', () => {
  it.each([
    ['a shift of 17 mm and turn of 16 degrees, with 6 degrees of freedom', 6, rigid, rigidlyMoved],
    [
      'a shift of 17 mm and turn of 16 degrees, with 12 degrees of freedom',
      12,
      rigid,
      rigidlyMoved,
    ],
    ['scales and shears of some percent as well', 12, affine, affinelyMoved],
  ] as const)('recovers %s, between two contrasts and grids', (_, dof, truth, moving) => {
    const result = register(fixed, moving, { dof });
    expect(worstErrorMm(result.fixedToMoving, truth)).toBeLessThan(0.4);
    expect(result.converged).toBe(true);
    expect(result.after.mutualInformation).toBeGreaterThan(result.before.mutualInformation);
    expect(result.after.overlap).toBeGreaterThan(0.9);
  });

  it('does not depend on where zero lies, nor on one voxel', () => {
    const changed = (volume: Volume, place: number, value: number) => {
      const data = Float32Array.from(volume.data, (own) => own - 1024);
      data[place] = value;
      return onGrid(volume, data);
    };
    const [ofFixed, ofMoving] = [fixed, rigidlyMoved].map(({ data }) =>
      Math.floor(data.length / 2),
    );
    const { referenceToSequence } = alignTo(
      changed(fixed, ofFixed, 1e30),
      changed(rigidlyMoved, ofMoving, -1e6),
      6,
    );
    expect(worstErrorMm(referenceToSequence, rigid)).toBeLessThan(0.4);
  });

  it('keeps a rigid transform rigid', () => {
    const { fixedToMoving: m } = register(fixed, affinelyMoved, { dof: 6 });
    for (let a = 0; a < 3; a++) {
      for (let b = a; b < 3; b++) {
        const product = m[a] * m[b] + m[4 + a] * m[4 + b] + m[8 + a] * m[8 + b];
        expect(product).toBeCloseTo(a === b ? 1 : 0, 10);
      }
    }
  });

  it('finds a head whose header places it half a metre away', () => {
    const far = multiply(translation([400, -300, 120]), rigid);
    const elsewhere = {
      ...rigidlyMoved,
      affine: multiply(translation([400, -300, 120]), thin.affine),
    };
    expect(worstErrorMm(register(fixed, elsewhere, { dof: 6 }).fixedToMoving, far)).toBeLessThan(
      0.4,
    );
  });

  it('gives the identity for an image and itself', () => {
    for (const dof of [6, 12] as const) {
      const { fixedToMoving } = register(fixed, fixed, { dof });
      expect(worstErrorMm(fixedToMoving, identity)).toBeLessThan(0.1);
    }
  });

  it('does not mind inverted, scaled or integer intensities', () => {
    const moving = rigidlyMoved;
    const plain = register(fixed, moving, { dof: 6 }).fixedToMoving;
    const variants: Volume[] = [
      onGrid(
        moving,
        moving.data.map((value) => 3 * value + 50),
      ),
      onGrid(
        moving,
        Uint16Array.from(moving.data, (value) => 100 * value),
      ),
      onGrid(
        moving,
        moving.data.map((value) => 600 - value),
      ),
    ];
    for (const variant of variants) {
      expect(worstErrorMm(register(fixed, variant, { dof: 6 }).fixedToMoving, plain)).toBeLessThan(
        0.2,
      );
    }
  });

  it('gives the same numbers for the same images', () => {
    const moving = rigidlyMoved;
    expect(register(fixed, moving, { dof: 12 })).toEqual(register(fixed, moving, { dof: 12 }));
  });

  it('registers an image that shows only part of the head', () => {
    const part = { ...thin, size: [thin.size[0], thin.size[1], 30] as const };
    const moving = imageOf(head, part, otherContrast, invert(rigid));
    expect(worstErrorMm(register(fixed, moving, { dof: 6 }).fixedToMoving, rigid)).toBeLessThan(1);
  });

  it('refuses images of different heads', () => {
    const stranger = imageOf(phantomHead(2), thin, otherContrast);
    for (const dof of [6, 12] as const) {
      expect(failureOf(() => register(fixed, stranger, { dof }))?.code).toBe('registration-failed');
    }
  });

  it('brings another head as near as it comes where that is asked for', () => {
    const stranger = imageOf(phantomHead(2), thin, otherContrast);
    const { before, after, sharpness } = register(fixed, stranger, { dof: 12, sameHead: false });
    expect(after.mutualInformation).toBeGreaterThan(before.mutualInformation);
    expect(sharpness).toBeLessThan(0.19);
  });

  it('refuses an image too small to share a third of the head', () => {
    const chip: Volume = { ...thin, size: [8, 8, 5], data: fixed.data.slice(3e5, 3e5 + 320) };
    expect(failureOf(() => register(fixed, chip, { dof: 6 }))?.code).toBe('registration-failed');
  });

  it('refuses a constant image', () => {
    const constant = onGrid(
      fixed,
      fixed.data.map(() => 7),
    );
    expect(failureOf(() => register(fixed, constant, { dof: 6 }))?.code).toBe('bad-intensities');
    expect(failureOf(() => register(constant, fixed, { dof: 6 }))?.code).toBe('bad-intensities');
  });
});
