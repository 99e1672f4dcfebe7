import { join } from 'node:path';
import { DawsonError } from '../../errors.js';
import { isThere, readWholeFile } from '../../formats/open-file.js';
import { codes } from './codes.js';
import { commonAttributes } from './common.js';
import type { DataSet } from './data-set.js';
import { imageReferences, type SourceSeries } from './source-series.js';

const reportFile = 'report.pdf';

/**
 * The bytes of the report in a result folder.
 * @throws DawsonError `file-not-found`; `file-corrupt` where it is no PDF.
 */
export async function readReport(resultFolder: string): Promise<Uint8Array> {
  const file = join(resultFolder, reportFile);
  if (!(await isThere(file))) {
    throw new DawsonError('file-not-found', {
      file,
      expected: 'the report of the exam',
      found: 'none',
      advice: 'Run `dawson segment` without --no-report.',
    });
  }
  const bytes = await readWholeFile(file, { mostBytes: 2 ** 28, kind: 'a report' });
  if (bytes.subarray(0, 5).toString('latin1') === '%PDF-') return bytes;
  throw new DawsonError('file-corrupt', { file, expected: 'a PDF', found: 'other bytes' });
}

/** A report as Encapsulated PDF (PS3.3, A.45.1). */
/** @param namesPatient whether the report says whose exam it is */
export function encapsulatedReport(
  source: SourceSeries,
  pdf: Uint8Array,
  namesPatient = true,
): DataSet {
  return {
    ...commonAttributes(source, 'report'),
    ConversionType: 'WSD',
    BurnedInAnnotation: namesPatient ? 'YES' : 'NO',
    AcquisitionDateTime: '',
    DocumentTitle: 'MS lesion report. Not a medical device',
    ConceptNameCodeSequence: [codes.diagnosticReport],
    VerificationFlag: 'UNVERIFIED',
    SourceInstanceSequence: imageReferences(source),
    MIMETypeOfEncapsulatedDocument: 'application/pdf',
    EncapsulatedDocumentLength: pdf.length,
    EncapsulatedDocument: pdf,
  };
}
