import { definitionInWords } from '../evaluate/definitions.js';
import {
  compareSets,
  type Definition,
  type EvaluatedCase,
  type NamedSet,
  readerAgreement,
  volumeAgreement,
} from '../evaluate/index.js';
import { jsonText } from '../formats/json.js';
import { version } from '../version.js';
import { cohortPage } from './cohort-page.js';
import { filesOf } from './cohort-report.js';
import { setsTable } from './cohort-tables.js';
import { readersTable } from './readers-table.js';
import { evaluationSchema, type ReportFiles } from './report-folder.js';
import type { Table } from './table.js';

/** A comparison: its files, and what its machine-readable file says. */
export interface ComparisonReport {
  readonly files: ReportFiles;
  readonly result: object;
}

const title = 'Comparison of lesion masks';

/** Sets of predictions, each evaluated against the same references, tested case by case. */
export function setsReport(
  sets: readonly NamedSet[],
  definition: Definition,
  margin: number,
): ComparisonReport {
  const comparisons = compareSets(sets, margin);
  return reportOf([setsTable(comparisons, definition, margin)], definition, {
    margin,
    sets: sets.map(({ name }) => name),
    comparisons: comparisons.map(({ measure, ...row }) => ({ measure: measure.key, ...row })),
  });
}

/**
 * Readers of the same exams, every two compared.
 * @param pairs the second reader of each pair evaluated against the first, the same cases in all
 */
export function readersReport(
  names: readonly string[],
  pairs: readonly { first: string; second: string; cases: readonly EvaluatedCase[] }[],
  definition: Definition,
): ComparisonReport {
  const agreements = pairs.map(({ first, second, cases }) => readerAgreement(first, second, cases));
  const withFirst = pairs.slice(0, names.length - 1);
  const volumesMl = [
    withFirst[0].cases.map(({ evaluation }) => evaluation.volumes.referenceMl),
    ...withFirst.map(({ cases }) => cases.map(({ evaluation }) => evaluation.volumes.predictionMl)),
  ];
  const volumeIcc = volumeAgreement(volumesMl);
  return reportOf([readersTable(agreements, volumeIcc, definition)], definition, {
    readers: names,
    volumeIcc,
    agreements,
  });
}

function reportOf(
  tables: readonly Table[],
  definition: Definition,
  rest: object,
): ComparisonReport {
  const result = { definition, ...rest };
  const lead = [
    definitionInWords(definition),
    `Made with Dawson ${version}. Not a medical device; not for diagnosis.`,
  ];
  return {
    result,
    files: new Map<string, string | Uint8Array>([
      ['evaluation.json', jsonText({ ...evaluationSchema, dawson: version, ...result })],
      ['report.html', cohortPage(title, lead, tables, [])],
      ...filesOf(tables, []),
    ]),
  };
}
