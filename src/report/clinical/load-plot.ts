import type { TopLevelSpec } from 'vega-lite';
import type { Findings } from '../../quantify/findings.js';
import { chartSvg } from '../chart.js';
import { languages, type Phrases } from './texts.js';

/** Above the highest point there is room for its number. */
const headroom = 1.25;

/**
 * Volume of the lesions at every exam, their number above the points, as SVG; black on white. Along
 * the dates where every exam has one, else along the order of exams.
 */
export async function loadPlot(
  exams: readonly Findings[],
  { text, number, language }: Phrases,
): Promise<string> {
  const dated = exams.every(({ exam }) => isDate(exam?.date));
  const values = exams.map(({ exam, lesionVolumeMl, lesionCount }, index) => ({
    when: dated ? exam!.date! : index + 1,
    volumeMl: lesionVolumeMl,
    count: number(lesionCount, 0),
  }));
  const largest = Math.max(...values.map(({ volumeMl }) => volumeMl));
  const { decimalSign } = languages[language];
  const axis = { labelFontSize: 11, titleFontSize: 11, domainColor: '#000', tickColor: '#000' };
  const when = dated
    ? {
        field: 'when',
        type: 'temporal',
        title: null,
        scale: { type: 'utc', padding: 16 },
        axis: { ...axis, format: '%Y-%m', labelAngle: 0, tickCount: 5, labelOverlap: 'greedy' },
      }
    : {
        field: 'when',
        type: 'quantitative',
        title: text('examOrder'),
        scale: { domain: [0.5, exams.length + 0.5] },
        axis: { ...axis, tickMinStep: 1, format: 'd', grid: false },
      };
  const volume = {
    field: 'volumeMl',
    type: 'quantitative',
    title: text('loadAxis'),
    scale: { domain: [0, headroom * (largest || 1)], nice: true },
    axis: { ...axis, tickCount: 5, labelExpr: `replace(datum.label, '.', '${decimalSign}')` },
  };
  return chartSvg({
    width: 360,
    height: 170,
    autosize: { type: 'fit', contains: 'padding' },
    padding: 2,
    data: { values },
    encoding: { x: when, y: volume },
    layer: [
      { mark: { type: 'line', color: '#000', strokeWidth: 1.3 } },
      { mark: { type: 'point', filled: true, color: '#000', size: 42, opacity: 1 } },
      {
        mark: { type: 'text', dy: -11, fontSize: 11, color: '#000', clip: false },
        encoding: { text: { field: 'count', type: 'nominal' } },
      },
    ],
  } as unknown as TopLevelSpec);
}

/** Whether a text is a date that charts can place. */
function isDate(text: string | undefined): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text ?? '') && !Number.isNaN(Date.parse(text!));
}
