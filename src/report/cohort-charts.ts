import type { TopLevelSpec } from 'vega-lite';
import { casesByScanner, type EvaluatedCase, measures } from '../evaluate/index.js';
import { limitsOfAgreement } from '../evaluate/statistics/agreement.js';
import { chartSvg } from './chart.js';
import { fixed } from './table.js';

/** A figure: base of its file names, what it shows, and the picture. */
export interface Figure {
  readonly name: string;
  readonly caption: string;
  readonly svg: string;
}

const side = 320;

/** Figure 2: lesion load against the reference, and the limits of agreement. */
export async function loadFigure(cases: readonly EvaluatedCase[]): Promise<Figure> {
  const points = cases.map(({ id, row, evaluation: { volumes } }) => ({
    id,
    scanner: row?.scanner ?? '',
    reference: volumes.referenceMl,
    prediction: volumes.predictionMl,
    mean: (volumes.referenceMl + volumes.predictionMl) / 2,
    difference: volumes.differenceMl,
  }));
  const largest = Math.max(1e-3, ...points.flatMap((p) => [p.reference, p.prediction]));
  const limits = limitsOfAgreement(
    points.map(({ reference }) => reference),
    points.map(({ prediction }) => prediction),
  );
  const text = (value: number) => fixed(value, 2).replace('-', '−');
  const lines = [
    { at: limits.bias, label: `mean ${text(limits.bias)}`, dash: [1, 0] },
    { at: limits.upper, label: `+1.96 SD ${text(limits.upper)}`, dash: [4, 3] },
    { at: limits.lower, label: `−1.96 SD ${text(limits.lower)}`, dash: [4, 3] },
  ].filter(({ at }) => Number.isFinite(at));
  const colour = points.some(({ scanner }) => scanner !== '')
    ? { field: 'scanner', type: 'nominal', title: 'Scanner' }
    : { value: '#0072b2' };
  const panels = [againstReference(largest, colour), differences(lines, colour)];
  const spec = { data: { values: points }, spacing: 40, hconcat: panels };
  return {
    name: 'figure-2-lesion-load',
    caption:
      'Figure 2: Lesion load. Left: predicted against reference, with the line of identity. ' +
      'Right: difference against mean (Bland and Altman), with the mean difference and its limits ' +
      'of agreement.',
    svg: await chartSvg(spec as TopLevelSpec),
  };
}

const pointMark = { type: 'point', filled: true, size: 45, opacity: 0.75 };

/** Predicted against reference, with the line of identity. */
const againstReference = (largest: number, colour: object) => ({
  width: side,
  height: side,
  layer: [
    {
      data: { values: [{ v: 0 }, { v: largest }] },
      mark: { type: 'line', color: '#777', strokeWidth: 1 },
      encoding: {
        x: { field: 'v', type: 'quantitative' },
        y: { field: 'v', type: 'quantitative' },
      },
    },
    {
      mark: pointMark,
      encoding: {
        x: { field: 'reference', type: 'quantitative', title: 'Reference lesion load (ml)' },
        y: { field: 'prediction', type: 'quantitative', title: 'Predicted lesion load (ml)' },
        color: colour,
      },
    },
  ],
});

/** Difference against mean (Bland and Altman), with lines across. */
const differences = (
  lines: readonly { readonly at: number; readonly label: string; readonly dash: number[] }[],
  colour: object,
) => ({
  width: side,
  height: side,
  layer: [
    ...lines.flatMap(({ at, label, dash }) => [
      {
        data: { values: [{ at }] },
        mark: { type: 'rule', color: '#555', strokeDash: dash },
        encoding: { y: { field: 'at', type: 'quantitative' } },
      },
      {
        data: { values: [{ at, label }] },
        mark: { type: 'text', align: 'right', baseline: 'bottom', dy: -2, fontSize: 10 },
        encoding: {
          x: { value: side - 4 },
          y: { field: 'at', type: 'quantitative' },
          text: { field: 'label' },
        },
      },
    ]),
    {
      mark: pointMark,
      encoding: {
        x: { field: 'mean', type: 'quantitative', title: 'Mean of both (ml)' },
        y: { field: 'difference', type: 'quantitative', title: 'Predicted − reference (ml)' },
        color: colour,
      },
    },
  ],
});

const boxedKeys = ['dsc', 'lesion_precision', 'lesion_recall', 'lesion_f1'];
const boxStep = 46;

/** Figure 3: distribution of the main measures, a box a scanner; none where all are undefined. */
export async function scannerFigure(cases: readonly EvaluatedCase[]): Promise<Figure | undefined> {
  const byScanner = casesByScanner(cases);
  const groups = byScanner.size > 0 ? byScanner : new Map([['all', cases]]);
  const labels = [...groups].map(([name, own]) => `${name} (${own.length})`);
  const values = [...groups].flatMap(([, own], index) =>
    own.flatMap(({ evaluation }) =>
      measures
        .filter(({ key }) => boxedKeys.includes(key))
        .flatMap(({ key, of }) => {
          const value = of(evaluation);
          return value === null ? [] : [{ scanner: labels[index], measure: key, value }];
        }),
    ),
  );
  if (values.length === 0) return undefined;
  const panel = (key: string) => ({
    title: measures.find((measure) => measure.key === key)!.title,
    width: Math.max(90, boxStep * labels.length),
    height: 260,
    transform: [{ filter: { field: 'measure', equal: key } }],
    layer: [
      {
        mark: {
          type: 'boxplot',
          extent: 1.5,
          size: 24,
          outliers: false,
          color: '#9ecae1',
          median: { color: '#08306b' },
        },
        encoding: { y: { field: 'value', type: 'quantitative' } },
      },
      {
        mark: { type: 'point', filled: true, size: 14, opacity: 0.55, color: '#08306b' },
        encoding: { y: { field: 'value', type: 'quantitative' } },
      },
    ],
    encoding: {
      x: {
        field: 'scanner',
        type: 'nominal',
        scale: { domain: labels },
        title: null,
        axis: { labelAngle: -40, labelLimit: 140 },
      },
      y: { title: null, scale: { domain: [0, 1] } },
    },
  });
  return {
    name: 'figure-3-scanners',
    caption:
      'Figure 3: Results by scanner, with the number of cases. Boxes from the first to the third ' +
      'quartile with the median; whiskers to the last case within 1.5 interquartile ranges; a point ' +
      'a case.',
    svg: await chartSvg({
      data: { values },
      spacing: 24,
      hconcat: boxedKeys.filter((key) => values.some(({ measure }) => measure === key)).map(panel),
    } as unknown as TopLevelSpec),
  };
}
