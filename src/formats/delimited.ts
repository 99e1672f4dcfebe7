import { parse } from 'csv-parse/sync';
import { DawsonError } from '../errors.js';

/** A table of text: its lines, the header first, each with its number in the file. */
export interface DelimitedTable {
  readonly delimiter: ',' | ';' | '\t';
  readonly lines: readonly { readonly line: number; readonly fields: readonly string[] }[];
}

/** A table is a list of people, not a data base: anything larger is a mistake. */
export const tableLimits = { mostBytes: 16 * 2 ** 20, kind: 'a table' };
const mostLines = 100_000;
const mostColumns = 1000;

/**
 * The lines of a table that have any field, separated by what the header line has most of: commas,
 * semicolons or tabs (RFC 4180).
 * @param file for messages
 * @throws DawsonError `bad-table` for lines of different lengths, or more lines or columns than any list
 *   of people has.
 */
export function parseDelimited(text: string, file: string): DelimitedTable {
  requireFew(text, file);
  const delimiter = delimiterOf(text);
  try {
    const records = parse(text, {
      ...{ bom: true, delimiter, info: true, skip_empty_lines: true },
      // Else the end of the first line would be that of all.
      record_delimiter: ['\r\n', '\n', '\r'],
    });
    const lines = (records as unknown as { record: string[]; info: { lines: number } }[])
      .map(({ record, info }) => ({ line: info.lines, fields: record }))
      .filter(({ fields }) => fields.some((field) => field.trim() !== ''));
    return { delimiter, lines };
  } catch (error) {
    throw new DawsonError('bad-table', {
      file,
      expected: 'the same number of fields in every line, separated by commas, semicolons or tabs',
      found: (error as Error).message,
    });
  }
}

const headerOf = (text: string) => text.trimStart().split(/\r?\n|\r/, 1)[0] ?? '';

function requireFew(text: string, file: string): void {
  const count = (pattern: RegExp, of: string) => of.match(pattern)?.length ?? 0;
  const lines = count(/\r\n|\n|\r/g, text);
  const header = headerOf(text);
  const columns = Math.max(...[/,/g, /;/g, /\t/g].map((pattern) => count(pattern, header))) + 1;
  if (lines <= mostLines && columns <= mostColumns) return;
  throw new DawsonError('bad-table', {
    file,
    expected: `at most ${mostLines} lines and ${mostColumns} columns`,
    found: `${lines} lines, ${columns} columns`,
  });
}

function delimiterOf(text: string): DelimitedTable['delimiter'] {
  const header = headerOf(text);
  const count = (delimiter: string) => header.split(delimiter).length;
  return ([',', '\t', ';'] as const).reduce((best, next) =>
    count(next) > count(best) ? next : best,
  );
}
