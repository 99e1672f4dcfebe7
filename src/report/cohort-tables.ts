import {
  type CohortRow,
  casesByScanner,
  type Definition,
  definitionInWords,
  type EvaluatedCase,
  type MeasureSummary,
  type ScannerComparison,
  type SetComparison,
} from '../evaluate/index.js';
import { summarize } from '../evaluate/statistics/descriptive.js';
import { fixed, pValue, type Table } from './table.js';

/** Table 1: how the scanners acquired the FLAIR images, a row a scanner. */
export function acquisitionTable(rows: readonly CohortRow[]): Table {
  const scanners = [...new Set(rows.map(({ scanner }) => scanner ?? ''))].sort();
  return {
    name: 'table-1-acquisition',
    title: 'Table 1: Acquisition of the FLAIR images',
    note: 'Ranges where the exams of a scanner differ; a dash where the cohort file says nothing.',
    columns: [
      'Scanner',
      'Exams',
      'Manufacturer',
      'Model',
      'Field (T)',
      'Acquisition',
      'Voxel (mm)',
      'TR (ms)',
      'TE (ms)',
      'TI (ms)',
    ],
    rows: scanners.map((scanner) => {
      const own = rows.filter((row) => (row.scanner ?? '') === scanner);
      return [
        scanner || '–',
        String(own.length),
        distinct(own.map(({ manufacturer }) => manufacturer)),
        distinct(own.map(({ model }) => model)),
        range(own.map(({ field_strength_t }) => field_strength_t)),
        distinct(own.map(({ flair_acquisition }) => flair_acquisition)),
        distinct(own.map(({ flair_voxel_mm }) => flair_voxel_mm)),
        range(own.map(({ flair_tr_ms }) => flair_tr_ms)),
        range(own.map(({ flair_te_ms }) => flair_te_ms)),
        range(own.map(({ flair_ti_ms }) => flair_ti_ms)),
      ];
    }),
  };
}

/** Table 2: who the patients are, a column for all and one for each split. */
export function demographicsTable(rows: readonly CohortRow[]): Table {
  const groups = groupsBySplit(rows, ({ split }) => split).map(
    ([name, group]) => [name, onePerPatient(group)] as const,
  );
  const phenotypes = [...new Set(rows.flatMap(({ phenotype }) => phenotype ?? []))].sort();
  const line = (title: string, of: (group: readonly CohortRow[]) => string) => [
    title,
    ...groups.map(([, group]) => of(group)),
  ];
  return {
    name: 'table-2-demographics',
    title: 'Table 2: Patients',
    note: 'Mean ± standard deviation, median (first to third quartile); of those whose value is known. Each person once, with the first exam in the table.',
    columns: ['', ...groups.map(([name]) => name)],
    rows: [
      line('Patients', (group) => String(group.length)),
      line('Female / male', (group) => {
        const count = (letter: string) =>
          group.filter(({ sex }) => sex?.toUpperCase().startsWith(letter)).length;
        return `${count('F')} / ${count('M')}`;
      }),
      line('Age (years)', (group) => meanAndSpread(known(group, 'age_years'), 1)),
      line('Disease duration (years)', (group) =>
        meanAndSpread(known(group, 'disease_duration_years'), 1),
      ),
      line('EDSS', (group) => medianAndQuartiles(known(group, 'edss'), 1)),
      ...phenotypes.map((name) =>
        line(name, (group) => String(group.filter(({ phenotype }) => phenotype === name).length)),
      ),
    ],
  };
}

/** The first exam of each person; exams that name nobody are of a person each. */
function onePerPatient(rows: readonly CohortRow[]): CohortRow[] {
  const people = new Set<string>();
  return rows.filter(({ patient, case: own }) => {
    const person = patient === undefined ? `case ${own}` : `patient ${patient}`;
    if (people.has(person)) return false;
    people.add(person);
    return true;
  });
}

/** Table 3: lesions per exam in the references, a row a split and a scanner. */
export function lesionsTable(cases: readonly EvaluatedCase[], definition: Definition): Table {
  const groups = [
    ...groupsBySplit(cases, ({ row }) => row?.split),
    ...[...casesByScanner(cases)].map(([name, own]): [string, EvaluatedCase[]] => [
      `Scanner ${name}`,
      own,
    ]),
  ];
  return {
    name: 'table-3-lesions',
    title: 'Table 3: Lesions per exam in the references',
    note: definitionInWords(definition),
    columns: ['', 'Exams', 'Lesions', 'Lesions, median', 'Load (ml)', 'Load (ml), median'],
    rows: groups.map(([name, group]) => {
      const lesions = group.flatMap(
        ({ evaluation }) => evaluation.lesionwise?.referenceLesions ?? [],
      );
      const loadMl = group.map(({ evaluation }) => evaluation.volumes.referenceMl);
      return [
        name,
        String(group.length),
        meanAndSpread(lesions, 1),
        medianAndQuartiles(lesions, 1),
        meanAndSpread(loadMl, 2),
        medianAndQuartiles(loadMl, 2),
      ];
    }),
  };
}

/** Table 4: the results, a row a measure. */
export function resultsTable(
  summaries: readonly MeasureSummary[],
  definition: Definition,
  isbiScore: number | null,
): Table {
  const note = [
    definitionInWords(definition),
    'The interval of the mean is a bootstrap over cases. Cases in which a figure is undefined ' +
      '(nothing to find, nothing found) are left out of it and counted in the last column.',
  ];
  if (isbiScore !== null) {
    note.push(`Raw score of ISBI 2015, not rescaled to its raters: ${isbiScore.toFixed(4)}.`);
  }
  return {
    name: 'table-4-results',
    title: 'Table 4: Agreement with the references',
    note: note.join(' '),
    columns: ['', 'Mean', 'SD', 'Median', 'Quartiles', '95 % CI of the mean', 'Cases', 'Undefined'],
    rows: summaries.map(({ measure, confidenceInterval: [low, high], ...summary }) => {
      const text = (value: number) => fixed(value, measure.digits);
      return [
        titleOf(measure),
        text(summary.mean),
        text(summary.standardDeviation),
        text(summary.median),
        `${text(summary.firstQuartile)} to ${text(summary.thirdQuartile)}`,
        `${text(low)} to ${text(high)}`,
        String(summary.n),
        String(summary.undefinedCount),
      ];
    }),
  };
}

/** Figures by size of lesion, pooled over all cases. */
export function sizesTable(cases: readonly EvaluatedCase[], definition: Definition): Table {
  const classes = cases[0]?.evaluation.lesionwise?.bySize ?? [];
  return {
    name: 'table-sizes',
    title: 'Lesions by size',
    note: `${definitionInWords(definition)} Lesions of all cases pooled.`,
    columns: [
      'Size (mm3)',
      'In the references',
      'Detected',
      'Recall',
      'Predicted',
      'True',
      'Precision',
    ],
    rows: classes.map(({ aboveMm3, upToMm3 }, index) => {
      const sum = (
        key: 'referenceLesions' | 'detectedLesions' | 'predictedLesions' | 'confirmedLesions',
      ) =>
        cases.reduce(
          (total, { evaluation }) => total + (evaluation.lesionwise?.bySize[index][key] ?? 0),
          0,
        );
      const [reference, detected] = [sum('referenceLesions'), sum('detectedLesions')];
      const [predicted, confirmed] = [sum('predictedLesions'), sum('confirmedLesions')];
      return [
        upToMm3 === null ? `over ${aboveMm3}` : `over ${aboveMm3} to ${upToMm3}`,
        String(reference),
        String(detected),
        fixed(reference === 0 ? null : detected / reference, 2),
        String(predicted),
        String(confirmed),
        fixed(predicted === 0 ? null : confirmed / predicted, 2),
      ];
    }),
  };
}

/** Each scanner against the others. */
export function scannersTable(
  comparisons: readonly ScannerComparison[],
  definition: Definition,
  margin: number,
): Table {
  return {
    name: 'table-scanners',
    title: 'Each scanner against all others',
    note:
      `${definitionInWords(definition)} Two-sided Welch t-test and rank-sum test; equivalence by two one-sided tests ` +
      `with a margin of ${margin}: a small p there means that the scanner is the same to within the margin. ` +
      'Adjusted by Holm over the table. A large p of a t-test does not show that scanners agree.',
    columns: [
      'Measure',
      'Scanner',
      'Cases',
      'Mean',
      'Others',
      'Difference',
      '95 % CI',
      'p (t)',
      'p (t, Holm)',
      'p (ranks)',
      'p (equivalence)',
      'p (equivalence, Holm)',
    ],
    rows: comparisons.map((row) => {
      const text = (value: number) => fixed(value, row.measure.digits + 1);
      return [
        titleOf(row.measure),
        row.scanner,
        `${row.n} / ${row.nOthers}`,
        text(row.mean),
        text(row.meanOthers),
        text(row.difference),
        row.confidenceInterval.map(text).join(' to '),
        pValue(row.tTestP),
        pValue(row.tTestHolmP),
        pValue(row.rankSumP),
        pValue(row.equivalenceP),
        pValue(row.equivalenceHolmP),
      ];
    }),
  };
}

/** Sets of predictions against each other. */
export function setsTable(
  comparisons: readonly SetComparison[],
  definition: Definition,
  margin: number,
): Table {
  return {
    name: 'table-comparison',
    title: 'Sets of predictions compared case by case',
    note:
      `${definitionInWords(definition)} Paired t-test and Wilcoxon's signed-rank test, two-sided, ` +
      'adjusted by Holm over the table; equivalence by two one-sided paired tests with a margin of ' +
      `${margin}, where a small p means that the sets are the same to within the margin.`,
    columns: [
      'Measure',
      'First',
      'Second',
      'Cases',
      'Mean, first',
      'Mean, second',
      'Difference',
      '95 % CI',
      'p (t)',
      'p (t, Holm)',
      'p (Wilcoxon)',
      'p (Wilcoxon, Holm)',
      'p (equivalence)',
    ],
    rows: comparisons.map((row) => {
      const text = (value: number) => fixed(value, row.measure.digits + 1);
      return [
        titleOf(row.measure),
        row.first,
        row.second,
        String(row.n),
        text(row.meanFirst),
        text(row.meanSecond),
        text(row.difference),
        row.confidenceInterval.map(text).join(' to '),
        pValue(row.tTestP),
        pValue(row.tTestHolmP),
        pValue(row.wilcoxonP),
        pValue(row.wilcoxonHolmP),
        pValue(row.equivalenceP),
      ];
    }),
  };
}

const titleOf = ({ title, unit }: { title: string; unit?: string }) =>
  unit === undefined ? title : `${title} (${unit})`;

/** All, then each value of the split; only all where no split is known. */
function groupsBySplit<T>(
  list: readonly T[],
  splitOf: (item: T) => string | undefined,
): [string, T[]][] {
  const splits = [...new Set(list.flatMap((item) => splitOf(item) ?? []))].sort();
  return [
    ['All', [...list]],
    ...splits.map((split): [string, T[]] => [
      split,
      list.filter((item) => splitOf(item) === split),
    ]),
  ];
}

function known(
  rows: readonly CohortRow[],
  column: 'age_years' | 'disease_duration_years' | 'edss',
): number[] {
  return rows.flatMap((row) => row[column] ?? []);
}

function distinct(values: readonly (string | undefined)[]): string {
  const all = [...new Set(values.filter((value) => value !== undefined))].sort();
  return all.length === 0 ? '–' : all.join(', ');
}

function range(values: readonly (number | undefined)[]): string {
  const all = values.filter((value) => value !== undefined);
  if (all.length === 0) return '–';
  const [least, most] = [Math.min(...all), Math.max(...all)];
  return least === most ? `${least}` : `${least} to ${most}`;
}

function meanAndSpread(values: readonly number[], digits: number): string {
  const { mean, standardDeviation } = summarize(values);
  return values.length === 0 ? '–' : `${fixed(mean, digits)} ± ${fixed(standardDeviation, digits)}`;
}

function medianAndQuartiles(values: readonly number[], digits: number): string {
  const { median, firstQuartile, thirdQuartile } = summarize(values);
  return values.length === 0
    ? '–'
    : `${fixed(median, digits)} (${fixed(firstQuartile, digits)} to ${fixed(thirdQuartile, digits)})`;
}
