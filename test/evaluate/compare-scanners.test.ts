import { expect, it } from 'vitest';
import type { EvaluatedCase } from '../../src/evaluate/cohort.js';
import { compareScanners } from '../../src/evaluate/cohort-summary.js';

const evaluated = (scanner: string, dsc: number, index: number): EvaluatedCase => {
  const lesionwise = { precision: null, recall: null, f1: null };
  return {
    id: `${scanner}${index}`,
    row: { case: `${scanner}${index}`, scanner },
    evaluation: { dsc, lesionwise },
  } as unknown as EvaluatedCase;
};

it('two scanners are compared once, though both have a row; of three each has its own', () => {
  const a = [0.7, 0.72, 0.74, 0.71].map((dsc, index) => evaluated('A', dsc, index));
  const b = [0.6, 0.65, 0.62, 0.66].map((dsc, index) => evaluated('B', dsc, index));
  const c = [0.5, 0.55, 0.52, 0.56].map((dsc, index) => evaluated('C', dsc, index));
  const two = compareScanners([...a, ...b], 0.05);
  expect(two).toHaveLength(2);
  for (const { tTestP, tTestHolmP } of two) expect(tTestHolmP).toBeCloseTo(tTestP, 12);
  const three = compareScanners([...a, ...b, ...c], 0.05);
  const smallest = three.reduce((least, row) => (row.tTestP < least.tTestP ? row : least));
  expect(smallest.tTestHolmP).toBeCloseTo(3 * smallest.tTestP, 12);
});
