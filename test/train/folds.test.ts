import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { givenFolds, type SplitCase, splitCases, splitIntoFolds } from '../../src/train/folds.js';

const cases = (count: number, scanners: number): SplitCase[] =>
  Array.from({ length: count }, (_, index) => ({
    name: `case-${String(index).padStart(3, '0')}`,
    patient: `patient-${index}`,
    stratum: `scanner-${index % scanners}`,
  }));

describe('givenFolds', () => {
  const all = cases(3, 1);
  const [a, b, c] = all.map(({ name }) => name);

  it('takes the folds of a file as they are', () => {
    const folds = [{ train: [a, b], val: [c] }];
    expect(givenFolds(folds, all, 'splits_final.json')).toEqual(folds);
  });

  it.each([
    ['no list', {}, /no list of 1 to 10 folds/],
    ['no cases', [{ train: [], val: [c] }], /no lists of cases/],
    ['a case that there is not', [{ train: [a, 'x'], val: [] }], /fold 0: no case x/],
    ['a case on both sides', [{ train: [a, b], val: [b] }], /in train and in val/],
  ])('refuses %s', (_, folds, message) => {
    expect(() => givenFolds(folds, all, 'splits_final.json')).toThrow(message);
  });

  it('refuses a patient on both sides', () => {
    const same = all.map((entry) => ({ ...entry, patient: 'one' }));
    const folds = [{ train: [a], val: [b] }];
    expect(() => givenFolds(folds, same, 'splits_final.json')).toThrow(/or its patient/);
  });
});

describe('splitIntoFolds', () => {
  it('puts every case into the validation of exactly one fold, and into the training of the others', () => {
    const all = cases(23, 3);
    const folds = splitIntoFolds(all, { seed: 1 });
    expect(folds).toHaveLength(5);
    expect(folds.flatMap(({ val }) => val).sort()).toEqual(all.map(({ name }) => name));
    for (const { train, val } of folds) {
      expect([...train, ...val].sort()).toEqual(all.map(({ name }) => name));
    }
  });

  it('spreads each stratum: folds differ by at most one case of it', () => {
    const all = cases(41, 3);
    const folds = splitIntoFolds(all, { seed: 7 });
    for (const stratum of ['scanner-0', 'scanner-1', 'scanner-2']) {
      const counts = folds.map(
        ({ val }) => all.filter((c) => c.stratum === stratum && val.includes(c.name)).length,
      );
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    }
  });

  it('keeps the exams of a patient together, leaves no fold empty, and is the same for a seed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 11 }), fc.constantFrom('a', 'b', '')), {
          minLength: 5,
          maxLength: 60,
        }),
        fc.nat(1000),
        (rows, seed) => {
          const all = rows.map(([patient, stratum], index) => ({
            name: `case-${index}`,
            patient: String(patient),
            stratum,
          }));
          fc.pre(new Set(all.map(({ patient }) => patient)).size >= 5);
          const folds = splitIntoFolds(all, { seed });
          expect(splitIntoFolds(all.toReversed(), { seed })).toEqual(folds);
          const foldOf = new Map<string, number>();
          for (const [index, { val }] of folds.entries()) {
            expect(val.length).toBeGreaterThan(0);
            for (const { name, patient } of all) {
              if (!val.includes(name)) continue;
              expect(foldOf.get(patient) ?? index).toBe(index);
              foldOf.set(patient, index);
            }
          }
        },
      ),
      { seed: 3 },
    );
  });

  it('refuses fewer patients than folds', () => {
    expect(() => splitIntoFolds(cases(4, 1), { seed: 1 })).toThrow(/a fold would be empty/);
  });
});

describe('splitCases', () => {
  const entry = (name: string) => ({ name, images: [], labels: '' });
  const dataset = { folder: 'data', cases: [entry('a'), entry('b'), entry('c')] };

  it('takes patients and strata from the columns of a cohort file', () => {
    const rows = [
      { case: 'a', patient: 'p', scanner: 'Verio' },
      { case: 'b', patient: 'p', scanner: 'mMR' },
      { case: 'c' },
    ];
    expect(splitCases(dataset, { rows, stratifyBy: 'scanner' })).toEqual([
      { name: 'a', patient: 'patient p', stratum: 'Verio' },
      { name: 'b', patient: 'patient p', stratum: 'mMR' },
      { name: 'c', patient: 'case c', stratum: '' },
    ]);
  });

  it('takes every case for a patient without a cohort file', () => {
    expect(new Set(splitCases(dataset).map(({ patient }) => patient)).size).toBe(3);
  });

  it('lists all cases without a line and all lines without a case', () => {
    expect(() => splitCases(dataset, { rows: [{ case: 'a' }, { case: 'x' }] })).toThrow(
      /3 problems:.*b: no line.*c: no line.*x: no such case/s,
    );
  });
});
