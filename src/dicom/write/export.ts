import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { requireReplaceableFolder, writeFolderWhole } from '../../formats/index.js';
import { jsonText } from '../../formats/json.js';
import { sequencesOf } from '../../preprocess/exam.js';
import { type ResultChange, readChange } from '../../quantify/read-change.js';
import { type ExamResult, readResult } from '../../quantify/read-result.js';
import { dicomResult, resultFiles } from '../../quantify/result-folder.js';
import { clinicalReportInWorker } from '../../report/clinical/clinical-report.js';
import type { Run } from '../../run.js';
import { deidentifyFileInWorker } from '../deidentify/deidentify-file.js';
import { deidentifiedChange, deidentifiedResult } from '../deidentify/deidentify-result.js';
import { type DicomFolder, readDicomFolder, requireUnchanged } from '../read-folder.js';
import {
  type ComposedObject,
  type Composition,
  composeObjectsInWorker,
  type ExportedObject,
} from './compose.js';
import { readReport } from './encapsulated-report.js';
import { seriesOfInput, sourceSeries } from './source-series.js';

/** Version of the list beside the objects. */
const schemaVersion = 1;

export interface ExportOptions {
  /** Without what tells whose exam it is; writes the images in the same way. */
  readonly deidentify?: boolean;
}

/** A result as its folder holds it. */
interface StoredResult {
  readonly folder: string;
  readonly result: ExamResult;
  readonly change?: ResultChange;
}

/**
 * Writes the result of an exam as DICOM objects of the exam's own study: a segmentation of all
 * lesions and one of each, the measurements, the report, and a preview of every slice; with an
 * earlier exam also a preview of the change. The same result gives the same bytes.
 * @param resultFolder that `dawson segment --dicom` wrote
 * @param dicomFolder the files of the exam
 * @throws DawsonError `inputs-conflict` where the result is of another exam, `file-not-found`
 *   without a report; those of reading a result and a DICOM folder, and of writing one.
 */
export async function exportResult(
  resultFolder: string,
  dicomFolder: string,
  out: string,
  run: Run,
  { deidentify = false }: ExportOptions = {},
): Promise<ExportedObject[]> {
  await requireReplaceableFolder(out, dicomResult);
  const result = await readResult(resultFolder);
  const change = await readChange(resultFolder, result);
  const stored = { folder: resultFolder, result, ...(change && { change }) };
  const folder = await readDicomFolder(dicomFolder, run);
  const { signal } = run;
  let written: ExportedObject[] = [];
  const fill = async (staging: string) => {
    written = deidentify
      ? await writeDeidentified(staging, stored, folder, run)
      : await writeIdentified(staging, stored, folder, run);
  };
  await writeFolderWhole(out, fill, { signal, kind: dicomResult });
  return written;
}

async function writeIdentified(
  staging: string,
  { folder: path, result, change }: StoredResult,
  folder: DicomFolder,
  run: Run,
): Promise<ExportedObject[]> {
  const pdf = await readReport(path);
  const objects = await composed(path, { result, pdf, change }, folder, run);
  await run.stage('write', () => writeObjects(staging, objects, run.signal));
  return objects.map(listed);
}

/** The images of the exam, then the objects of what is the result of these. */
async function writeDeidentified(
  staging: string,
  stored: StoredResult,
  folder: DicomFolder,
  run: Run,
): Promise<ExportedObject[]> {
  const exam = join(staging, 'exam');
  await mkdir(exam);
  const images = await run.stage('de-identify', () => writeImages(exam, stored, folder, run));
  await requireUnchanged(folder);
  const result = deidentifiedResult(stored.result);
  const change = stored.change && deidentifiedChange(stored.change);
  const { pdf } = await run.stage('report', () =>
    clinicalReportInWorker(run, { exam: result, previous: [], language: 'en', paper: 'a4' }),
  );
  const objects = await composed(
    stored.folder,
    { result, pdf, change, deidentified: true },
    await readDicomFolder(exam, run),
    run,
  );
  await run.stage('write', () => writeObjects(staging, objects, run.signal, images));
  return [...images, ...objects.map(listed)];
}

/** De-identifies all images of the series that a result was made of. */
async function writeImages(
  to: string,
  { folder: path, result }: StoredResult,
  folder: DicomFolder,
  run: Run,
): Promise<ExportedObject[]> {
  const written: ExportedObject[] = [];
  for (const name of sequencesOf(result.findings.inputs)) {
    const { instances } = seriesOfInput(folder, result, name, path);
    for (const [at, instance] of instances.entries()) {
      run.signal?.throwIfAborted();
      const file = `${name}-${String(at + 1).padStart(3, '0')}.dcm`;
      const { bytes, sopInstance, series } = await deidentifyFileInWorker(run, instance.source);
      await writeFile(join(to, file), bytes);
      written.push({ file: `exam/${file}`, sopClass: instance.sopClass, sopInstance, series });
    }
  }
  return written;
}

async function composed(
  resultFolder: string,
  composition: Composition,
  folder: DicomFolder,
  run: Run,
): Promise<ComposedObject[]> {
  const { result } = composition;
  const source = await run.stage('compare', () => sourceSeries(folder, result, resultFolder, run));
  await requireUnchanged(folder);
  const maskFile = join(resultFolder, resultFiles.lesions.file);
  return run.stage('compose', () =>
    composeObjectsInWorker(run, source, { ...composition, maskFile }),
  );
}

const listed = ({ bytes: _, ...object }: ComposedObject): ExportedObject => object;

/**
 * Writes objects into a folder, which is made where it is not there, with a list of them.
 * @param others that are there already
 */
export async function writeObjects(
  folder: string,
  objects: readonly ComposedObject[],
  signal?: AbortSignal,
  others: readonly ExportedObject[] = [],
): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const { file, bytes } of objects) {
    signal?.throwIfAborted();
    await writeFile(join(folder, file), bytes);
  }
  const { schema, marker } = dicomResult;
  const document = { schema, schemaVersion, objects: [...objects.map(listed), ...others] };
  await writeFile(join(folder, marker), jsonText(document));
}
