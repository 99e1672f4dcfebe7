/**
 * The look of the report: a typst program that reads everything it shows from `document.json` and
 * the pictures beside it. Texts of an exam are values in it, never source, so that no name can be
 * taken for a command.
 */
export const layout = `
#let report = json("document.json")
#set document(
  title: report.title,
  date: datetime(year: report.date.at(0), month: report.date.at(1), day: report.date.at(2)),
)
#let small = 7pt
#let rule = 0.5pt + luma(120)
#set page(
  paper: report.paper,
  margin: (x: 15mm, top: 13mm, bottom: 17mm),
  footer: context {
    set text(size: small)
    grid(
      columns: (1fr, auto),
      inset: (top: 4pt),
      stroke: (top: rule),
      strong(report.notice),
      [#report.program, #report.pageWord #counter(page).display("1 / 1", both: true)],
    )
  },
)
#set text(font: "DejaVu Sans", stretch: 75%, size: 8.5pt, lang: report.language, hyphenate: false)
#set par(leading: 0.5em, spacing: 0.7em)
#set heading(numbering: none)
#set table(stroke: none, inset: (x: 4.5pt, y: 2.6pt))
#show heading: it => block(above: 0pt, below: 5pt, sticky: true, text(size: 10pt, it.body))
// A word that would not fit in a column may break anywhere.
#show regex("\\\\S{28,}"): it => it.text.clusters().join(sym.zws)

#let facts(list, columns: 1) = grid(
  columns: (auto, 1fr) * columns,
  column-gutter: (6pt, 14pt) * columns,
  row-gutter: 4.5pt,
  ..list.map(((label, value)) => (text(fill: luma(70), label), value)).flatten(),
)

#let data-table(it) = table(
  columns: (1fr,) + (auto,) * (it.columns.len() - 1),
  align: (column, row) => if column == 0 { left } else { right },
  table.hline(stroke: 0.9pt),
  table.header(..it.columns.map(strong)),
  table.hline(stroke: 0.5pt),
  ..it.rows.flatten(),
  table.hline(stroke: 0.9pt),
)

#let pair(it) = block(breakable: false, width: 100%, {
  text(size: small, it.heading)
  v(-3pt)
  grid(columns: (1fr, 1fr), column-gutter: 1mm, image(it.left, width: 100%), image(it.right, width: 100%))
})

#let small-print(lines) = {
  set text(size: small, fill: luma(50))
  for line in lines { par(line) }
}

#let candidate(it) = block(breakable: false, above: 7pt, below: 0pt, grid(
  columns: (38mm, 38mm, 38mm, 1fr),
  column-gutter: 1.5mm,
  ..it.pictures.map(name => image(name, width: 100%)),
  {
    set text(size: small)
    strong(it.heading)
    for line in it.lines { par(line) }
  },
))

#let section(it) = {
  heading(level: 2, it.title)
  if "legend" in it { small-print(it.legend) }
  if "table" in it { data-table(it.table) }
  if "pictures" in it {
    grid(
      columns: (1fr,) * 4,
      gutter: 1mm,
      ..it.pictures.map(name => image(name, width: 100%)),
    )
  }
  if "picture" in it { image(it.picture, width: 100%) }
  if "pairs" in it { grid(columns: (1fr, 1fr), column-gutter: 5mm, row-gutter: 2.5mm, align: bottom, ..it.pairs.map(pair)) }
  if "candidates" in it { for one in it.candidates { candidate(one) } }
  if "facts" in it { text(size: small + 0.5pt, facts(it.facts)) }
  if "items" in it { text(size: small + 0.5pt, list(..it.items)) }
  if "remarks" in it { small-print(it.remarks) }
}

#let row(sections) = block(above: 11pt, below: 0pt, grid(
  columns: (1fr,) * sections.len(),
  column-gutter: 8mm,
  ..sections.map(section),
))

#heading(level: 1, text(size: 14pt, report.title))
#block(width: 100%, stroke: (top: rule, bottom: rule), inset: (y: 5pt), facts(report.identity, columns: 2))
#block(width: 100%, stroke: 1.2pt, inset: 7pt, above: 8pt, below: 0pt, {
  text(size: small, fill: luma(50), report.conclusionTitle)
  v(-4pt)
  text(size: 10pt, strong(report.conclusion.first()))
  for sentence in report.conclusion.slice(1) { linebreak(); text(size: 9pt, sentence) }
})
#for caution in report.cautions {
  block(width: 100%, stroke: (left: 3pt), inset: (left: 6pt, y: 2pt), above: 6pt, below: 0pt, strong(caution))
}
#for sections in report.summary { row(sections) }
#if report.details.any(row => row.any(it => "pairs" in it or "candidates" in it)) { pagebreak() }
#for sections in report.details { row(sections) }
`;
