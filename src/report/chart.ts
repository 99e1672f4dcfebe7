import { None, parse, resetSVGDefIds, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';

/** Colours that people with colour blindness tell apart (Okabe and Ito 2008). */
export const chartColours = [
  '#0072b2',
  '#d55e00',
  '#009e73',
  '#cc79a7',
  '#e69f00',
  '#56b4e9',
  '#000000',
];

/** The look of all charts: the program's own font, nothing that depends on a machine or a place. */
const look = {
  background: 'white',
  font: 'DejaVu Sans',
  axis: { labelFontSize: 11, titleFontSize: 12, titleFontWeight: 'normal', gridColor: '#e6e6e6' },
  legend: { labelFontSize: 11, titleFontSize: 12, titleFontWeight: 'normal' },
  title: { fontSize: 13, fontWeight: 'normal' },
  view: { stroke: '#bbb' },
  range: { category: chartColours },
} as const;

/** A chart as SVG; the same specification gives the same bytes. */
export async function chartSvg(spec: TopLevelSpec): Promise<string> {
  const compiled = compile({ ...spec, config: look } as TopLevelSpec).spec;
  resetSVGDefIds();
  const view = new View(parse(compiled), { renderer: 'none', logLevel: None });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
