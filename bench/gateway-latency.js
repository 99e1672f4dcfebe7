// From the last image of an exam to the delivery of its result, with a stand-in of fixed work in the
// place of `dawson segment`: what the gateway itself adds to the quiet time and to the work. Images
// come from dcmtk's storescu; the result goes into a folder.
//
//   npm run bench -- gateway-latency [--exams 5] [--work 10] [--quiet 2]
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readConfig, runGateway } from '../dist/gateway/index.js';
import { writeDicomSeries } from './support/dicom-series.js';

const standIn = fileURLToPath(new URL('../test/support/stand-in-job.mjs', import.meta.url));
const port = 11112;
const { values: flags } = parseArgs({
  options: {
    exams: { type: 'string', default: '5' },
    work: { type: 'string', default: '10' },
    quiet: { type: 'string', default: '2' },
  },
});
const quietSeconds = Number(flags.quiet);
const work = mkdtempSync(join(tmpdir(), 'dawson-gateway-latency-'));
const controller = new AbortController();
const entries = [];
const gateway = runGateway(await readConfig(writeConfig()), controller.signal, {
  steps: ({ input, studyUid, result, objects }) => [
    ['-e', `setTimeout(() => {}, ${1000 * Number(flags.work)})`],
    [standIn, input, studyUid, result, objects],
  ],
  write: (line) => entries.push({ ...JSON.parse(line), ms: performance.now() }),
});
try {
  await until('gateway started', 1);
  const rests = [];
  for (let exam = 1; exam <= Number(flags.exams); exam++) rests.push(await measured(exam));
  console.log(`longest beside work and quiet time: ${Math.max(...rests).toFixed(2)} s`);
} finally {
  controller.abort();
  await gateway;
  rmSync(work, { recursive: true });
}

/** @returns seconds beside the work and the quiet time */
async function measured(exam) {
  const folder = join(work, `exam-${exam}`);
  const affine = [-1, 0, 0, 64, 0, -1, 0, 64, 0, 0, 1, 0, 0, 0, 0, 1];
  const data = new Uint16Array(128 * 128 * 40).map((_, at) => (at * exam) % 1000);
  const volume = { size: [128, 128, 40], affine, data };
  writeDicomSeries(volume, folder, { number: 1, study: `1.2.${exam}`, acquired: {} });
  const args = ['-aec', 'DAWSON', '127.0.0.1', `${port}`, '+sd', folder];
  await new Promise((resolve, reject) =>
    spawn('storescu', args).once('close', (code) => (code === 0 ? resolve() : reject(code))),
  );
  const startMs = performance.now();
  await until('result delivered', exam);
  const seconds =
    (entries.findLast(({ event }) => event === 'result delivered').ms - startMs) / 1000;
  const steps = entries.filter(({ event }) => event === 'step ended').slice(-2);
  const worked = steps.reduce((sum, step) => sum + step.seconds, 0);
  const rest = seconds - worked - quietSeconds;
  console.log(
    `exam ${exam}: ${seconds.toFixed(2)} s; work ${worked.toFixed(2)} s, quiet time ${quietSeconds} s, rest ${rest.toFixed(2)} s`,
  );
  return rest;
}

async function until(event, times) {
  while (entries.filter((entry) => entry.event === event).length < times) await wait(20);
}

function writeConfig() {
  const config = {
    ...{ schema: 'dawson-gateway', schemaVersion: 1, state: 'state', quietSeconds },
    receiver: { title: 'DAWSON', port, peers: [{ title: 'STORESCU' }] },
    destinations: [{ name: 'out', kind: 'folder', path: 'out' }],
    limits: { freeGiB: 0 },
  };
  const file = join(work, 'gateway.json');
  writeFileSync(file, JSON.stringify(config));
  return file;
}
