import { stringify } from 'csv-stringify/sync';

/** A table of text, which can be written in several formats. */
export interface Table {
  /** Base of its file names. */
  readonly name: string;
  readonly title: string;
  /** What its figures mean and where they come from, in sentences. */
  readonly note: string;
  readonly columns: readonly string[];
  /** As many fields a row as there are columns. */
  readonly rows: readonly (readonly string[])[];
}

export function tableAsMarkdown({ title, note, columns, rows }: Table): string {
  const line = (fields: readonly string[]) =>
    `| ${fields.map((field) => field.replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = columns.map((_, index) => (index === 0 ? '---' : '---:'));
  return `**${title}**\n\n${[columns, rule, ...rows].map(line).join('\n')}\n\n${note}\n`;
}

/** Comma-separated values (RFC 4180 with bare line feeds), header included. */
export function tableAsCsv({ columns, rows }: Table): string {
  return stringify([[...columns], ...rows.map((row) => row.map(inertCell))]);
}

/** Spreadsheets run texts that begin like a formula; they may come from a file. */
export const inertCell = <Cell>(cell: Cell): Cell | string =>
  typeof cell === 'string' && /^[=+@\t\r]|^-(?![\d.]+(?: (?:to|±) -?[\d.]+)?$)/.test(cell)
    ? `'${cell}`
    : cell;

/** A LaTeX table for the booktabs package. */
export function tableAsLatex({ name, title, note, columns, rows }: Table): string {
  const line = (fields: readonly string[]) => `    ${fields.map(latexText).join(' & ')} \\\\`;
  return [
    '\\begin{table}',
    '  \\centering',
    `  \\caption{${latexText(title)}. ${latexText(note)}}`,
    `  \\label{tab:${name}}`,
    `  \\begin{tabular}{l${'r'.repeat(columns.length - 1)}}`,
    '    \\toprule',
    line(columns),
    '    \\midrule',
    ...rows.map(line),
    '    \\bottomrule',
    '  \\end{tabular}',
    '\\end{table}',
    '',
  ].join('\n');
}

const latexSpecial: Record<string, string> = {
  '\\': '\\textbackslash{}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '±': '$\\pm$',
  '≥': '$\\geq$',
  '≤': '$\\leq$',
  '–': '--',
  '−': '$-$',
  '×': '$\\times$',
  // As text they would be other signs.
  '<': '$<$',
  '>': '$>$',
  '|': '$|$',
};

function latexText(text: string): string {
  return text.replace(/[\\~^±≥≤–−×<>|{}&%$#_]/g, (sign) => latexSpecial[sign] ?? `\\${sign}`);
}

/** A table as HTML; all text is escaped. */
export function tableAsHtml({ title, note, columns, rows }: Table): string {
  const cells = (fields: readonly string[], tag: string) =>
    fields.map((field) => `<${tag}>${escapeHtml(field)}</${tag}>`).join('');
  return (
    `<figure><table><caption>${escapeHtml(title)}</caption>` +
    `<thead><tr>${cells(columns, 'th')}</tr></thead>` +
    `<tbody>${rows.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('\n')}</tbody></table>` +
    `<figcaption>${escapeHtml(note)}</figcaption></figure>`
  );
}

export function escapeHtml(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
  };
  return text.replace(/[&<>"]/g, (sign) => entities[sign]);
}

/** A number with so many decimals; a dash where there is none. */
export function fixed(value: number | null, digits: number): string {
  if (value === null || !Number.isFinite(value)) return '–';
  const text = value.toFixed(digits);
  return /^-[0.]*$/.test(text) ? text.slice(1) : text;
}

/** A p-value: three decimals, or that it is smaller. */
export function pValue(p: number | null): string {
  if (p === null || Number.isNaN(p)) return '–';
  return p < 0.001 ? '<0.001' : p.toFixed(3);
}
