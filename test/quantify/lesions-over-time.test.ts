import { describe, expect, it } from 'vitest';
import type { ExamComparison, LesionChange } from '../../src/quantify/change.js';
import { lesionsOverTime } from '../../src/quantify/lesions-over-time.js';

const list = (...volumesMl: number[]) =>
  volumesMl.map((volumeMl, at) => ({ id: at + 1, volumeMl }));

const comparison = (
  previous: number,
  current: number,
  ...groups: [previousIds: number[], currentIds: number[]][]
) =>
  ({
    previous,
    current,
    lesions: groups.map(([previousIds, currentIds]) => ({ previousIds, currentIds })),
  }) as unknown as ExamComparison;

const numbers = ({ lesions }: ExamComparison) =>
  lesions.map(({ seriesId }: LesionChange) => seriesId);

describe('lesions over time', () => {
  it('keep one number through splits and merges', () => {
    const { lesions, consecutive, sinceFirst } = lesionsOverTime(
      [list(1, 0.5), list(0.7, 0.5, 0.4), list(1.2, 0.3)],
      [
        comparison(0, 1, [[1], [1, 3]], [[2], [2]]),
        comparison(1, 2, [[1, 3], [1]], [[2], []], [[], [2]]),
      ],
      [comparison(0, 2, [[1], [1]], [[2], []], [[], [2]])],
    );
    expect(lesions).toEqual([
      { seriesId: 1, idsPerExam: [[1], [1, 3], [1]], volumesMl: [1, 0.7 + 0.4, 1.2] },
      { seriesId: 2, idsPerExam: [[2], [2], []], volumesMl: [0.5, 0.5, 0] },
      { seriesId: 3, idsPerExam: [[], [], [2]], volumesMl: [0, 0, 0.3] },
    ]);
    expect(consecutive.map(numbers)).toEqual([
      [1, 2],
      [1, 2, 3],
    ]);
    expect(numbers(sinceFirst[0])).toEqual([1, 2, 3]);
  });
});
