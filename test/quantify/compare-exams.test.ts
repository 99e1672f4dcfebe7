import { describe, expect, it } from 'vitest';
import { rotation, translation } from '../../src/preprocess/register-motion.js';
import type { ChangeClass } from '../../src/quantify/change.js';
import { changeRule } from '../../src/quantify/classify-change.js';
import { compareExams, type MeasuredExam } from '../../src/quantify/compare-exams.js';
import { findLesions } from '../../src/quantify/lesions.js';
import { applyToPoint, identity, invert, type Mat4, multiply } from '../../src/volume/affine.js';
import { seededRandom } from '../../src/volume/random.js';
import { onGrid, type Size } from '../../src/volume/volume.js';

interface Ball {
  readonly centreMm: readonly [number, number, number];
  readonly radiusMm: number;
  /** Shown bright, yet not marked. */
  readonly unmarked?: boolean;
  /** Instead: less than half as bright and not marked, yet with this probability. */
  readonly faint?: number;
}

/** Voxels and mm. */
const edge = 44;

const rule = { threshold: 0.5, minimumVolumeMm3: 0, keepLargest: false, connectivity: 26 } as const;

/** An exam of a brain that fills a box, with balls of lesion; `pose` takes its points to the head's. */
function exam(
  balls: readonly Ball[],
  { pose = identity, sliceMm = 1, lengthMm = edge, voxelMm = 1, brighter = 40 } = {},
): MeasuredExam {
  const size: Size = [edge, edge, Math.round(lengthMm / sliceMm)];
  const first = -edge / 2;
  const affine: Mat4 = [
    ...[voxelMm, 0, 0, voxelMm * first],
    ...[0, voxelMm, 0, voxelMm * first],
    ...[0, 0, sliceMm, first],
    ...[0, 0, 0, 1],
  ] as unknown as Mat4;
  const toHead = multiply(pose, affine);
  const random = seededRandom(1);
  const count = size[0] * size[1] * size[2];
  const flair = new Float32Array(count);
  const probability = new Float32Array(count);
  for (let voxel = 0; voxel < count; voxel++) {
    const k = Math.floor(voxel / edge ** 2);
    const point = applyToPoint(toHead, [voxel % edge, Math.floor(voxel / edge) % edge, k]);
    const inside = balls.filter(
      ({ centreMm, radiusMm }) =>
        Math.hypot(...point.map((mm, axis) => mm - centreMm[axis])) <= radiusMm,
    );
    flair[voxel] =
      100 +
      5 * random.normal() +
      Math.max(0, ...inside.map(({ faint }) => (faint === undefined ? 1 : 0.4) * brighter));
    probability[voxel] = Math.max(
      0,
      ...inside.map(({ unmarked, faint }) => faint ?? (unmarked ? 0 : 1)),
    );
  }
  const grid = { size, affine };
  const { list, mask } = findLesions(onGrid(grid, probability), rule);
  return {
    flair: onGrid(grid, flair),
    brain: onGrid(grid, new Uint8Array(count).fill(1)),
    lesions: mask,
    probability: onGrid(grid, probability),
    list,
    lesionRule: rule,
  };
}

const ball = (x: number, y: number, z: number, radiusMm: number, unmarked = false): Ball => ({
  centreMm: [x, y, z],
  radiusMm,
  unmarked,
});

const compare = (previous: MeasuredExam, current: MeasuredExam, map: Mat4 = identity) =>
  compareExams(previous, current, map, changeRule);

/** Classes with the numbers of lesions on both sides. */
const classes = (...of: Parameters<typeof compare>) =>
  compare(...of).lesions.map(
    ({ changeClass, previousIds, currentIds }) =>
      `${changeClass} ${previousIds.length}>${currentIds.length}`,
  );

const several = [ball(-11, -8, -6, 5), ball(8, 10, 0, 4), ball(8, -10, 9, 6)];

describe('change of lesions', () => {
  it('is none between an exam and itself', () => {
    const same = exam(several);
    const { counts, lesions } = compare(same, same);
    expect(counts).toMatchObject({ stable: 3, new: 0, enlarged: 0, uncertain: 0 });
    expect(lesions.every(({ relativeChange }) => relativeChange === 0)).toBe(true);
  });

  it.each([1, 1000])(
    'is the same whatever the zero and the unit of the FLAIRs: %s less',
    (less) => {
      const before = exam([ball(8, 10, 0, 4)]);
      const now = exam(several);
      const moved = (own: MeasuredExam): MeasuredExam => ({
        ...own,
        flair: onGrid(
          own.flair,
          own.flair.data.map((value) => 2 * (value - less)),
        ),
      });
      const [plain, other] = [compare(before, now), compare(moved(before), moved(now))];
      const shown = ({ lesions }: typeof plain) =>
        lesions.map(({ changeClass, currentIds }) => `${changeClass} ${currentIds}`);
      expect(plain.counts).toMatchObject({ new: 2, stable: 1 });
      expect(shown(other)).toEqual(shown(plain));
      expect(shown(compare(before, moved(now)))).toEqual(shown(plain));
    },
  );

  it('is none where only pose and slices differ', () => {
    const pose = multiply(translation([3, -2, 2]), rotation(0.1, -0.15, 0.08));
    const turned = exam(several, { pose, sliceMm: 3 });
    expect(classes(exam(several), turned, pose)).toEqual(Array(3).fill('stable 1>1'));
  });

  it.each<[ChangeClass, Ball[], Ball[], string]>([
    ['new', [], [ball(0, 0, 0, 4)], 'new 0>1'],
    ['disappeared', [ball(0, 0, 0, 4)], [], 'disappeared 1>0'],
    ['enlarged', [ball(0, 0, 0, 5)], [ball(0, 0, 0, 6.5)], 'enlarged 1>1'],
    ['shrunken', [ball(0, 0, 0, 6.5)], [ball(0, 0, 0, 5)], 'shrunken 1>1'],
    ['stable', [ball(0, 0, 0, 6)], [ball(0.5, 0, 0, 6)], 'stable 1>1'],
  ])('is called %s', (_, before, now, expected) => {
    expect(classes(exam(before), exam(now))).toEqual([expected]);
  });

  it('compares what merged as one', () => {
    const before = exam([ball(-6, 0, 0, 4), ball(6, 0, 0, 4)]);
    const now = exam([ball(-6, 0, 0, 4), ball(6, 0, 0, 4), ball(0, 0, 0, 3)]);
    const [group] = compare(before, now).lesions;
    expect(group).toMatchObject({ previousIds: [1, 2], currentIds: [1] });
    expect(compare(now, before).lesions).toHaveLength(1);
  });

  it('keeps a new lesion apart from an old one beside it', () => {
    const old = ball(-6, 0, 0, 5);
    expect(classes(exam([old]), exam([old, ball(4, 0, 0, 3.5)]))).toEqual([
      'new 0>1',
      'stable 1>1',
    ]);
  });

  it('takes small pieces of a lesion with it that the other exam does not show', () => {
    const whole = exam([ball(0, 0, 0, 5)]);
    const withPiece = exam([ball(0, 0, 0, 5), ball(7, 0, 0, 0.2)]);
    expect(classes(whole, withPiece)).toEqual(['stable 1>2']);
    expect(classes(withPiece, whole)).toEqual(['stable 2>1']);
  });

  it('is the same for FLAIRs of any scale', () => {
    const before = exam([ball(-9, -8, -6, 5), ball(8, 10, 0, 4)]);
    const now = exam([ball(-9, -8, -6, 7), ball(9, -11, 6, 4)]);
    const scaled = ({ flair, ...rest }: MeasuredExam, factor: number): MeasuredExam => ({
      ...rest,
      flair: onGrid(
        flair,
        flair.data.map((value) => factor * value),
      ),
    });
    expect(classes(scaled(before, 4), scaled(now, 0.5))).toEqual(classes(before, now));
  });

  it('is uncertain where a lesion that one exam marks is as bright in the other', () => {
    const [group] = compare(exam([ball(0, 0, 0, 4, true)]), exam([ball(0, 0, 0, 4)])).lesions;
    expect(group).toMatchObject({ changeClass: 'uncertain', doubt: 'bright-in-both' });
    expect(group.previousBrightness).toBeCloseTo(group.currentBrightness!, 0);
  });

  it('is uncertain where the other exam shows it faintly and finds it probable', () => {
    const of = (faint: number) =>
      compare(exam([ball(0, 0, 0, 4)]), exam([{ ...ball(0, 0, 0, 4), faint }])).lesions[0];
    expect(of(0.3)).toMatchObject({ changeClass: 'uncertain', doubt: 'probable-in-both' });
    expect(of(0.3).otherProbability).toBeCloseTo(0.3, 1);
    expect(of(0.005)).toMatchObject({ changeClass: 'disappeared' });
    const same = exam(several);
    expect(compare(same, same).lesions.every((one) => !('otherProbability' in one))).toBe(true);
  });

  it('expects in the other exam what lesions have there that both mark, be they few', () => {
    const common = ball(-9, -8, -6, 5);
    const dull = { brighter: 18 };
    const previous = exam([common, ball(8, 10, 0, 4, true)], dull);
    const found = compare(previous, exam([common, ball(8, 10, 0, 4)])).lesions;
    expect(found.map(({ doubt }) => doubt)).toContain('bright-in-both');
    const really = compare(exam([common], dull), exam([common, ball(8, 10, 0, 4)])).lesions;
    expect(really.map(({ changeClass }) => changeClass)).toContain('new');
  });

  it('is uncertain for a lesion that is too small to count', () => {
    const [group] = compare(exam([]), exam([ball(0, 0, 0, 1)])).lesions;
    expect(group).toMatchObject({ changeClass: 'uncertain', doubt: 'below-minimum-size' });
  });

  it('is uncertain where the other exam does not reach', () => {
    const [group] = compare(exam([], { lengthMm: 22 }), exam([ball(0, 0, 11, 4)])).lesions;
    expect(group).toMatchObject({ changeClass: 'uncertain', doubt: 'outside-other-exam' });
    expect(group.previousBrightness).toBeNull();
  });

  it('is uncertain where the other exam shows only part of the lesion', () => {
    const whole = exam([ball(0, 0, 0, 6)]);
    const cut = exam([ball(0, 0, 0, 6)], { lengthMm: 23 });
    for (const [before, now] of [
      [whole, cut],
      [cut, whole],
    ]) {
      const [group] = compare(before, now).lesions;
      expect(group).toMatchObject({ changeClass: 'uncertain', doubt: 'outside-other-exam' });
    }
  });

  it('lies where the lesion is, also where the space of the comparison has no voxel of it', () => {
    const thin = exam([ball(0.1, 0.1, 0, 0.2)], { voxelMm: 0.2 });
    const group = compare(exam([], { voxelMm: 0.2 }), thin).lesions[0];
    expect(group.currentBrightness).toBeNull();
    expect(group).toMatchObject({ changeClass: 'uncertain', doubt: 'below-minimum-size' });
    expect(group.centroidMm).toEqual(thin.list[0].centroidMm);
    const back = compare(thin, exam([], { voxelMm: 0.2 })).lesions[0];
    expect(back.centroidMm[0]).toBeCloseTo(group.centroidMm[0]);
  });

  it.each([
    [3.4, 4, 3.7, 4],
    [2.6, 5, 2.9, 4],
  ])(
    'is uncertain where growth is below the error of measuring a small lesion: %d mm in slices of %d mm, then %d in %d',
    (beforeMm, beforeSliceMm, nowMm, nowSliceMm) => {
      const [group] = compare(
        exam([ball(0, 0, 0, beforeMm)], { sliceMm: beforeSliceMm }),
        exam([ball(0, 0, 0, nowMm)], { sliceMm: nowSliceMm }),
      ).lesions;
      expect(Math.abs(group.relativeChange!)).toBeGreaterThanOrEqual(0.3);
      expect(group).toMatchObject({ changeClass: 'uncertain', doubt: 'below-measurement-error' });
    },
  );

  it('is exchanged with the exams', () => {
    const pose = multiply(translation([3, 2, -1]), rotation(0.05, 0.02, -0.1));
    const first = exam([ball(-9, -8, -6, 5), ball(8, 10, 0, 4)]);
    const second = exam([ball(-9, -8, -6, 7), ball(9, -11, 6, 4)], { pose });
    const forth = compare(first, second, pose);
    const back = compare(second, first, invert(pose));
    const exchanged = { new: 'disappeared', disappeared: 'new', enlarged: 'shrunken' };
    expect(back.lesions.map(({ changeClass }) => changeClass).sort()).toEqual(
      forth.lesions.map(({ changeClass }) => exchanged[changeClass as 'new'] ?? changeClass).sort(),
    );
  });

  it('is painted on the grid of the current exam, with what is gone where it was', () => {
    const shift = translation([5, 0, 0]);
    const { map } = compare(
      exam([ball(0, 0, 0, 4)]),
      exam([ball(0, 11, 0, 4)], { pose: shift }),
      shift,
    );
    const at = (x: number, y: number, z: number) =>
      map.data[x + 22 + edge * (y + 22 + edge * (z + 22))];
    expect([at(-5, 11, 0), at(-5, 0, 0), at(10, 0, 0)]).toEqual([1, 4, 0]);
  });

  it('of exams without lesions is nothing', () => {
    expect(compare(exam([]), exam([])).lesions).toEqual([]);
  });
});
