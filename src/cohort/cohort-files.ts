import { stringify } from 'csv-stringify/sync';
import { changeClasses } from '../quantify/change.js';
import type { Findings } from '../quantify/findings.js';
import { lesionTable } from '../quantify/lesion-table.js';
import { lesionRegions } from '../quantify/location.js';
import { inertCell } from '../report/table.js';
import type { CohortResult, PersonChange } from './cohort-result.js';

type Cell = string | number | undefined;
type Column<T> = readonly [name: string, value: (row: T) => Cell];

const found =
  (value: (findings: Findings) => Cell) =>
  ({ findings }: CohortResult): Cell =>
    findings && value(findings);

const region = (name: string) => name.replaceAll('-', '_');

/**
 * Columns of `cohort.csv`, a line an exam. The first ones are those of a cohort file of
 * `dawson evaluate`. Adding a column is adding a row.
 */
const examColumns: readonly Column<CohortResult>[] = [
  ['case', ({ exam }) => exam.name],
  ['patient', ({ exam }) => exam.subject],
  ['scanner', found(scannerOf)],
  ['manufacturer', found(({ exam }) => exam?.scanner?.manufacturer)],
  ['model', found(({ exam }) => exam?.scanner?.model)],
  ['field_strength_t', found(({ exam }) => exam?.scanner?.fieldStrengthTesla)],
  ['flair_voxel_mm', found(({ inputs }) => inputs.flair.voxelSizeMm.map(twoDigits).join('x'))],
  ['visit', ({ exam }) => exam.session],
  ['date', ({ exam, findings }) => findings?.exam?.date ?? exam.date],
  ['state', ({ findings }) => (findings ? 'done' : 'failed')],
  ['reason', ({ failure }) => failure],
  ['sequences', found(({ inputs }) => Object.keys(inputs).join(' '))],
  ['lesion_volume_ml', found(({ lesionVolumeMl }) => lesionVolumeMl.toFixed(3))],
  ['lesion_count', found(({ lesionCount }) => lesionCount)],
  ...lesionRegions.flatMap((name): Column<CohortResult>[] => [
    [
      `${region(name)}_volume_ml`,
      found(({ location }) => location?.regions[name].volumeMl.toFixed(3)),
    ],
    [`${region(name)}_count`, found(({ location }) => location?.regions[name].count)],
  ]),
  ['brain_volume_ml', found(({ brainVolumeMl }) => brainVolumeMl.toFixed(1))],
  ['quality', ({ findings, worst }) => findings && (worst ?? 'good')],
  ['quality_remarks', found(({ quality = [] }) => quality.map(({ code }) => code).join(' '))],
  ['stands_out', ({ outlying }) => outlying.join('; ')],
  ['segmenter', found(({ settings }) => settings.segmenter)],
  ['network', found(({ settings: { model } }) => model && `${model.name} ${model.version}`)],
  ['dawson', found(({ program }) => program.version)],
  ['source', ({ exam }) => exam.source],
  ['notes', ({ exam }) => exam.notes.join('; ')],
];

/** Manufacturer, model and field strength as one name, by which figures are grouped. */
export function scannerOf({ exam }: Findings): string | undefined {
  const { manufacturer, model, fieldStrengthTesla } = exam?.scanner ?? {};
  const field = fieldStrengthTesla && `${fieldStrengthTesla} T`;
  return [manufacturer, model, field].filter(Boolean).join(' ') || undefined;
}

const twoDigits = (mm: number) => String(Number(mm.toFixed(2)));

/** Columns of `change.csv`, a line a comparison. */
type Comparison = {
  readonly change: PersonChange;
  readonly since: 'previous' | 'first';
  readonly comparison: NonNullable<PersonChange['document']>['consecutive'][number];
};
const exams = ({ change }: Comparison) => change.document!.exams;

/** The name of an exam that a comparison knows as `folder 2` of those that it was given. */
function examIn(row: Comparison, at: number): string {
  const { folder } = exams(row)[at];
  const number = Number(/^folder (\d+)$/.exec(folder)?.[1]);
  return row.change.exams[number - 1] ?? folder;
}

const changeColumns: readonly Column<Comparison>[] = [
  ['patient', ({ change }) => change.subject],
  ['since', ({ since }) => since],
  ['earlier', (row) => examIn(row, row.comparison.previous)],
  ['later', (row) => examIn(row, row.comparison.current)],
  ['earlier_date', (row) => exams(row)[row.comparison.previous].exam?.date],
  ['later_date', (row) => exams(row)[row.comparison.current].exam?.date],
  ['earlier_volume_ml', (row) => exams(row)[row.comparison.previous].lesionVolumeMl.toFixed(3)],
  ['later_volume_ml', (row) => exams(row)[row.comparison.current].lesionVolumeMl.toFixed(3)],
  ...changeClasses.map(
    (name): Column<Comparison> => [name, ({ comparison }) => comparison.counts[name]],
  ),
  [
    'cautions',
    ({ change, comparison }) =>
      [...change.document!.cautions, ...comparison.cautions].map(({ code }) => code).join(' '),
  ],
];

const table = <T>(columns: readonly Column<T>[], rows: readonly T[]): string =>
  stringify([
    columns.map(([name]) => name),
    ...rows.map((row) => columns.map(([, value]) => inertCell(value(row)))),
  ]);

/** `cohort.csv`: every exam, failed ones with the reason. */
export const cohortTable = (results: readonly CohortResult[]): string =>
  table(examColumns, results);

/** `lesions.csv`: the lesions of all exams, each with its exam. */
export function allLesionsTable(results: readonly CohortResult[]): string {
  const lines = results.flatMap(({ exam, findings }) => {
    if (!findings) return [];
    const [, ...rows] = lesionTable(findings.lesions, findings.location?.source)
      .trimEnd()
      .split('\n');
    return rows.map((row) => `${exam.name},${exam.subject},${row}`);
  });
  return `${[`case,patient,${lesionTable([]).trimEnd()}`, ...lines].join('\n')}\n`;
}

/** `change.csv`: every comparison of two exams of a person. */
export const changeTable = (changes: readonly PersonChange[]): string =>
  table(
    changeColumns,
    changes.flatMap((change): Comparison[] => [
      ...(change.document?.consecutive ?? []).map((comparison) => ({
        change,
        since: 'previous' as const,
        comparison,
      })),
      ...(change.document?.sinceFirst ?? []).map((comparison) => ({
        change,
        since: 'first' as const,
        comparison,
      })),
    ]),
  );
