import { type EvaluatedCase, measures } from '../evaluate/index.js';
import type { Table } from './table.js';

/** `cases.csv`: a line a case, every measure in full precision; an undefined one is empty. */
export function casesTable(cases: readonly EvaluatedCase[]): Table {
  return {
    name: 'cases',
    title: 'Cases',
    note: 'An empty field is an undefined figure; the last column says why.',
    columns: [
      'case',
      'scanner',
      'definition',
      'connectivity',
      'minimum_mm3',
      ...measures.map(({ key }) => key),
      'undefined',
    ],
    rows: cases.map(({ id, row, evaluation }) => [
      id,
      row?.scanner ?? '',
      evaluation.definition.name,
      String(evaluation.definition.connectivity ?? ''),
      String(evaluation.definition.minimumMm3),
      ...measures.map(({ of }) => of(evaluation)?.toString() ?? ''),
      Object.entries(evaluation.undefined)
        .map(([figure, reason]) => `${figure}: ${reason}`)
        .join('; '),
    ]),
  };
}
