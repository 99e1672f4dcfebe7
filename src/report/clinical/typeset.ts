import { NodeCompiler } from '@myriaddreamin/typst-ts-node-compiler';
import { DawsonError } from '../../errors.js';
import { fontsFor, missingSign } from './fonts.js';
import { layout } from './layout.js';
import type { ReportDocument } from './report-document.js';
import { type Paper, papers } from './report-input.js';
import { withTexts } from './shown-text.js';
import { type Language, phrasesIn } from './texts.js';

/** A folder that does not exist: the compiler sees the files that are given to it and no others. */
const workspace = '/dawson-report';

/**
 * The report as PDF/A-2b. The same document gives the same bytes: dates come from the exam, and the
 * file's identifier is made from its contents.
 */
export async function typesetPdf(document: ReportDocument, paper: Paper): Promise<Uint8Array> {
  const { fonts, missing } = await fontsFor(allText(document));
  const shown = missing.size > 0 ? withoutMissing(document, missing) : document;
  const { pictures, date, ...rest } = shown;
  const compiler = NodeCompiler.create({ workspace, fontArgs: [{ fontBlobs: [...fonts] }] });
  const content = { ...rest, paper: papers[paper], date: dateParts(date) };
  compiler.mapShadow(`${workspace}/document.json`, Buffer.from(JSON.stringify(content)));
  for (const [name, bytes] of pictures) {
    compiler.mapShadow(`${workspace}/${name}`, Buffer.from(bytes));
  }
  const compiled = compiler.compile({ mainFileContent: layout });
  if (compiled.result === null) throw defect(compiled.takeDiagnostics()?.shortDiagnostics);
  try {
    return compiler.pdf(compiled.result, { pdfStandard: 'a-2b' });
  } catch (error) {
    throw defect(error);
  } finally {
    // What the typesetter remembers of a document stays with the process, and no other one is like it.
    compiler.evictCache(0);
  }
}

const defect = (found: unknown) =>
  new DawsonError('internal', { expected: 'a report that can be typeset', found: String(found) });

/** PDF/A demands a date; the time of the run would make every file another one. */
const unknownDate = '1970-01-01';

/** Year, month and day of the exam; of the unknown date where it has none. */
function dateParts(date: string | undefined): number[] {
  const isValid = /^\d{4}-\d{2}-\d{2}$/.test(date ?? '') && !Number.isNaN(Date.parse(date!));
  return (isValid ? date! : unknownDate).split('-').map(Number);
}

/** Every text of the document, joined. */
function allText(document: ReportDocument): string {
  const texts: string[] = [];
  withTexts(document, (value) => {
    texts.push(value);
    return value;
  });
  return texts.join('');
}

/** The document with a sign for every character that cannot be shown, and a caution that says so. */
function withoutMissing(document: ReportDocument, missing: ReadonlySet<string>): ReportDocument {
  const replaced = withTexts(document, (value) =>
    [...value].map((sign) => (missing.has(sign) ? missingSign : sign)).join(''),
  );
  const codes = [...missing]
    .map((sign) => `U+${sign.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`)
    .join(', ');
  const { text } = phrasesIn(document.language as Language);
  return {
    ...replaced,
    cautions: [...replaced.cautions, text('charactersNotShown', { sign: missingSign, codes })],
  };
}
