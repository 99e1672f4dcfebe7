import { inWorker } from '../../workers.js';
import { reportDocument } from './document.js';
import { reportPage } from './page.js';
import type { ReportInput } from './report-input.js';
import { reportPictures } from './report-pictures.js';

/** A report in its two forms, with the same contents. */
export interface ClinicalReport {
  readonly pdf: Uint8Array;
  readonly html: string;
}

/**
 * The report of an exam, as PDF/A-2b and as a page that needs nothing else. The same input and
 * version give the same bytes. Takes about a second; meant to be called in a worker.
 * @throws DawsonError `inputs-conflict` when a mask is not that of its findings.
 */
export async function clinicalReport(input: ReportInput): Promise<ClinicalReport> {
  // The typesetter is a large module, which those who only call this in a worker need not load.
  const { typesetPdf } = await import('./typeset.js');
  const document = reportDocument(input, await reportPictures(input));
  return { pdf: await typesetPdf(document, input.paper), html: reportPage(document) };
}

export const clinicalReportInWorker = inWorker<typeof clinicalReport>(
  import.meta.url,
  'clinicalReport',
);
