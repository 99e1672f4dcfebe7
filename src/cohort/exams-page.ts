import { counted } from '../counted.js';
import { changeClasses } from '../quantify/change.js';
import { notice } from '../quantify/findings.js';
import { htmlPage } from '../report/html-page.js';
import { escapeHtml } from '../report/table.js';
import { version } from '../version.js';
import { scannerOf } from './cohort-files.js';
import type { CohortResult, PersonChange } from './cohort-result.js';

const style = `
body { font: 14px/1.4 system-ui, "DejaVu Sans", sans-serif; color: #222; margin: 1.5rem auto;
  max-width: 1200px; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .3rem .5rem; border-bottom: 1px solid #ddd; text-align: right;
  font-variant-numeric: tabular-nums; vertical-align: middle; }
th.text, td.text { text-align: left; }
thead th { position: sticky; top: 0; background: #fff; border-bottom: 1.5px solid #444;
  vertical-align: bottom; }
thead button { font: inherit; font-weight: 600; border: 0; background: none; padding: 0;
  text-align: inherit; cursor: pointer; color: inherit; }
th[aria-sort=ascending] button::after { content: " \\25b2"; }
th[aria-sort=descending] button::after { content: " \\25bc"; }
td:nth-child(2) { white-space: nowrap; }
img { display: block; width: 88px; height: 88px; background: #000; }
tr.failed td { background: #fdf1f0; } tr.out td { background: #fff8e1; }
.mark { font-weight: 600; color: #8a5a00; } .bad { font-weight: 600; color: #a11; }
p.note { color: #555; font-size: 13px; }
@media print { thead th { position: static; } tr { break-inside: avoid; } }
`;

/** Sorts a table by the column whose button is pressed: numbers by value, what is missing last. */
const script = `
for (const table of document.querySelectorAll('table')) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, at) => head.querySelector('button')?.addEventListener('click', () => {
    const down = head.getAttribute('aria-sort') === 'ascending';
    for (const other of heads) other.removeAttribute('aria-sort');
    head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const body = table.tBodies[0];
    const key = (row) => row.cells[at].dataset.v ?? row.cells[at].textContent;
    const order = (a, b) => {
      const [x, y] = [key(a), key(b)];
      if (x === '' || y === '') return (x === '') - (y === '');
      const byNumber = Number(x) - Number(y);
      const by = Number.isNaN(byNumber) ? x.localeCompare(y) : byNumber;
      return down ? -by : by;
    };
    body.append(...[...body.rows].sort(order));
  }));
}
`;

interface Cell {
  readonly html: string;
  /** What it is sorted by. */
  readonly value?: string | number;
  readonly isText?: boolean;
}

const text = (value: string | undefined): Cell => ({
  html: escapeHtml(value ?? ''),
  value: value ?? '',
  isText: true,
});

const number = (value: number | undefined, digits: number): Cell => ({
  html: value === undefined ? '' : value.toFixed(digits),
  value: value ?? '',
});

/**
 * One page of a cohort that loads nothing from elsewhere: every exam with a picture, what failed,
 * what stands out, and what changed. Columns are sorted by a click.
 * @param thumbnails PNG files by the exams' names
 */
export function examsPage(
  results: readonly CohortResult[],
  changes: readonly PersonChange[],
  thumbnails: ReadonlyMap<string, Uint8Array>,
): string {
  const failed = results.filter(({ findings }) => !findings);
  const standingOut = results.filter(({ outlying }) => outlying.length > 0);
  const persons = new Set(results.map(({ exam }) => exam.subject)).size;
  const body = `<h1>Cohort: ${counted(results.length, 'exam')} of ${counted(persons, 'person')}</h1>
<p>${results.length - failed.length} done, ${failed.length} failed, ${standingOut.length} stand out.
Made with Dawson ${version}. ${notice}</p>
${examTable(results, thumbnails)}
<p class="note">An exam stands out where its lesion load (on a logarithmic scale), its brain volume or
the number of warnings about its images lies 3.5 robust standard deviations or more from the median
of the cohort (Iglewicz and Hoaglin 1993; from 8 exams on), or where a warning is severe. Outlines in
the pictures are lesions; the person’s right is on the left.</p>
${changes.length > 0 ? `<h2>Change of ${counted(changes.length, 'person')}</h2>\n${changesTable(changes)}` : ''}`;
  return htmlPage('Cohort', body, { style, script });
}

function examTable(
  results: readonly CohortResult[],
  thumbnails: ReadonlyMap<string, Uint8Array>,
): string {
  const heads = [
    'Picture',
    'Exam',
    'Date',
    'Scanner',
    'Lesions (ml)',
    'Count',
    'Brain (ml)',
    'Quality',
    'Remarks',
  ];
  const textual = ['Picture', 'Exam', 'Date', 'Scanner', 'Quality', 'Remarks'];
  const rows = results.map(({ exam, findings, failure, worst, outlying }) => {
    const picture = thumbnails.get(exam.name);
    const marks = outlying.map((what) => `<span class="mark">${escapeHtml(what)}</span>`);
    const said = [
      ...marks,
      ...(failure === undefined ? [] : [`<span class="bad">failed</span>: ${escapeHtml(failure)}`]),
      ...(findings?.quality ?? []).map((remark) => escapeHtml(remark.text)),
      ...exam.notes.map(escapeHtml),
    ];
    const cells: Cell[] = [
      {
        html: picture
          ? `<img alt="" src="data:image/png;base64,${Buffer.from(picture).toString('base64')}">`
          : '',
        isText: true,
      },
      text(exam.name),
      text(findings?.exam?.date ?? exam.date),
      text(findings && scannerOf(findings)),
      number(findings?.lesionVolumeMl, 2),
      number(findings?.lesionCount, 0),
      number(findings?.brainVolumeMl, 0),
      text(findings && (worst ?? 'good')),
      {
        html: said.join('<br>'),
        value: failure === undefined ? -outlying.length : -1000,
        isText: true,
      },
    ];
    const kind = failure !== undefined ? 'failed' : outlying.length > 0 ? 'out' : '';
    return rowOf(cells, kind);
  });
  return tableOf(heads, textual, rows);
}

function changesTable(changes: readonly PersonChange[]): string {
  const heads = ['Person', 'Exams', 'First (ml)', 'Last (ml)', ...changeClasses, 'Remarks'];
  const rows = changes.map(({ subject, exams, document, failure }) => {
    const last = document?.sinceFirst.at(-1) ?? document?.consecutive.at(-1);
    return rowOf([
      text(`sub-${subject}`),
      number(exams.length, 0),
      number(document?.exams[0].lesionVolumeMl, 2),
      number(document?.exams.at(-1)?.lesionVolumeMl, 2),
      ...changeClasses.map((name) => number(last?.counts[name], 0)),
      text(
        [failure, ...(document?.cautions ?? []).map((caution) => caution.text)]
          .filter(Boolean)
          .join(' '),
      ),
    ]);
  });
  return (
    tableOf(heads, ['Person', 'Remarks'], rows) +
    '<p class="note">Lesions of the last exam against the first; every comparison is in change.csv.</p>'
  );
}

const rowOf = (cells: readonly Cell[], kind = ''): string =>
  `<tr${kind ? ` class="${kind}"` : ''}>${cells
    .map(
      ({ html, value, isText }) =>
        `<td${isText ? ' class="text"' : ''}${value === undefined ? '' : ` data-v="${escapeHtml(String(value))}"`}>${html}</td>`,
    )
    .join('')}</tr>`;

const tableOf = (heads: readonly string[], textual: readonly string[], rows: readonly string[]) =>
  `<table><thead><tr>${heads
    .map((name) => {
      const kind = textual.includes(name) ? ' class="text"' : '';
      const shown = escapeHtml(name);
      return `<th${kind}>${name === 'Picture' ? '' : `<button type="button">${shown}</button>`}</th>`;
    })
    .join('')}</tr></thead>\n<tbody>${rows.join('\n')}</tbody></table>\n`;
