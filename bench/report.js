// What the report of an exam costs: `npm run bench -- report FOLDER`, a folder that `dawson segment`
// wrote. CPU seconds of the process, all of it in this thread, so that other programs do not count.
import { parseArgs } from 'node:util';
import { readResult } from '../dist/quantify/read-result.js';

const { positionals } = parseArgs({ allowPositionals: true });
if (positionals.length !== 1) throw new Error('usage: npm run bench -- report FOLDER');
const exam = await readResult(positionals[0]);

const measure = async (name, work) => {
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  console.log(`${name.padEnd(30)} ${((user + system) / 1e6).toFixed(2).padStart(6)} s`);
  return result;
};

const { clinicalReport } = await measure(
  'loading',
  () => import('../dist/report/clinical/clinical-report.js'),
);
const { previewFiles } = await import('../dist/report/preview.js');
const look = { language: 'en', paper: 'a4' };
const first = () => clinicalReport({ exam, previous: [], ...look });
const { pdf, html } = await measure('report of a first exam', first);
await measure('the same again', first);
const previous = Array.from({ length: 9 }, () => exam.findings);
await measure('report of a tenth exam', () => clinicalReport({ exam, previous, ...look }));
const files = await measure('preview', () => previewFiles(exam.flair, exam.lesions, exam.brain));
console.log(
  `PDF ${(pdf.length / 1e6).toFixed(2)} MB, page ${(html.length / 1e6).toFixed(2)} MB, ` +
    `preview ${files.size - 1} slices; peak ${(process.resourceUsage().maxRSS / 2 ** 20).toFixed(2)} GiB`,
);
