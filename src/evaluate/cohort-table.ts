import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { DawsonError } from '../errors.js';

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

/** A cohort file is a list of people, not a data base: anything larger is a mistake. */
const largestBytes = 16 * 2 ** 20;

/**
 * Reads a cohort file: comma-separated values (RFC 4180) with a header line.
 * @throws DawsonError `bad-table` listing all unknown and repeated columns, bad numbers, missing and
 *   repeated names of cases at once; `file-not-found`.
 */
export async function readCohort(file: string): Promise<CohortRow[]> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw new DawsonError('file-not-found', {
      file,
      expected: 'a cohort file',
      found: (error as NodeJS.ErrnoException).code ?? 'no file',
    });
  }
  if (bytes.length > largestBytes) {
    throw new DawsonError('bad-table', {
      file,
      expected: `at most ${largestBytes} bytes`,
      found: `${bytes.length} bytes`,
    });
  }
  return parseCohort(bytes.toString('utf8'), file);
}

/** {@link readCohort} for text in memory; `file` is for messages. */
export function parseCohort(text: string, file: string): CohortRow[] {
  const [header, ...lines] = fieldsOf(text, file);
  const problems: string[] = [];
  const names = (header ?? []).map((name) => name.trim().toLowerCase());
  for (const [index, name] of names.entries()) {
    if (!Object.hasOwn(cohortColumns, name))
      problems.push(`unknown column ${JSON.stringify(name)}`);
    else if (names.indexOf(name) !== index) problems.push(`column ${name} twice`);
  }
  if (!names.includes('case')) problems.push('no column case');
  const lineOfCase = new Map<string, number>();
  const rows = lines.map((fields, index) => {
    const line = index + 2;
    const row: Record<string, string | number> = {};
    for (const [place, name] of names.entries()) {
      const value = fields[place].trim();
      if (value === '' || !Object.hasOwn(cohortColumns, name)) continue;
      const { kind } = cohortColumns[name as CohortColumn];
      row[name] = kind === 'number' ? Number(value) : value;
      if (kind === 'number' && !Number.isFinite(row[name])) {
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
      expected: `one line a case, columns among ${Object.keys(cohortColumns).join(', ')}`,
      found: problems.join('; '),
    });
  }
  return rows;
}

function fieldsOf(text: string, file: string): string[][] {
  try {
    return parse(text, { bom: true, skip_empty_lines: true });
  } catch (error) {
    throw new DawsonError('bad-table', {
      file,
      expected: 'comma-separated values',
      found: (error as Error).message,
    });
  }
}
