// Raw exams end to end, as a user runs them: time, peak memory and what is found.
//
//   npm run bench -- exams [--data FOLDER] [--out FOLDER]
//
// FOLDER of the data holds exams/PERSON/VISIT/{flair,t2,t1}.nii.gz; the default is the development
// data beside the repository. With --out, the results stay there to be looked at.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const besideRepository = fileURLToPath(new URL('../../shared/data', import.meta.url));
const { values: flags } = parseArgs({
  options: { data: { type: 'string', default: besideRepository }, out: { type: 'string' } },
});
const program = fileURLToPath(new URL('../bin/dawson.js', import.meta.url));
const out = flags.out ?? mkdtempSync(join(tmpdir(), 'dawson-exams-'));

console.log(`${availableParallelism()} cores`);
console.log(
  'exam                 seconds  GiB  lesions      ml  brain ml  read  brain  register  segment',
);
for (const exam of [
  'open-ms-01/study1',
  'open-ms-01/study2',
  'open-ms-03/study2',
  'open-ms-04/study1',
]) {
  const sequences = ['flair', 't2', 't1'].flatMap((name) => [
    `--${name}`,
    join(flags.data, 'exams', exam, `${name}.nii.gz`),
  ]);
  const startMs = performance.now();
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [program, 'segment', ...sequences, '--out', join(out, exam.replace('/', '-')), '--json'],
    { encoding: 'utf8', maxBuffer: 2 ** 28 },
  );
  const seconds = (performance.now() - startMs) / 1000;
  if (status !== 0) {
    console.log(`${exam.padEnd(20)} failed: ${stderr.trim()}`);
    continue;
  }
  const { lesionCount, lesionVolumeMl, brainVolumeMl, run } = JSON.parse(stdout);
  const stages = run.secondsPerStage;
  const register = Math.max(stages['register T1'], stages['register T2']);
  console.log(
    exam.padEnd(20) +
      seconds.toFixed(1).padStart(8) +
      (run.peakMemoryBytes / 2 ** 30).toFixed(2).padStart(5) +
      String(lesionCount).padStart(9) +
      lesionVolumeMl.toFixed(2).padStart(8) +
      brainVolumeMl.toFixed(0).padStart(10) +
      stages.read.toFixed(1).padStart(6) +
      stages['find the brain'].toFixed(1).padStart(7) +
      register.toFixed(1).padStart(10) +
      stages.segment.toFixed(1).padStart(9),
  );
}
if (!flags.out) rmSync(out, { recursive: true, force: true });
