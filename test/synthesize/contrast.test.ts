import { describe, expect, it } from 'vitest';
import type { Anatomy } from '../../src/synthesize/anatomy.js';
import { type Mimics, paint } from '../../src/synthesize/contrast.js';
import { stepsPerMm } from '../../src/synthesize/head.js';
import type { SmoothField } from '../../src/synthesize/smooth-field.js';
import { tissue, tissues } from '../../src/synthesize/tissues.js';
import { identity, type Vec3 } from '../../src/volume/affine.js';
import { seededRandom } from '../../src/volume/random.js';
import type { Size } from '../../src/volume/volume.js';

const size: Size = [21, 21, 21];
const count = 21 ** 3;
const middle: Vec3 = [10, 10, 10];
const indexOf = ([i, j, k]: readonly number[]) => i + 21 * (j + 21 * k);
const placeOf = (at: number): Vec3 => [at % 21, Math.floor(at / 21) % 21, Math.floor(at / 441)];

/** White matter of 0 everywhere, at a distance to the ventricles, mm. */
function whiteMatter(distanceMm: (place: Vec3) => number): Anatomy {
  const ventricleDistance = Uint8Array.from({ length: count }, (_, at) =>
    Math.round(stepsPerMm * distanceMm(placeOf(at))),
  );
  return {
    grid: { size, affine: identity },
    tissues: new Uint8Array(count).fill(tissue['white matter']),
    brainDistance: new Int8Array(count).fill(-100),
    ventricleDistance,
    mask: new Uint8Array(count),
    weight: new Float32Array(count),
    core: new Float32Array(count),
  };
}

const [rimField, sheetField]: SmoothField[] = [1, 2].map((seed) => ({ seed, spacingMm: 10 }));
const mimics: Mimics = {
  dirtyDecayMm: 5,
  dirtyField: rimField,
  rimMm: 1,
  rimFadesMm: 1,
  capMm: 0,
  rimField,
  sheetField,
  greySpecksField: rimField,
  greySpecksAbove: 2,
  greySpecksWeight: 0,
  vesselField: rimField,
  vesselsAbove: 4,
};
const zeros = tissues.map(() => 0);
const onlyRim = {
  means: zeros,
  grain: zeros,
  textures: [],
  lesion: 1,
  lesionVariation: 0,
  lesionField: rimField,
  lesionCore: 0,
  dirty: 0,
  rim: 1,
};

/** What the rim and its sheets add, with known fields. */
const painted = (
  anatomy: Anatomy,
  changes: Partial<Mimics>,
  { rim, sheet }: { rim: number; sheet: (place: Vec3) => number },
) =>
  paint(anatomy, onlyRim, { ...mimics, ...changes }, seededRandom(1), (field) =>
    Float32Array.from({ length: count }, (_, at) =>
      field.seed === sheetField.seed ? sheet(placeOf(at)) : rim,
    ),
  ).data;

describe('sheets that go on from the rim of the ventricles', () => {
  it.each([0.01, 0.1, 1])(
    'are as thin where their field is flat as where it is steep: %d a mm',
    (slope) => {
      const values = painted(
        whiteMatter(() => 8),
        {},
        { rim: 1, sheet: ([i]) => slope * (i - 10) },
      );
      const across = [7, 8, 9, 10, 11, 12].map((i) => values[indexOf([i, 10, 10])]);
      const beside = 1 - 1 / 1.2;
      [0, 0, beside, 1, beside, 0].forEach((value, n) => {
        expect(across[n]).toBeCloseTo(value, 4);
      });
      // At the ends of the grid, too.
      expect(values[indexOf([10, 0, 20])]).toBeCloseTo(1, 4);
      expect(values[indexOf([0, 0, 0])]).toBe(0);
    },
  );

  it('are there only where the rim’s field is high, and near the ventricles', () => {
    const flat = { rim: 0.5, sheet: ([i]: Vec3) => i - 10 };
    expect(
      Math.max(
        ...painted(
          whiteMatter(() => 8),
          {},
          flat,
        ),
      ),
    ).toBe(0);
    expect(
      Math.max(
        ...painted(
          whiteMatter(() => 17),
          {},
          { ...flat, rim: 1 },
        ),
      ),
    ).toBe(0);
  });
});

describe('caps of the ventricles', () => {
  // A ventricle of 5 mm in the middle.
  const about = whiteMatter((place) =>
    Math.hypot(...place.map((at, axis) => Math.max(0, Math.abs(at - middle[axis]) - 2))),
  );
  const noSheets = { rim: 0, sheet: () => 1e9 };
  const rimAlong = (values: ArrayLike<number>, axis: number, sign: number) => {
    let mm = 0;
    for (let far = 3; far <= 10; far++) {
      const place = [...middle];
      place[axis] += sign * far;
      mm += values[indexOf(place)];
    }
    return mm;
  };

  it('lie before and behind them, not beside', () => {
    const without = painted(about, {}, noSheets);
    const capped = painted(about, { capMm: 3 }, noSheets);
    for (const sign of [-1, 1]) {
      expect(rimAlong(capped, 1, sign)).toBeCloseTo(rimAlong(without, 1, sign) + 3, 4);
      for (const axis of [0, 2]) {
        expect(rimAlong(capped, axis, sign)).toBeCloseTo(rimAlong(without, axis, sign), 4);
      }
    }
  });

  it('are of the cerebrum', () => {
    const stem = { ...about, tissues: about.tissues.map(() => tissue.brainstem) };
    expect(painted(stem, { capMm: 3 }, noSheets)).toEqual(painted(stem, {}, noSheets));
  });
});
