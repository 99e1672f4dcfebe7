// All exams of a cohort at once against one after another: `npm run bench -- cohort --exams 50`.
// Copies of one exam (the demo's, or the folder --exam), raw, with the lesion network. The ratio means
// something on quiet cores only; memory is the largest sum over all children.
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { exams: { type: 'string', default: '50' }, exam: { type: 'string' } },
});
const count = Number(values.exams);
const source = values.exam ?? fileURLToPath(new URL('../demo/exam', import.meta.url));
const program = fileURLToPath(new URL('../bin/dawson.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'dawson-bench-'));
try {
  for (let at = 0; at < count; at++) {
    const exam = join(folder, 'in', `P${String(at).padStart(3, '0')}`);
    mkdirSync(exam, { recursive: true });
    for (const name of readdirSync(source)) {
      if (/^(flair|t1|t2)\.nii/.test(name)) copyFileSync(join(source, name), join(exam, name));
    }
  }
  const alone = await timed('one after another', ['--jobs', '1'], 'one');
  const together = await timed('at the same time', [], 'all');
  console.log(`ratio ${(alone / together).toFixed(2)} with ${availableParallelism()} cores`);
  const [one, all] = ['one', 'all'].map((name) =>
    readFileSync(join(folder, name, 'cohort.csv'), 'utf8'),
  );
  console.log(one === all ? 'the same table' : 'ANOTHER TABLE');
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function timed(what, options, out) {
  const args = [program, 'batch', join(folder, 'in'), '--out', join(folder, out), '--quiet'];
  const start = performance.now();
  const child = spawn(process.execPath, [...args, '--no-report', ...options], { stdio: 'inherit' });
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
