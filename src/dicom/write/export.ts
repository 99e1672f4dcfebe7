import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ResultKind,
  requireReplaceableFolder,
  writeFolderWhole,
} from '../../formats/index.js';
import { readResult } from '../../quantify/read-result.js';
import { resultFiles } from '../../quantify/result-folder.js';
import type { Run } from '../../run.js';
import { readDicomFolder, requireUnchanged } from '../read-folder.js';
import { type ComposedObject, composeObjectsInWorker, type ExportedObject } from './compose.js';
import { readReport } from './encapsulated-report.js';
import { sourceSeries } from './source-series.js';

/** Name and version of the list beside the objects. */
const exportSchema = { schema: 'dawson-dicom-export', schemaVersion: 1 } as const;
const exportList = 'export.json';

/** What a folder of DICOM results is known by. */
const exportedFolder: ResultKind = {
  names: /^(export\.json|(lesions|each-lesion|measurements|report)\.dcm|preview-\d{3,5}\.dcm)$/,
  marker: exportList,
  schema: exportSchema.schema,
};

/**
 * Writes the result of an exam as DICOM objects of the exam's own study: a segmentation of all
 * lesions and one of each, the measurements, the report, and a preview of every slice. The same
 * result gives the same bytes.
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
): Promise<ExportedObject[]> {
  await requireReplaceableFolder(out, exportedFolder);
  const result = await readResult(resultFolder);
  const pdf = await readReport(resultFolder);
  const folder = await readDicomFolder(dicomFolder, run);
  const source = await run.stage('compare', () => sourceSeries(folder, result, resultFolder, run));
  await requireUnchanged(folder);
  const file = join(resultFolder, resultFiles.lesions.file);
  const objects = await run.stage('compose', () =>
    composeObjectsInWorker(run, source, result, pdf, file),
  );
  const list = objects.map(({ bytes: _, ...object }) => object);
  await run.stage('write', () => writeObjects(out, objects, list, run.signal));
  return list;
}

function writeObjects(
  out: string,
  objects: readonly ComposedObject[],
  list: readonly ExportedObject[],
  signal?: AbortSignal,
): Promise<void> {
  return writeFolderWhole(
    out,
    async (staging) => {
      for (const { file, bytes } of objects) {
        signal?.throwIfAborted();
        await writeFile(join(staging, file), bytes);
      }
      const document = { ...exportSchema, objects: list };
      await writeFile(join(staging, exportList), `${JSON.stringify(document, null, 2)}\n`);
    },
    { signal, kind: exportedFolder },
  );
}
