import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ResultKind,
  requireReplaceableFolder,
  writeFolderWhole,
} from '../../formats/index.js';
import { lesionLabels } from '../../quantify/lesion-labels.js';
import { type ExamResult, readResult } from '../../quantify/read-result.js';
import { resultFiles } from '../../quantify/result-folder.js';
import type { Run } from '../../run.js';
import { readDicomFolder, requireUnchanged } from '../read-folder.js';
import { type DataSet, dicomFile } from './data-set.js';
import { encapsulatedReport, readReport } from './encapsulated-report.js';
import { asSeries } from './identifiers.js';
import { measurementReport } from './measurement-report.js';
import { previewSeries } from './preview-series.js';
import { allLesionsSegmentation, eachLesionSegmentation, segmentsOf } from './segmentation.js';
import { type SourceSeries, sourceSeries } from './source-series.js';

/** Name and version of the list beside the objects. */
const exportSchema = { schema: 'dawson-dicom-export', schemaVersion: 1 } as const;
const exportList = 'export.json';

/** What a folder of DICOM results is known by. */
const exportedFolder: ResultKind = {
  names: /^(export\.json|(lesions|each-lesion|measurements|report)\.dcm|preview-\d{3,5}\.dcm)$/,
  marker: exportList,
  schema: exportSchema.schema,
};

/** One object that was written. */
export interface ExportedObject {
  readonly file: string;
  readonly sopClass: string;
  readonly sopInstance: string;
  readonly series: string;
}

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
  return run.stage('write', async () => {
    const objects = objectsOf(source, result, pdf, file);
    await writeObjects(out, objects, run.signal);
    return [...objects].map(([name, object]) => described(name, object));
  });
}

/** All objects of a result by the names of their files. */
function objectsOf(
  source: SourceSeries,
  result: ExamResult,
  pdf: Uint8Array,
  file: string,
): Map<string, DataSet> {
  const { findings, lesions } = result;
  const labels = lesionLabels(
    lesions,
    findings.settings.lesionRule.connectivity,
    findings.lesions,
    file,
  );
  const [wholeSegment] = segmentsOf(source, lesions, 1, () => 'All lesions');
  const segments = segmentsOf(source, labels, findings.lesionCount, (id) => `Lesion ${id}`);
  const [whole] = asSeries([allLesionsSegmentation(source, result, wholeSegment)]);
  const each =
    segments.length > 0 ? asSeries([eachLesionSegmentation(source, result, labels, segments)]) : [];
  const [measurements] = asSeries([
    measurementReport(
      source,
      result,
      { segment: wholeSegment, segmentation: whole },
      segments.map((segment) => ({ segment, segmentation: each[0] })),
    ),
  ]);
  const [report] = asSeries([encapsulatedReport(source, pdf)]);
  const previews = asSeries(previewSeries(source, result));
  return new Map([
    ['lesions.dcm', whole],
    ...each.map((object) => ['each-lesion.dcm', object] as const),
    ['measurements.dcm', measurements],
    ['report.dcm', report],
    ...previews.map(
      (object, index) => [`preview-${String(index + 1).padStart(3, '0')}.dcm`, object] as const,
    ),
  ]);
}

function writeObjects(out: string, objects: ReadonlyMap<string, DataSet>, signal?: AbortSignal) {
  const list = {
    ...exportSchema,
    objects: [...objects].map(([name, object]) => described(name, object)),
  };
  return writeFolderWhole(
    out,
    async (staging) => {
      for (const [name, object] of objects) {
        signal?.throwIfAborted();
        await writeFile(join(staging, name), dicomFile(object));
      }
      await writeFile(join(staging, exportList), `${JSON.stringify(list, null, 2)}\n`);
    },
    { signal, kind: exportedFolder },
  );
}

const described = (file: string, object: DataSet): ExportedObject => ({
  file,
  sopClass: String(object.SOPClassUID),
  sopInstance: String(object.SOPInstanceUID),
  series: String(object.SeriesInstanceUID),
});
