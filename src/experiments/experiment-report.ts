import type { TopLevelSpec } from 'vega-lite';
import { counted } from '../counted.js';
import { definitionInWords } from '../evaluate/definitions.js';
import {
  compareScanners,
  compareSets,
  definitions,
  type EvaluatedCase,
  type NamedSet,
  summarizeCohort,
} from '../evaluate/index.js';
import { mean, standardDeviation } from '../evaluate/statistics/descriptive.js';
import { jsonText } from '../formats/json.js';
import { chartSvg } from '../report/chart.js';
import { casesTable } from '../report/cohort-cases.js';
import { type Figure, loadFigure, scannerFigure } from '../report/cohort-charts.js';
import { cohortPage } from '../report/cohort-page.js';
import { filesOf } from '../report/cohort-report.js';
import {
  acquisitionTable,
  demographicsTable,
  scannersTable,
  setsTable,
  sizesTable,
} from '../report/cohort-tables.js';
import { evaluationSchema, type ReportFiles } from '../report/report-folder.js';
import { fixed, pValue, type Table, tableAsCsv } from '../report/table.js';
import { version } from '../version.js';
import type { Experiment, Question } from './experiment.js';
import { alsoSeen, compareLeftOut, type LeftOut } from './leave-one-out.js';
import { idOf } from './network.js';
import type { ExperimentResult, JudgedTrial } from './run-experiment.js';

const shownKeys = ['dsc', 'lesion_precision', 'lesion_recall', 'lesion_f1', 'assd_mm'];

/**
 * The report of an experiment: tables and figures as those of Hindsholm et al. 2023 (doi
 * 10.3389/fnins.2023.1177540), with the tests per scanner, as a page, CSV, Markdown and LaTeX. The
 * same results give the same bytes.
 */
export async function experimentReport(result: ExperimentResult): Promise<ReportFiles> {
  const { experiment, trials, failures } = result;
  const { questions } = experiment.file;
  const definition = definitions[experiment.definition];
  const kindOf = ({ question }: JudgedTrial) =>
    question === undefined ? 'all' : questions[question].kind;
  const of = (kind: string) => trials.filter((trial) => kindOf(trial) === kind);
  const crossValidated = of('cross-validation').flatMap(({ judged }) => judged);
  const leftOut = of('leave-one-out');
  const samples = of('subset').filter(({ fraction }) => fraction !== undefined);
  const systems = trials.filter(
    (trial) =>
      !samples.includes(trial) && !['cross-validation', 'leave-one-out'].includes(kindOf(trial)),
  );
  const [whole] = of('all');
  const rows = [...experiment.rows.values()];
  const sets = systems.filter(({ judged }) => judged.length > 0).map(namedSet);
  const seen = [...of('cross-validation'), ...of('all')];
  const compared = compareLeftOut(
    unseenCases(leftOut, seen, experiment),
    seen.flatMap(({ judged }) => judged),
    experiment.margin,
  );
  const byScanner = compareScanners(
    crossValidated.length > 0 ? crossValidated : (whole?.judged ?? []),
    experiment.margin,
  );
  const comparisons = compareSets(sets, experiment.margin);
  const judgedSystems = [
    ...systems,
    ...pooled('Cross-validation', of('cross-validation')),
    ...byQuestion(leftOut).flatMap((own, _, all) =>
      pooled(
        `Left out, each by a network without it${all.length > 1 ? ` (${columnOf(own[0], experiment)})` : ''}`,
        own,
      ),
    ),
  ].filter(({ judged }) => judged.length > 0);
  const hasLesions = definition.connectivity !== null;
  const main = whole?.judged.length ? whole.judged : crossValidated;
  const tables: Table[] = [
    acquisitionTable(rows),
    demographicsTable(rows),
    systemsTable(judgedSystems, definitionInWords(definition)),
    ...(comparisons.length > 0 ? [setsTable(comparisons, definition, experiment.margin)] : []),
    ...(compared.length > 0 ? [leftOutTable(compared, experiment.margin)] : []),
    ...(samples.length > 0 ? [samplesTable(samples)] : []),
    ...(byScanner.length > 0 ? [scannersTable(byScanner, definition, experiment.margin)] : []),
    ...(hasLesions && main.length > 0 ? [sizesTable(main, definition)] : []),
    ...(failures.length > 0 ? [failuresTable(failures)] : []),
  ];
  // Another column has the same cases once more.
  const [firstLeftOut] = byQuestion(leftOut);
  const distribution = firstLeftOut ? firstLeftOut.flatMap(({ judged }) => judged) : main;
  const figures = [
    main.length > 0 ? await loadFigure(main) : undefined,
    distribution.length > 0 ? await scannerFigure(distribution) : undefined,
    samples.some(({ judged }) => judged.length > 0) ? await samplesFigure(samples) : undefined,
  ].filter((figure) => figure !== undefined);
  const networks = new Set(
    trials.flatMap(({ system }) => ('network' in system ? [idOf(system)] : [])),
  ).size;
  const lead = [
    `${experiment.file.name}: ${counted(experiment.dataset.cases.length, 'case')}, ${counted(networks, 'network')}, ` +
      `${counted(trials.length, 'trial')}${failures.length > 0 ? `; ${counted(failures.length, 'command')} failed` : ''}.`,
    definitionInWords(definition),
    `Made with Dawson ${version}. Not a medical device; not for diagnosis.`,
  ];
  const document = evaluationDocument(result, compared, comparisons);
  return new Map<string, string | Uint8Array>([
    ['evaluation.json', jsonText(document)],
    ['cases.csv', allCases(trials)],
    ['report.html', cohortPage(experiment.file.name, lead, tables, figures)],
    ...filesOf(tables, figures),
  ]);
}

/** `evaluation.json`: every figure of the report. */
function evaluationDocument(
  { experiment, trials, failures }: ExperimentResult,
  compared: ReturnType<typeof compareLeftOut>,
  comparisons: ReturnType<typeof compareSets>,
) {
  const { questions } = experiment.file;
  return {
    ...evaluationSchema,
    dawson: version,
    experiment: experiment.file,
    definition: definitions[experiment.definition],
    margin: experiment.margin,
    trials: trials.map(({ question, title, system, value, fraction, repeat, judged }) => ({
      ...(question !== undefined && { question: question + 1, kind: questions[question].kind }),
      title,
      system: 'network' in system ? { network: idOf(system) } : system,
      ...{ value, fraction, repeat },
      cases: judged.map(({ id, evaluation }) => ({ case: id, ...evaluation })),
    })),
    leftOut: compared.map(({ measure, ...row }) => ({ measure: measure.key, ...row })),
    comparisons: comparisons.map(({ measure, ...row }) => ({ measure: measure.key, ...row })),
    failures,
  };
}

const namedSet = ({ title, judged }: JudgedTrial): NamedSet => ({ name: title, cases: judged });

const byQuestion = (trials: readonly JudgedTrial[]): JudgedTrial[][] =>
  [...new Set(trials.map(({ question }) => question))].map((number) =>
    trials.filter(({ question }) => question === number),
  );

const columnOf = ({ question }: JudgedTrial, { file }: Experiment) =>
  (file.questions[question!] as Extract<Question, { kind: 'leave-one-out' }>).column;

/** Cases by the value that was left out for them, as far as others saw it; columns may share values. */
function unseenCases(
  leftOut: readonly JudgedTrial[],
  seen: readonly JudgedTrial[],
  experiment: Experiment,
): Map<string, readonly EvaluatedCase[]> {
  const hasOneColumn = byQuestion(leftOut).length === 1;
  return new Map(
    leftOut.map((trial) => {
      const column = columnOf(trial, experiment);
      const cases = alsoSeen(
        trial.judged,
        seen,
        (name) => String(experiment.rows.get(name)?.[column]) === trial.value,
      );
      return [hasOneColumn ? trial.value! : `${column} ${trial.value}`, cases];
    }),
  );
}

/** Trials that share the cases among them, as one. */
const pooled = (title: string, parts: readonly JudgedTrial[]): JudgedTrial[] =>
  parts.length === 0 ? [] : [{ ...parts[0], title, judged: parts.flatMap(({ judged }) => judged) }];

/** `cases.csv`: every case of every trial. */
function allCases(trials: readonly JudgedTrial[]): string {
  const { columns } = casesTable([]);
  const rows = trials.flatMap(({ title, judged }) =>
    casesTable(judged).rows.map((row) => [title, ...row]),
  );
  return tableAsCsv({ name: 'cases', title: '', note: '', columns: ['trial', ...columns], rows });
}

function systemsTable(trials: readonly JudgedTrial[], note: string): Table {
  const summaries = trials.map(({ judged }) => summarizeCohort(judged));
  const shown = shownKeys.flatMap(
    (key) => summaries.flat().find(({ measure }) => measure.key === key)?.measure ?? [],
  );
  return {
    name: 'table-4-systems',
    title: 'Table 4: Results of each network and method',
    note: `Mean ± standard deviation over cases in which the figure is defined. ${note}`,
    columns: [
      'Trained on, or method',
      'Cases',
      ...shown.map(({ title, unit }) => (unit ? `${title} (${unit})` : title)),
    ],
    rows: trials.map(({ title, judged }, at) => [
      title,
      String(judged.length),
      ...shown.map(({ key, digits }) => {
        const own = summaries[at].find(({ measure }) => measure.key === key);
        if (!own) return '–';
        return `${fixed(own.mean, digits)} ± ${fixed(own.standardDeviation, digits)}`;
      }),
    ]),
  };
}

function leftOutTable(rows: readonly LeftOut[], margin: number): Table {
  return {
    name: 'table-left-out',
    title: 'Left out: cases by a network that saw none of their group, and by one that did',
    note:
      'Neither network saw the case: the second is that of the cross-validation, or of all training ' +
      'cases for those held out. Paired t-test, two-sided, and two one-sided tests of equivalence ' +
      `with a margin of ${margin}, each adjusted by Holm over the table.`,
    columns: [
      'Measure',
      'Left out',
      'Cases',
      'Unseen',
      'Seen',
      'Difference',
      '95 % CI',
      'p (t)',
      'p (t, Holm)',
      'p (equivalence)',
      'p (equivalence, Holm)',
    ],
    rows: rows.map((row) => [
      row.measure.title,
      row.value,
      String(row.n),
      ...[row.meanUnseen, row.meanSeen, row.difference].map((value) => fixed(value, 3)),
      row.confidenceInterval.map((value) => fixed(value, 3)).join(' to '),
      ...[row.tTestP, row.tTestHolmP, row.equivalenceP, row.equivalenceHolmP].map(pValue),
    ]),
  };
}

/** Mean DSC over the cases of a trial; undefined where none has one. */
function meanDsc(judged: readonly EvaluatedCase[]): number | undefined {
  const values = judged.flatMap(({ evaluation }) => evaluation.dsc ?? []);
  return values.length === 0 ? undefined : mean(values);
}

function samplesTable(samples: readonly JudgedTrial[]): Table {
  const fractions = [...new Set(samples.map(({ fraction }) => fraction!))].sort((a, b) => a - b);
  return {
    name: 'table-training-size',
    title: 'Size of the training set',
    note:
      'DSC of the held-out cases: the mean over cases of each sample, then mean and standard ' +
      'deviation over samples. Samples of one number lie in each other.',
    columns: ['Part of the training set (%)', 'Samples', 'Training cases', 'DSC', 'SD of samples'],
    rows: fractions.map((fraction) => {
      const own = samples.filter((trial) => trial.fraction === fraction);
      const values = own.flatMap(({ judged }) => meanDsc(judged) ?? []);
      const sizes = own.flatMap(({ system }) =>
        'network' in system ? [system.network.cases.length] : [],
      );
      const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
      return [
        fixed(100 * fraction, 1),
        String(values.length),
        least === most ? String(least) : `${least} to ${most}`,
        fixed(values.length > 0 ? mean(values) : null, 3),
        fixed(values.length > 1 ? standardDeviation(values) : null, 3),
      ];
    }),
  };
}

const failuresTable = (failures: readonly string[]): Table => ({
  name: 'table-failures',
  title: 'What could not be done',
  note: 'Cases that are missing for this are missing in the tables.',
  columns: ['Command and reason'],
  rows: failures.map((failure) => [failure]),
});

async function samplesFigure(samples: readonly JudgedTrial[]): Promise<Figure> {
  const values = samples.flatMap(({ fraction, repeat, judged }) => {
    const dsc = meanDsc(judged);
    return dsc === undefined ? [] : [{ percent: 100 * fraction!, repeat, dsc }];
  });
  const x = {
    field: 'percent',
    type: 'quantitative',
    title: 'Part of the training set (%)',
    scale: { domain: [0, 100] },
  };
  const spec = {
    data: { values },
    width: 420,
    height: 280,
    layer: [
      {
        mark: { type: 'line', color: '#0072b2' },
        encoding: { x, y: { aggregate: 'mean', field: 'dsc', type: 'quantitative' } },
      },
      {
        mark: { type: 'point', filled: true, size: 40, opacity: 0.7, color: '#0072b2' },
        encoding: {
          x,
          y: {
            field: 'dsc',
            type: 'quantitative',
            title: 'Mean DSC of the held-out cases',
            scale: { domain: [0, 1] },
          },
        },
      },
    ],
  };
  return {
    name: 'figure-4-training-size',
    caption:
      'Figure 4: DSC by the size of the training set. A point a sample, the line their mean.',
    svg: await chartSvg(spec as unknown as TopLevelSpec),
  };
}
