import { DawsonError } from '../errors.js';
import { parseDelimited, tableLimits } from '../formats/delimited.js';
import { decodeText } from '../formats/index.js';
import { readWholeFile } from '../formats/open-file.js';

/** The rows of a table, each by the columns' names in lower case; empty fields and `n/a` are left out. */
export interface ReadTable {
  readonly columns: readonly string[];
  readonly rows: readonly Readonly<Record<string, string>>[];
  /** The line of each row in the file. */
  readonly lines: readonly number[];
}

/**
 * Reads a table of text: a header line and a line a row, separated by commas, semicolons or tabs.
 * @throws DawsonError `file-not-found`, `file-oversized`, `bad-table`.
 */
export async function readTable(file: string): Promise<ReadTable> {
  const { text } = decodeText(await readWholeFile(file, tableLimits));
  const [header, ...lines] = parseDelimited(text, file).lines.map(({ line, fields }) => ({
    line,
    fields: fields.map((field) => field.trim()),
  }));
  const columns = (header?.fields ?? []).map((name) => name.toLowerCase());
  const twice = columns.find((name, at) => columns.indexOf(name) !== at);
  if (twice !== undefined) throw badTable(file, 'columns of different names', `${twice} twice`);
  const rows = lines.map(({ fields }) =>
    Object.fromEntries(
      columns
        .map((name, at) => [name, fields[at]] as const)
        .filter(([, value]) => value !== '' && !/^n\/?a$/i.test(value)),
    ),
  );
  return { columns, rows, lines: lines.map(({ line }) => line) };
}

const badTable = (file: string, expected: string, found: string) =>
  new DawsonError('bad-table', { file, expected, found });
