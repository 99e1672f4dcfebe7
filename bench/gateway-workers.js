// Exams a minute with one worker and with two, through a PostgreSQL of their own. In the place of
// `dawson segment` is a stand-in of fixed work that waits instead of computing: two workers on two
// cores would otherwise measure the cores. What is measured is therefore what handing jobs out, the
// start of two processes a job and the writing down of results cost. With --real the demo exam, in three
// dialects as three exams, goes through `dawson segment`: then the cores are measured.
//
//   npm run bench -- gateway-workers [--exams 12] [--work 10] [--real]
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readConfig, runGateway } from '../dist/gateway/index.js';
import { postgresServer, withoutServer } from '../test/support/postgres-server.mjs';
import { writeDicomSeries } from './support/dicom-series.js';

const workerProcess = fileURLToPath(new URL('../test/support/worker-process.mjs', import.meta.url));
const demoExams = fileURLToPath(new URL('../scripts/make-demo-dicom.js', import.meta.url));
const { values: flags } = parseArgs({
  options: {
    exams: { type: 'string', default: '12' },
    work: { type: 'string', default: '10' },
    real: { type: 'boolean', default: false },
  },
});
const vendors = ['siemens', 'ge', 'philips'];
const exams = flags.real ? vendors.length : Number(flags.exams);
const work = flags.real ? 'real' : Number(flags.work);

const missing = withoutServer();
if (missing === undefined) await compare();
else console.log(`skipped: ${missing}`);

async function compare() {
  const folder = mkdtempSync(join(tmpdir(), 'dawson-gateway-workers-'));
  const server = postgresServer(folder, 15432);
  try {
    await server.start();
    console.log(
      flags.real
        ? `${exams} exams through dawson segment, on ${availableParallelism()} cores`
        : `${exams} exams, each with a stand-in that waits for ${work} s`,
    );
    console.log('workers  seconds  exams a minute  ratio');
    const rates = [];
    for (const workers of [1, 2]) {
      const seconds = await measured(join(folder, `${workers}`), server, workers);
      rates.push((60 * exams) / seconds);
      const row = [`${workers}`, seconds.toFixed(1), rates.at(-1).toFixed(2)];
      const ratio = (rates.at(-1) / rates[0]).toFixed(2);
      console.log(`${row[0].padStart(7)}  ${row[1].padStart(7)}  ${row[2].padStart(14)}  ${ratio}`);
    }
  } finally {
    await server.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns seconds from the begin of the first analysis to the end of the last */
async function measured(folder, server, workers) {
  mkdirSync(join(folder, 'inbox'), { recursive: true });
  const file = writeConfig(folder, server);
  const entries = [];
  const controller = new AbortController();
  const gateway = runGateway(await readConfig(file), controller.signal, {
    write: (line) => entries.push({ ...JSON.parse(line), ms: performance.now() }),
  });
  const of = (event) => entries.filter((entry) => entry.event === event);
  const inbox = join(folder, 'inbox');
  if (flags.real) spawnSync(process.execPath, [demoExams, inbox, ...vendors], { stdio: 'inherit' });
  else for (let exam = 1; exam <= exams; exam++) writeExam(join(inbox, `${exam}`), exam);
  while (of('exam complete').length < exams) await wait(50);
  const children = Array.from({ length: workers }, () =>
    spawn(process.execPath, [workerProcess, file, `${work}`], { stdio: 'ignore' }),
  );
  while (of('analysis done').length < exams) await wait(50);
  const ended = children.map((child) => new Promise((resolve) => child.once('close', resolve)));
  for (const child of children) child.kill();
  await Promise.all(ended);
  controller.abort();
  await gateway;
  return (of('analysis done').at(-1).ms - of('analysis begun')[0].ms) / 1000;
}

function writeExam(folder, exam) {
  const affine = [-1, 0, 0, 16, 0, -1, 0, 16, 0, 0, 1, 0, 0, 0, 0, 1];
  const data = new Uint16Array(32 * 32 * 3).map((_, at) => (at * exam) % 1000);
  const volume = { size: [32, 32, 3], affine, data };
  writeDicomSeries(volume, folder, { number: 1, study: `1.2.${exam}`, acquired: {} });
}

function writeConfig(folder, { url, passwordFile }) {
  const config = {
    ...{ schema: 'dawson-gateway', schemaVersion: 1, state: 'state', quietSeconds: 1 },
    ...{ queue: url, queuePasswordFile: passwordFile },
    folders: [{ path: 'inbox' }],
    destinations: [{ name: 'out', kind: 'folder', path: 'out' }],
    limits: { freeGiB: 0 },
  };
  const file = join(folder, 'gateway.json');
  writeFileSync(file, JSON.stringify(config));
  return file;
}
