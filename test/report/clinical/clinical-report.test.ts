import { writeFileSync } from 'node:fs';
import { it } from 'vitest';
import { clinicalReport } from '../../../src/report/clinical/clinical-report.js';
import { previewFiles } from '../../../src/report/preview.js';
import { drawnChange, drawnExam, scatteredBlobs } from '../../support/report-exam.js';

it('tmp', async () => {
  const patient = { id: '0101701234', name: 'Åse-Élise Ñandú Šćepánović-Størmgaard Øb', birthDate: '1970-01-01', sex: 'F' };
  const scanner = { manufacturer: 'Siemens', model: 'Skyra', fieldStrengthTesla: 3 };
  const blobs = scatteredBlobs(9, (i) => 4 + i);
  const exam = drawnExam({ blobs , exam: {patient, date: '2024-03-01', scanner}});
  const previous = drawnExam({ blobs: blobs.slice(1).map((b,i) => i===3? {...b, radiusMm: b.radiusMm-2}: b), exam: {patient, date: '2023-03-14', scanner}});
  const t = performance.now();
  const { pdf, html } = await clinicalReport({ exam, previous: [], language: 'en', paper: 'a4' });
  console.log(performance.now() - t, pdf.length, html.length);
  writeFileSync('/tmp/rep/a.pdf', pdf);
  writeFileSync('/tmp/rep/a.html', html);
  const change = drawnChange(exam.findings.lesions.map((l, i) => ({ changeClass: (['new','enlarged','stable','stable','uncertain','shrunken'] as const)[i%6], currentIds: [l.id], previousIds: i%6===0?[]:[l.id-1], currentVolumeMl: l.volumeMl, previousVolumeMl: i%6===0?0:l.volumeMl*0.7})));
  const { pdf: b } = await clinicalReport({ exam, previousExam: previous, previous: [previous.findings], change, language: 'da', paper: 'letter' });
  writeFileSync('/tmp/rep/b.pdf', b);
  for (const [name, bytes] of previewFiles(exam.flair, exam.lesions, exam.brain)) writeFileSync(`/tmp/rep/${name}`, bytes);
});
