import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { DawsonError } from '../errors.js';
import { readLabels, readShippedJson } from '../formats/index.js';
import { readJson } from '../formats/read-json.js';
import { onGrid, sameGrid, type Volume } from '../volume/volume.js';
import { type ChangeDocument, changeClasses, changeSchema } from './change.js';
import type { ExamResult } from './read-result.js';
import { resultFiles } from './result-folder.js';

/** What became of the lesions of an exam since the one before it, as the folder of its result holds it. */
export interface ResultChange {
  readonly document: ChangeDocument;
  /** Places of {@link changeClasses} from 1 on, 0 elsewhere; on the grid of the exam's FLAIR. */
  readonly map: Volume<Uint8Array>;
}

/** Paths of what {@link readChange} reads of a folder. */
export const changeFilesOf = (folder: string): string[] =>
  [resultFiles.change, resultFiles.changeMap].map(({ file }) => join(folder, file));

const schemaOf = async (name: string) => (await readShippedJson(`schemas/${name}`)) as object;

/**
 * The comparison in the folder of a result; undefined where there is none. Nothing in it is trusted.
 * @throws DawsonError `file-corrupt`, `not-a-mask`; `inputs-conflict` where it is of another exam, or of
 *   other lesions.
 */
export async function readChange(
  folder: string,
  { findings, flair, lesions }: Omit<ExamResult, 'brain'>,
): Promise<ResultChange | undefined> {
  const [file, mapFile] = changeFilesOf(folder);
  if ((await stat(file).catch(() => undefined)) === undefined) return undefined;
  const document = await readDocument(file);
  const { volume } = await readLabels(mapFile);
  const newest = document.exams.at(-1)!;
  if (
    newest.flairSha256 !== findings.inputs.flair.sha256 ||
    newest.lesionCount !== findings.lesionCount ||
    !sameGrid(volume, flair)
  ) {
    throw new DawsonError('inputs-conflict', {
      file,
      expected: 'a comparison of the exam beside it',
      found: 'one of another exam',
      advice: 'Give the folder as Dawson wrote it, with the files of one run.',
    });
  }
  const other = volume.data.find(
    (value) => !Number.isInteger(value) || value < 0 || value > changeClasses.length,
  );
  if (other !== undefined) {
    throw new DawsonError('not-a-mask', {
      file: mapFile,
      expected: `numbers of classes from 0 to ${changeClasses.length}`,
      found: `also ${other}`,
    });
  }
  // Pictures show what has a class: a lesion without one would not be in them.
  if (lesions.data.some((value, voxel) => value !== 0 && volume.data[voxel] === 0)) {
    throw new DawsonError('inputs-conflict', {
      file: mapFile,
      expected: 'a class for every lesion of the exam beside it',
      found: 'lesions without one',
      advice: 'Give the folder as Dawson wrote it, with the files of one run.',
    });
  }
  return { document, map: onGrid(flair, Uint8Array.from(volume.data)) };
}

async function readDocument(file: string): Promise<ChangeDocument> {
  const value = await readJson(file);
  // Whose the exams are is described there.
  const findings = 'findings-1.schema.json';
  const ajv = new Ajv2020({ allErrors: false }).addSchema(await schemaOf(findings), findings);
  const version = versionOf(value);
  const validate = ajv.compile(
    await schemaOf(`change-${version}.schema.json`),
  ) as ValidateFunction<ChangeDocument>;
  const known = validate(value);
  if (known && value.consecutive.length > 0 && idsExist(value)) return value;
  const [{ instancePath, message }] = validate.errors ?? [
    { instancePath: '', message: 'names lesions that no exam has' },
  ];
  throw new DawsonError('file-corrupt', {
    file,
    expected: `${changeSchema.schema}, version 1 or ${changeSchema.schemaVersion}`,
    found: `${instancePath || 'the document'} ${message}`,
    advice: 'Give change.json as Dawson wrote it.',
  });
}

/** Files of version 1, which knew the masks alone, are still read; what is of neither is judged as of today's. */
const versionOf = (value: unknown): number =>
  (value as { readonly schemaVersion?: unknown } | null)?.schemaVersion === 1
    ? 1
    : changeSchema.schemaVersion;

const idsExist = ({ exams, consecutive }: ChangeDocument) =>
  consecutive.every(({ previous, current, lesions }) =>
    lesions.every(
      ({ previousIds, currentIds }) =>
        previousIds.every((id) => id >= 1 && id <= (exams[previous]?.lesionCount ?? 0)) &&
        currentIds.every((id) => id >= 1 && id <= (exams[current]?.lesionCount ?? 0)),
    ),
  );
