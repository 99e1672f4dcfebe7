import { DawsonError, listed } from '../errors.js';
import { parseDelimited, tableLimits } from '../formats/delimited.js';
import { decodeText } from '../formats/index.js';
import { readWholeFile } from '../formats/open-file.js';

/** A column of the cohort file: what it holds and how a field is read. */
interface Column {
  readonly kind: 'text' | 'number';
  readonly meaning: string;
}

/** Columns of a cohort file. Only `case` is needed; adding a column is adding a row. */
export const cohortColumns = {
  case: { kind: 'text', meaning: 'name of the case: its files without their ending' },
  patient: { kind: 'text', meaning: 'pseudonym: exams with the same one are of one person' },
  split: { kind: 'text', meaning: 'train, validation or test' },
  scanner: { kind: 'text', meaning: 'name of the scanner, by which figures are grouped' },
  manufacturer: { kind: 'text', meaning: 'manufacturer of the scanner' },
  model: { kind: 'text', meaning: 'model of the scanner' },
  field_strength_t: { kind: 'number', meaning: 'field strength in tesla' },
  flair_acquisition: { kind: 'text', meaning: '2D or 3D' },
  flair_voxel_mm: { kind: 'text', meaning: 'voxel size, such as 0.72x0.72x3' },
  flair_tr_ms: { kind: 'number', meaning: 'repetition time in ms' },
  flair_te_ms: { kind: 'number', meaning: 'echo time in ms' },
  flair_ti_ms: { kind: 'number', meaning: 'inversion time in ms' },
  age_years: { kind: 'number', meaning: 'age at the exam' },
  sex: { kind: 'text', meaning: 'F, M or other' },
  phenotype: { kind: 'text', meaning: 'clinical form, such as RRMS' },
  disease_duration_years: { kind: 'number', meaning: 'years since onset' },
  edss: { kind: 'number', meaning: 'expanded disability status scale' },
} as const satisfies Record<string, Column>;

export type CohortColumn = keyof typeof cohortColumns;

/** One line of a cohort file; absent where the field is empty or the column is not there. */
export type CohortRow = { readonly case: string } & {
  readonly [column in Exclude<
    CohortColumn,
    'case'
  >]?: (typeof cohortColumns)[column]['kind'] extends 'number' ? number : string;
};

/** Columns of BIDS's participants.tsv, by what they are here. */
const bidsColumns: Readonly<Record<string, CohortColumn>> = {
  participant_id: 'case',
  age: 'age_years',
};

/** What a cohort file says, and what in it was passed over or assumed. */
export interface Cohort {
  readonly rows: readonly CohortRow[];
  readonly notes: readonly string[];
}

/**
 * Reads a cohort file: a header line and a line a case, separated by commas, semicolons or tabs
 * (RFC 4180), such as BIDS's participants.tsv. Empty lines and other columns are passed over.
 * @throws DawsonError `bad-table` listing all repeated columns, bad numbers, missing and repeated
 *   names of cases at once, or for more lines and columns than a list of people has;
 *   `file-not-found`, `file-oversized`.
 */
export async function readCohort(file: string): Promise<Cohort> {
  const { text, notes } = decodeText(
    await readWholeFile(file, { ...tableLimits, kind: 'a cohort file' }),
  );
  const cohort = parseCohort(text, file);
  return { ...cohort, notes: [...notes.map((note) => `${file} ${note}`), ...cohort.notes] };
}

/** {@link readCohort} for text in memory; `file` is for messages. */
export function parseCohort(text: string, file: string): Cohort {
  const { delimiter, lines: all } = parseDelimited(text, file);
  const [header, ...lines] = all;
  const problems: string[] = [];
  const names = columnsOf(header?.fields ?? [], problems);
  if (!names.includes('case')) problems.push('no column case');
  const lineOfCase = new Map<string, number>();
  const rows = lines.map(({ line, fields }) => {
    const row: Record<string, string | number> = {};
    for (const [place, name] of names.entries()) {
      const value = fields[place].trim();
      if (name === undefined || isMissing(value)) continue;
      row[name] = cohortColumns[name].kind === 'number' ? numberOf(value, delimiter) : value;
      if (Number.isNaN(row[name])) {
        problems.push(`line ${line}: ${name} is ${JSON.stringify(value)}, not a number`);
      }
    }
    const id = row.case as string | undefined;
    if (id === undefined) problems.push(`line ${line}: no case`);
    else if (lineOfCase.has(id))
      problems.push(`line ${line}: ${id} is in line ${lineOfCase.get(id)} too`);
    else lineOfCase.set(id, line);
    return row as CohortRow;
  });
  if (problems.length > 0) {
    throw new DawsonError('bad-table', {
      file,
      expected: 'a header line with a column case, and one line a case',
      found: listed(problems, '; '),
    });
  }
  const unused = header.fields.filter((_, place) => names[place] === undefined);
  const unread = unused.map((name) => JSON.stringify(name)).join(', ');
  return {
    rows,
    notes: unused.length > 0 ? [`${file}: columns that are not used: ${unread}`] : [],
  };
}

/** The column that each name of the header stands for; undefined where it is none of Dawson's. */
function columnsOf(header: readonly string[], problems: string[]): (CohortColumn | undefined)[] {
  const given = header.map((name) => name.trim().toLowerCase());
  const names = given.map((name) => {
    if (Object.hasOwn(cohortColumns, name)) return name as CohortColumn;
    const known = Object.hasOwn(bidsColumns, name) ? bidsColumns[name] : undefined;
    return known && given.includes(known) ? undefined : known;
  });
  for (const [place, name] of names.entries()) {
    if (name && names.indexOf(name) !== place) problems.push(`column ${name} twice`);
  }
  return names;
}

/** Texts that stand for no value; `n/a` is that of BIDS. */
const isMissing = (value: string) => value === '' || /^(n\/?a|nan)$/i.test(value);

/** Where semicolons separate the fields, a comma is the decimal one. NaN for what is no number. */
function numberOf(value: string, delimiter: string): number {
  const number = Number(delimiter === ';' ? value.replace(',', '.') : value);
  return Number.isFinite(number) ? number : Number.NaN;
}
