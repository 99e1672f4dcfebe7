import { writeFileSync } from 'node:fs';
import { it } from 'vitest';
import { clinicalReport } from '../../../src/report/clinical/clinical-report.js';
import { drawnExam, scatteredBlobs } from '../../support/report-exam.js';

it('tmp', async () => {
  const exam = drawnExam({ blobs: scatteredBlobs(9, (i) => 4 + i) });
  console.log(exam.findings.lesionCount);
  const t = performance.now();
  const { pdf, html } = await clinicalReport({ exam, previous: [], language: 'en', paper: 'a4' });
  console.log(performance.now() - t, pdf.length, html.length);
  writeFileSync('/tmp/rep/a.pdf', pdf);
  writeFileSync('/tmp/rep/a.html', html);
});
