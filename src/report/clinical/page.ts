import { escapeHtml } from '../table.js';
import type { Fact, ReportDocument, ReportTable, Section } from './report-document.js';

const style = `
body{font:14px/1.4 system-ui,sans-serif;color:#000;background:#fff;max-width:1000px;margin:1.5em auto;padding:0 1em}
h1{font-size:1.5em;margin:0 0 .4em}h2{font-size:1.1em;margin:0 0 .4em}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2em .8em;margin:0}
dl.identity{grid-template-columns:max-content 1fr max-content 1fr;border:solid #777;border-width:1px 0;padding:.6em 0}
dt{color:#444}dd{margin:0;overflow-wrap:anywhere}
.conclusion{border:2px solid #000;padding:.6em .8em;margin:1em 0}.conclusion p{margin:.2em 0}.conclusion p.first{font-weight:bold;font-size:1.15em}
.caution{border-left:5px solid #000;padding:.2em .7em;font-weight:bold}
.row{display:flex;flex-wrap:wrap;gap:1.6em;margin:1.4em 0}.row>section{flex:1 1 380px;min-width:0}
table{border-collapse:collapse;width:100%;border:solid #000;border-width:2px 0}th{border-bottom:1px solid #000}
th,td{padding:.2em .4em;text-align:right}th:first-child,td:first-child{text-align:left}
.pictures{display:flex;flex-wrap:wrap;gap:4px}.pictures img{flex:1 1 23%;min-width:0;width:0}
.pairs{display:grid;grid-template-columns:repeat(auto-fill,minmax(420px,1fr));gap:1em}figure{margin:0}
figcaption,.remark,footer{font-size:.86em;color:#333}li{overflow-wrap:anywhere}footer{border-top:1px solid #777;margin-top:2em;padding:.6em 0}
@media print{.row,figure{break-inside:avoid}}`;

/**
 * The report as one page that needs nothing else: pictures inside, no scripts, nothing loaded. All
 * texts are escaped, and a policy in the page forbids scripts and loading besides.
 */
export function reportPage(document: ReportDocument): string {
  const { language, title, identity, conclusionTitle, conclusion, cautions, notice } = document;
  const section = (it: Section) => sectionHtml(it, document.pictures);
  const row = (sections: readonly Section[]) =>
    `<div class="row">${sections.map(section).join('')}</div>`;
  return (
    `<!doctype html>\n<html lang="${escapeHtml(language)}"><head><meta charset="utf-8">` +
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">` +
    `<meta name="viewport" content="width=device-width,initial-scale=1">` +
    `<title>${escapeHtml(title)}</title><style>${style}</style></head><body>\n` +
    `<h1>${escapeHtml(title)}</h1>\n${factsHtml(identity, 'identity')}\n` +
    `<div class="conclusion"><div class="remark">${escapeHtml(conclusionTitle)}</div>` +
    conclusion
      .map((text, index) => `<p${index === 0 ? ' class="first"' : ''}>${escapeHtml(text)}</p>`)
      .join('') +
    `</div>\n${cautions.map((text) => `<p class="caution">${escapeHtml(text)}</p>`).join('\n')}` +
    `${[...document.summary, ...document.details].map(row).join('\n')}\n` +
    `<footer><strong>${escapeHtml(notice)}</strong> ${escapeHtml(document.program)}</footer>\n` +
    `</body></html>\n`
  );
}

function sectionHtml(section: Section, pictures: ReadonlyMap<string, Uint8Array>): string {
  const {
    title,
    table,
    legend,
    pictures: names,
    picture,
    pairs,
    candidates,
    facts,
    items,
    remarks,
  } = section;
  const image = (name: string, alternative: string) =>
    `<img src="${dataUrl(name, pictures)}" alt="${escapeHtml(alternative)}">`;
  const pair = (heading: string, left: string, right: string) =>
    `<figure><figcaption>${escapeHtml(heading)}</figcaption>` +
    `<div class="pictures">${image(left, heading)}${image(right, heading)}</div></figure>`;
  return [
    `<section><h2>${escapeHtml(title)}</h2>`,
    table ? tableHtml(table) : '',
    ...small(legend),
    names ? `<div class="pictures">${names.map((name) => image(name, title)).join('')}</div>` : '',
    picture ? `<div class="pictures">${image(picture, title)}</div>` : '',
    pairs
      ? `<div class="pairs">${pairs.map(({ heading, left, right }) => pair(heading, left, right)).join('')}</div>`
      : '',
    ...(candidates ?? []).map(
      ({ heading, lines, pictures: shown }) =>
        `<figure class="candidate"><figcaption><b>${escapeHtml(heading)}</b> ` +
        `${lines.map(escapeHtml).join(' ')}</figcaption>` +
        `<div class="pictures">${shown.map((name) => image(name, heading)).join('')}</div></figure>`,
    ),
    facts ? factsHtml(facts, 'facts') : '',
    items ? `<ul>${items.map((item) => `<li>${escapeHtml(item)}</li>`).join('')}</ul>` : '',
    ...small(remarks),
    '</section>',
  ].join('');
}

const small = (lines: readonly string[] = []) =>
  lines.map((line) => `<p class="remark">${escapeHtml(line)}</p>`);

function factsHtml(facts: readonly Fact[], className: string): string {
  const entries = facts.map(
    ([label, value]) => `<dt>${escapeHtml(label)}</dt><dd>${escapeHtml(value)}</dd>`,
  );
  return `<dl class="${className}">${entries.join('')}</dl>`;
}

function tableHtml({ columns, rows }: ReportTable): string {
  const cells = (tag: string, fields: readonly string[]) =>
    fields.map((field) => `<${tag}>${escapeHtml(field)}</${tag}>`).join('');
  return (
    `<table><thead><tr>${cells('th', columns)}</tr></thead><tbody>` +
    `${rows.map((row) => `<tr>${cells('td', row)}</tr>`).join('')}</tbody></table>`
  );
}

function dataUrl(name: string, pictures: ReadonlyMap<string, Uint8Array>): string {
  const type = name.endsWith('.svg') ? 'image/svg+xml' : 'image/png';
  return `data:${type};base64,${Buffer.from(pictures.get(name)!).toString('base64')}`;
}
