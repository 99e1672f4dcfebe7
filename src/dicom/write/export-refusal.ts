import { writeFolderWhole } from '../../formats/index.js';
import { dicomResult } from '../../quantify/result-folder.js';
import { refusalReportInWorker } from '../../report/clinical/refusal-report.js';
import type { Paper } from '../../report/clinical/report-input.js';
import type { Language } from '../../report/clinical/texts.js';
import type { Run } from '../../run.js';
import { describeSourceInWorker } from '../describe.js';
import { readDicomFolder } from '../read-folder.js';
import { dicomFile } from './data-set.js';
import { encapsulatedRefusal } from './encapsulated-report.js';
import { writeObjects } from './export.js';
import { asSeries } from './identifiers.js';
import { readSourceHeaderInWorker } from './source-header.js';

export interface RefusalOptions {
  /** Study Instance UID. */
  readonly study: string;
  readonly reason: string;
  readonly language: Language;
  readonly paper: Paper;
}

/**
 * Writes a folder of results with one object of the study, a PDF that says why there are no others.
 * @returns whether it is there: not without an MR image, nor where images are of several patients, of
 *   which one would get what is of another.
 * @throws DawsonError as reading a DICOM folder and writing one.
 */
export async function exportRefusal(
  dicomFolder: string,
  out: string,
  { study: uid, ...page }: RefusalOptions,
  run: Run,
): Promise<boolean> {
  const { studies } = await readDicomFolder(dicomFolder, run);
  const [study, other] = studies.filter((one) => one.uid === uid);
  const images = study?.series
    .filter(({ modality }) => modality === 'MR')
    .flatMap(({ instances }) => instances)
    .filter(({ pixels, own }) => pixels !== undefined && !own);
  if (other || !images?.length) return false;
  const header = await readSourceHeaderInWorker(run, images[0].source);
  const exam = await describeSourceInWorker(run, images[0].source);
  const pdf = await refusalReportInWorker(run, { ...page, exam });
  const [object] = asSeries([encapsulatedRefusal(header, images, pdf)]);
  const written = {
    file: 'report.dcm',
    sopClass: String(object.SOPClassUID),
    sopInstance: String(object.SOPInstanceUID),
    series: String(object.SeriesInstanceUID),
    bytes: dicomFile(object),
  };
  await writeFolderWhole(out, (staging) => writeObjects(staging, [written], run.signal), {
    kind: dicomResult,
    ...(run.signal && { signal: run.signal }),
  });
  return true;
}
