import { counted } from '../counted.js';
import { definitionInWords } from '../evaluate/definitions.js';
import {
  casesByScanner,
  compareScanners,
  type Definition,
  type EvaluatedCase,
  isbi2015Score,
  type MeasureSummary,
  summarizeCohort,
} from '../evaluate/index.js';
import { version } from '../version.js';
import { casesTable } from './cohort-cases.js';
import { type Figure, loadFigure, scannerFigure } from './cohort-charts.js';
import { cohortPage } from './cohort-page.js';
import {
  acquisitionTable,
  demographicsTable,
  lesionsTable,
  resultsTable,
  scannersTable,
  sizesTable,
} from './cohort-tables.js';
import { renderSvg } from './picture.js';
import { evaluationSchema, type ReportFiles } from './report-folder.js';
import { type Table, tableAsCsv, tableAsLatex, tableAsMarkdown } from './table.js';

/** All files that an evaluated cohort gives: `cases.csv`, tables, figures, a page, and JSON. */
export async function cohortReport(
  cases: readonly EvaluatedCase[],
  definition: Definition,
  margin: number,
  contours: Figure | undefined,
): Promise<{ files: ReportFiles; summaries: readonly MeasureSummary[] }> {
  const summaries = summarizeCohort(cases);
  const comparisons = compareScanners(cases, margin);
  const isbiScore = definition.name === 'isbi2015' ? isbi2015Score(cases) : null;
  const rows = cases.flatMap(({ row }) => row ?? []);
  const hasLesions = definition.connectivity !== null;
  const tables: Table[] = [
    ...(rows.length > 0 ? [acquisitionTable(rows), demographicsTable(rows)] : []),
    ...(hasLesions ? [lesionsTable(cases, definition)] : []),
    resultsTable(summaries, definition, isbiScore),
    ...(comparisons.length > 0 ? [scannersTable(comparisons, definition, margin)] : []),
    ...(hasLesions ? [sizesTable(cases, definition)] : []),
  ];
  const figures = [contours, await loadFigure(cases), await scannerFigure(cases)].filter(
    (figure) => figure !== undefined,
  );
  const scanners = casesByScanner(cases).size;
  const lead = [
    `${counted(cases.length, 'case')}${scanners > 0 ? ` of ${counted(scanners, 'scanner')}` : ''}. ${definitionInWords(definition)}`,
    `Made with Dawson ${version}. Not a medical device; not for diagnosis.`,
  ];
  const files = new Map<string, string | Uint8Array>([
    ['cases.csv', tableAsCsv(casesTable(cases))],
    [
      'evaluation.json',
      `${JSON.stringify(
        {
          ...evaluationSchema,
          dawson: version,
          definition,
          margin,
          isbi2015Score: isbiScore,
          summary: summaries.map(({ measure, ...summary }) => ({
            measure: measure.key,
            ...summary,
          })),
          scanners: comparisons.map(({ measure, ...row }) => ({ measure: measure.key, ...row })),
          cases: cases.map(({ id, evaluation }) => ({ case: id, ...evaluation })),
        },
        null,
        2,
      )}\n`,
    ],
    ['report.html', cohortPage('Evaluation of lesion masks', lead, tables, figures)],
    ...filesOf(tables, figures),
  ]);
  return { files, summaries };
}

/** Tables as Markdown, CSV and LaTeX; figures as SVG and PNG. */
export function filesOf(
  tables: readonly Table[],
  figures: readonly Figure[],
): [string, string | Uint8Array][] {
  return [
    ...tables.flatMap((table): [string, string][] => [
      [`${table.name}.md`, tableAsMarkdown(table)],
      [`${table.name}.csv`, tableAsCsv(table)],
      [`${table.name}.tex`, tableAsLatex(table)],
    ]),
    ...figures.flatMap(({ name, svg }): [string, string | Uint8Array][] => [
      [`${name}.svg`, svg],
      [`${name}.png`, renderSvg(svg)],
    ]),
  ];
}
