import { join } from 'node:path';
import { DawsonError } from '../../errors.js';
import { isThere, readWholeFile } from '../../formats/open-file.js';
import type { Instance } from '../instance.js';
import { codes } from './codes.js';
import { commonAttributes } from './common.js';
import type { DataSet } from './data-set.js';
import type { SourceHeader } from './source-header.js';
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

/**
 * A report as Encapsulated PDF (PS3.3, A.45.1).
 * @param namesPatient whether the report says whose exam it is
 */
export function encapsulatedReport(
  source: SourceSeries,
  pdf: Uint8Array,
  namesPatient = true,
): DataSet {
  return {
    ...encapsulated(source.header, pdf),
    BurnedInAnnotation: namesPatient ? 'YES' : 'NO',
    DocumentTitle: 'MS lesion report. Not a medical device',
    SourceInstanceSequence: imageReferences(source),
  };
}

/** A page that says why an exam was not analysed. @param images of the exam */
export function encapsulatedRefusal(
  header: SourceHeader,
  images: readonly Instance[],
  pdf: Uint8Array,
): DataSet {
  return {
    ...encapsulated(header, pdf),
    SeriesDescription: 'Dawson: not analysed (not a medical device)',
    BurnedInAnnotation: 'YES',
    DocumentTitle: 'Exam not analysed. Not a medical device',
    SourceInstanceSequence: images.map(({ sopClass, sopInstance }) => ({
      ReferencedSOPClassUID: sopClass,
      ReferencedSOPInstanceUID: sopInstance,
    })),
  };
}

const encapsulated = (header: SourceHeader, pdf: Uint8Array): DataSet => ({
  ...commonAttributes({ header }, 'report'),
  ConversionType: 'WSD',
  AcquisitionDateTime: '',
  ConceptNameCodeSequence: [codes.diagnosticReport],
  VerificationFlag: 'UNVERIFIED',
  MIMETypeOfEncapsulatedDocument: 'application/pdf',
  EncapsulatedDocumentLength: pdf.length,
  EncapsulatedDocument: pdf,
});
