import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { EvaluatedCase } from '../../src/evaluate/index.js';
import { alsoSeen, compareLeftOut } from '../../src/experiments/leave-one-out.js';

interface Golden {
  readonly margin: number;
  readonly groups: readonly {
    readonly value: string;
    readonly unseen: readonly number[];
    readonly seen: readonly number[];
    readonly [figure: string]: unknown;
  }[];
}

const golden: Golden = JSON.parse(
  readFileSync(new URL('../goldens/experiments/left-out.json', import.meta.url), 'utf8'),
);

/** A case of which only the DSC is known. */
const judged = (id: string, dsc: number | null) =>
  ({ id, evaluation: { dsc, lesionwise: undefined } }) as unknown as EvaluatedCase;

describe('compareLeftOut', () => {
  it('equals SciPy and statsmodels', () => {
    const unseen = new Map(
      golden.groups.map(({ value, unseen }) => [
        value,
        unseen.map((dsc, at) => judged(`${value}${at}`, dsc)),
      ]),
    );
    const seen = golden.groups.flatMap(({ value, seen }) =>
      seen.map((dsc, at) => judged(`${value}${at}`, dsc)),
    );
    const rows = compareLeftOut(unseen, seen, golden.margin);
    expect(rows.map(({ value }) => value)).toEqual(['A', 'B', 'C']);
    for (const [at, row] of rows.entries()) {
      const expected = golden.groups[at];
      expect(row.n).toBe(expected.unseen.length);
      for (const figure of [
        'difference',
        'tTestP',
        'tTestHolmP',
        'equivalenceP',
        'equivalenceHolmP',
      ] as const) {
        expect(row[figure]).toBeCloseTo(expected[figure] as number, 10);
      }
      const interval = expected.confidenceInterval as number[];
      expect(row.confidenceInterval[0]).toBeCloseTo(interval[0], 10);
      expect(row.confidenceInterval[1]).toBeCloseTo(interval[1], 10);
    }
  });

  it('leaves out cases that only one side has, and groups of which too few are left', () => {
    const unseen = new Map([
      ['A', [judged('a', 0.5), judged('b', null), judged('c', 0.6)]],
      ['B', [judged('d', 0.5), judged('e', 0.5)]],
    ]);
    const seen = [judged('a', 0.5), judged('b', 0.5), judged('c', 0.7), judged('d', 0.4)];
    const rows = compareLeftOut(unseen, seen, 0.05);
    expect(rows.map(({ value, n }) => [value, n])).toEqual([['A', 2]]);
  });

  it('takes for seen only what a network saw that was trained on the value', () => {
    const trial = (cases: string[], ...ids: string[]) => ({
      system: { network: { dataset: 'set', cases, channels: [], training: {} as never } },
      judged: ids.map((id) => judged(id, 0.5)),
    });
    const unseen = ['a1', 'a2', 'a3'].map((id) => judged(id, 0.4));
    const trials = [trial(['b1', 'a3'], 'a1', 'a2'), trial(['b1', 'b2'], 'a3')];
    const isA = (name: string) => name.startsWith('a');
    expect(alsoSeen(unseen, trials, isA).map(({ id }) => id)).toEqual(['a1', 'a2']);
  });
});
