import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { DawsonError } from '../errors.js';
import { readLabels, readShippedJson, readVolume } from '../formats/index.js';
import { isThere } from '../formats/open-file.js';
import { readJson } from '../formats/read-json.js';
import { type Mask, onGrid, sameGrid, type Volume } from '../volume/volume.js';
import { type Findings, findingsSchema } from './findings.js';
import { type ResultFile, resultFiles } from './result-folder.js';

/** The result of one exam, read back; all volumes lie on the grid of its FLAIR. */
export interface ExamResult {
  readonly findings: Findings;
  readonly flair: Volume;
  readonly lesions: Mask;
  readonly brain: Mask;
}

/** The files of a result that {@link readResult} reads. */
const filesRead = ['findings', 'flair', 'lesions', 'brain'] as const satisfies ResultFile[];

const pathIn = (folder: string, row: (typeof filesRead)[number]) =>
  join(folder, resultFiles[row].file);

/** Paths of what {@link readResult} reads of a folder. */
export const readFilesOf = (folder: string): string[] =>
  filesRead.map((row) => pathIn(folder, row));

const schemaFile = 'schemas/findings-1.schema.json';

/**
 * The result of an exam from the folder that `dawson segment` wrote it to. Nothing in it is
 * trusted: the findings must fit their schema, the masks hold 0 and 1 on the FLAIR's grid.
 * @throws DawsonError `file-not-found`, `file-corrupt`, `not-a-mask`, `inputs-conflict`; those of
 *   reading an image.
 */
export async function readResult(folder: string): Promise<ExamResult> {
  const path = (row: (typeof filesRead)[number]) => pathIn(folder, row);
  const findings = await readFindings(path('findings'));
  if (!(await isThere(path('flair')))) {
    throw new DawsonError('file-not-found', {
      file: path('flair'),
      expected: 'a folder that `dawson segment` wrote',
      found: 'no FLAIR in it',
      advice: 'Segment the exam again: results of earlier versions have no FLAIR beside them.',
    });
  }
  const flair = (await readVolume(path('flair'))).volume;
  const [lesions, brain] = [
    await readMask(path('lesions'), flair),
    await readMask(path('brain'), flair),
  ];
  return { findings, flair, lesions, brain };
}

/**
 * The findings in a file.
 * @throws DawsonError `file-not-found`, `file-oversized`, `file-corrupt`.
 */
export async function readFindings(file: string): Promise<Findings> {
  const value = await readJson(file);
  const schema = (await readShippedJson(schemaFile)) as object;
  const validate = new Ajv2020({ allErrors: false }).compile(schema) as ValidateFunction<Findings>;
  if (!validate(value)) {
    const [{ instancePath, message }] = validate.errors!;
    throw new DawsonError('file-corrupt', {
      file,
      expected: `${findingsSchema.schema}, version ${findingsSchema.schemaVersion}`,
      found: `${instancePath || 'the document'} ${message}`,
      advice: 'Give findings.json as Dawson wrote it.',
    });
  }
  const { lesionCount, lesions } = value;
  if (lesionCount !== lesions.length || lesions.some(({ id }, index) => id !== index + 1)) {
    throw new DawsonError('file-corrupt', {
      file,
      expected: `${lesionCount} lesions with the ids from 1 on`,
      found: `${lesions.length} lesions`,
    });
  }
  return value;
}

async function readMask(file: string, flair: Volume): Promise<Mask> {
  const { volume } = await readLabels(file);
  if (!sameGrid(volume, flair)) {
    throw new DawsonError('inputs-conflict', {
      file,
      expected: 'a mask on the grid of the FLAIR beside it',
      found: 'another grid',
      advice: 'Give the folder as Dawson wrote it, with the files of one run.',
    });
  }
  const other = volume.data.find((value) => value !== 0 && value !== 1);
  if (other !== undefined) {
    throw new DawsonError('not-a-mask', { file, expected: 'only 0 and 1', found: `also ${other}` });
  }
  return onGrid(flair, Uint8Array.from(volume.data));
}
