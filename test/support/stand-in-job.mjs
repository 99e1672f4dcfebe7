// In the place of `dawson segment` and `dawson dicom export` in tests of the gateway: a result that
// follows from the images alone, in a moment.
//   node stand-in-job.mjs INPUT STUDY RESULT OBJECTS [BEHAVIOUR]
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { endWithParent } from '../../dist/cli/end-with-parent.js';
import { dicomFile } from '../../dist/dicom/write/data-set.js';

endWithParent();
const [input, study, result, objects, behaviour = 'done'] = process.argv.slice(2);
const fail = (code) => {
  const error = { code, title: 'It failed', expected: 'one thing', found: 'another' };
  process.stderr.write(`${JSON.stringify({ error })}\n`);
  process.exit(4);
};
if (behaviour === 'final') fail('series-not-found');
if (behaviour === 'may-pass') fail('output-failed');
if (behaviour === 'slow') await setTimeout(60_000);
if (behaviour === 'crash') process.kill(process.pid, 'SIGSEGV');
if (behaviour === 'hungry') {
  const eaten = [];
  for (;;) {
    eaten.push(Buffer.alloc(2 ** 25, 1));
    await setTimeout(5);
  }
}
await setTimeout(50);
const hash = createHash('sha256');
for (const name of readdirSync(input).sort()) hash.update(readFileSync(join(input, name)));
const digest = hash.digest('hex');
const uid = (what) =>
  `2.25.${BigInt(`0x${createHash('sha256').update(`${what} ${digest}`).digest('hex').slice(0, 30)}`)}`;
const object = {
  SOPClassUID: '1.2.840.10008.5.1.4.1.1.7',
  SOPInstanceUID: uid('instance'),
  StudyInstanceUID: study,
  SeriesInstanceUID: uid('series'),
  PatientID: 'P1',
  Modality: 'OT',
  Manufacturer: 'Dawson',
};
mkdirSync(result, { recursive: true });
writeFileSync(join(result, 'findings.json'), '{}');
rmSync(objects, { recursive: true, force: true });
mkdirSync(objects, { recursive: true });
writeFileSync(join(objects, 'lesions.dcm'), dicomFile(object));
const listed = {
  file: 'lesions.dcm',
  sopClass: object.SOPClassUID,
  sopInstance: object.SOPInstanceUID,
  series: object.SeriesInstanceUID,
};
writeFileSync(join(objects, 'export.json'), JSON.stringify({ objects: [listed] }));
