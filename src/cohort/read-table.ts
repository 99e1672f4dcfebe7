import { stat } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { DawsonError } from '../errors.js';
import { decodeText } from '../formats/index.js';
import { readWholeFile } from '../formats/open-file.js';

/** The rows of a table, each by the columns' names in lower case; empty fields and `n/a` are left out. */
export interface ReadTable {
  readonly columns: readonly string[];
  readonly rows: readonly Readonly<Record<string, string>>[];
}

const largestBytes = 16 * 2 ** 20;

/**
 * Reads a table of text: a header line and a line a row, separated by commas, semicolons or tabs.
 * @throws DawsonError `file-not-found`, `bad-table`.
 */
export async function readTable(file: string): Promise<ReadTable> {
  const size = (await stat(file).catch(() => undefined))?.size;
  if (size === undefined) {
    throw new DawsonError('file-not-found', { file, expected: 'a table', found: 'no file' });
  }
  if (size > largestBytes) throw badTable(file, `at most ${largestBytes} bytes`, `${size} bytes`);
  const { text } = decodeText(
    await readWholeFile(file, { mostBytes: largestBytes, kind: 'a table' }),
  );
  const [header = ''] = text.trimStart().split(/\r?\n|\r/, 1);
  const count = (delimiter: string) => header.split(delimiter).length;
  const delimiter = [',', '\t', ';'].reduce((best, next) =>
    count(next) > count(best) ? next : best,
  );
  let lines: string[][];
  try {
    lines = parse(text, { bom: true, delimiter, skip_empty_lines: true, trim: true });
  } catch (error) {
    throw badTable(file, 'the same number of fields in every line', (error as Error).message);
  }
  const columns = (lines[0] ?? []).map((name) => name.toLowerCase());
  const twice = columns.find((name, at) => columns.indexOf(name) !== at);
  if (twice !== undefined) throw badTable(file, 'columns of different names', `${twice} twice`);
  const rows = lines
    .slice(1)
    .map((fields) =>
      Object.fromEntries(
        columns
          .map((name, at) => [name, fields[at]] as const)
          .filter(([, value]) => value !== '' && !/^n\/?a$/i.test(value)),
      ),
    );
  return { columns, rows };
}

const badTable = (file: string, expected: string, found: string) =>
  new DawsonError('bad-table', { file, expected, found });
