// All exams of a cohort at once against one after another: `npm run bench -- cohort --exams 50`.
// Copies of one exam (35 mm of the demo's FLAIR, or the folder --exam), raw, with the lesion network. One after
// another on one core (by taskset) and on all, where an exam uses as many threads. The ratios mean something on
// quiet cores only; memory is the largest sum over all children.
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readNifti, writeNifti } from '../dist/formats/index.js';
import { cropTo } from '../dist/volume/box.js';

const { values } = parseArgs({
  options: { exams: { type: 'string', default: '50' }, exam: { type: 'string' } },
});
const count = Number(values.exams);
const demo = fileURLToPath(new URL('../demo/exam/flair.nii.gz', import.meta.url));
const program = fileURLToPath(new URL('../bin/dawson.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'dawson-bench-'));
const source = values.exam ?? join(folder, 'small');
try {
  if (!values.exam) {
    mkdirSync(source);
    const { volume } = await readNifti(demo);
    const [nx, ny] = volume.size;
    const slab = cropTo(volume, { first: [0, 0, 18], size: [nx, ny, 8] });
    await writeNifti(join(source, 'flair.nii.gz'), slab);
  }
  for (let at = 0; at < count; at++) {
    const exam = join(folder, 'in', `P${String(at).padStart(3, '0')}`);
    mkdirSync(exam, { recursive: true });
    for (const name of readdirSync(source)) {
      if (/^(flair|t1|t2)\.nii/.test(name)) copyFileSync(join(source, name), join(exam, name));
    }
  }
  const onOneCore = ['taskset', '-c', '0', process.execPath];
  const single = await timed('one after another on one core', onOneCore, ['--jobs', '1'], 'single');
  const alone = await timed('one after another', [process.execPath], ['--jobs', '1'], 'one');
  const together = await timed('at the same time', [process.execPath], [], 'all');
  console.log(
    `with ${availableParallelism()} cores ${(single / together).toFixed(2)} times as fast as on one, ` +
      `${(alone / together).toFixed(2)} times as fast as one after another on all`,
  );
  const tables = ['single', 'one', 'all'].map((name) =>
    readFileSync(join(folder, name, 'cohort.csv'), 'utf8'),
  );
  console.log(new Set(tables).size === 1 ? 'the same table' : 'ANOTHER TABLE');
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function timed(what, [command, ...before], options, out) {
  const args = [
    ...before,
    program,
    'batch',
    join(folder, 'in'),
    '--out',
    join(folder, out),
    '--quiet',
  ];
  const start = performance.now();
  const child = spawn(command, [...args, '--no-report', ...options], { stdio: 'inherit' });
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, memoryOf(child.pid));
  }, 500);
  const code = await new Promise((resolve) => child.on('close', resolve));
  clearInterval(watch);
  if (code !== 0) throw new Error(`exit code ${code}`);
  const seconds = (performance.now() - start) / 1000;
  const load = loadavg()[0].toFixed(1);
  console.log(
    `${what}: ${seconds.toFixed(0)} s, ${(most / 2 ** 20).toFixed(2)} GiB at most, load ${load}`,
  );
  return seconds;
}

/** Memory of a process and its children in KiB. */
function memoryOf(pid) {
  try {
    const lines = execFileSync('ps', ['-eo', 'pid=,ppid=,rss='], { encoding: 'utf8' }).split('\n');
    const rows = lines.map((line) => line.trim().split(/\s+/).map(Number));
    const own = new Set([pid]);
    for (const [child, parent] of rows) if (own.has(parent)) own.add(child);
    return rows.reduce((sum, [child, , rss]) => (own.has(child) ? sum + rss : sum), 0);
  } catch {
    return 0;
  }
}
