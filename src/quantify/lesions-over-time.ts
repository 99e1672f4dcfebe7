import type { ExamComparison, LesionChange, LesionOverTime } from './change.js';
import type { Lesion } from './lesions.js';

type Listed = readonly Pick<Lesion, 'id' | 'volumeMl'>[];

/**
 * Gives each lesion of a series one number. Lesions of two exams in one group of a consecutive
 * comparison are one lesion, so that what splits stays one, and what merges was one all along.
 * @param lists the lesion list of each exam, in the order of time
 * @param consecutive each exam compared with the one before it
 * @param sinceFirst each exam from the third on with the first; they follow the numbers of the others
 */
export function lesionsOverTime(
  lists: readonly Listed[],
  consecutive: readonly ExamComparison[],
  sinceFirst: readonly ExamComparison[],
): {
  readonly lesions: readonly LesionOverTime[];
  readonly consecutive: readonly ExamComparison[];
  readonly sinceFirst: readonly ExamComparison[];
} {
  const starts = lists.map((_, exam) =>
    lists.slice(0, exam).reduce((sum, of) => sum + of.length, 0),
  );
  const count = lists.reduce((sum, { length }) => sum + length, 0);
  const node = (exam: number, id: number) => starts[exam] + id - 1;
  const parents = Array.from({ length: count }, (_, at) => at);
  const rootOf = (at: number): number => (parents[at] === at ? at : rootOf(parents[at]));
  const nodesOf = ({ previous, current }: ExamComparison, group: LesionChange) => [
    ...group.previousIds.map((id) => node(previous, id)),
    ...group.currentIds.map((id) => node(current, id)),
  ];
  for (const comparison of consecutive) {
    for (const group of comparison.lesions) {
      const [first, ...others] = nodesOf(comparison, group).map(rootOf);
      for (const other of others) {
        const [low, high] = [rootOf(first), rootOf(other)].sort((a, b) => a - b);
        parents[high] = low;
      }
    }
  }
  const numbers = new Map<number, number>();
  for (let at = 0; at < count; at++) {
    if (!numbers.has(rootOf(at))) numbers.set(rootOf(at), numbers.size + 1);
  }
  const numberOf = (at: number) => numbers.get(rootOf(at))!;
  const numbered = (comparison: ExamComparison): ExamComparison => ({
    ...comparison,
    lesions: comparison.lesions.map((group) => ({
      ...group,
      seriesId: Math.min(...nodesOf(comparison, group).map(numberOf)),
    })),
  });
  const lesions = [...numbers.values()].map((seriesId): LesionOverTime => {
    const own = lists.map((list, exam) =>
      list.filter(({ id }) => numberOf(node(exam, id)) === seriesId),
    );
    return {
      seriesId,
      idsPerExam: own.map((list) => list.map(({ id }) => id)),
      volumesMl: own.map((list) => list.reduce((sum, { volumeMl }) => sum + volumeMl, 0)),
    };
  });
  return {
    lesions,
    consecutive: consecutive.map(numbered),
    sinceFirst: sinceFirst.map(numbered),
  };
}
