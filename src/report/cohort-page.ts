import type { Figure } from './cohort-charts.js';
import { htmlPage } from './html-page.js';
import { escapeHtml, type Table, tableAsHtml } from './table.js';

const style = `
body { font: 15px/1.45 system-ui, "DejaVu Sans", sans-serif; color: #222; max-width: 1100px;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; }
figure { margin: 2rem 0; overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; }
caption { text-align: left; font-weight: 600; padding-bottom: .4rem; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid #ddd;
  font-variant-numeric: tabular-nums; }
td { white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
thead th { border-bottom: 1.5px solid #444; vertical-align: bottom; }
figcaption { color: #555; font-size: 13px; max-width: 62rem; padding-top: .4rem; }
svg { max-width: 100%; height: auto; }
@media print { figure { break-inside: avoid; } }
`;

/**
 * One HTML document that holds all tables and figures and loads nothing from elsewhere.
 * @param lead sentences under the heading
 */
export function cohortPage(
  title: string,
  lead: readonly string[],
  tables: readonly Table[],
  figures: readonly Figure[],
): string {
  const body = [
    `<h1>${escapeHtml(title)}</h1>`,
    lead.map((sentence) => `<p>${escapeHtml(sentence)}</p>`).join('\n'),
    figures.map(figureAsHtml).join('\n'),
    tables.map(tableAsHtml).join('\n'),
  ];
  return htmlPage(title, body.join('\n'), { style });
}

function figureAsHtml({ svg, caption, name }: Figure): string {
  // Definitions inside of two SVGs in one document would be taken for each other by their names.
  const own = svg
    .replaceAll(/ id="([^"]+)"/g, ` id="${name}-$1"`)
    .replaceAll(/url\(#([^)]+)\)/g, `url(#${name}-$1)`);
  return `<figure>${own}<figcaption>${escapeHtml(caption)}</figcaption></figure>`;
}
