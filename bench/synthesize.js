// The synthetic exams: what preparing a head, a training patch and a whole exam cost on one core.
//
//   npm run bench -- synthesize [data folder]        (../shared/data/synthesis by default)
//
// CPU time in ms; patches are means over 40 seeded ones (after 20 to warm up) with 2.5 sequences each
// on average.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { renderExam } from '../dist/synthesize/exam.js';
import { renderPatch, samplePatch } from '../dist/synthesize/patch.js';
import { listHeads, prepareHead, readLesionLibrary } from '../dist/synthesize/prepare-heads.js';
import { sampleExam } from '../dist/synthesize/sample-exam.js';
import { seededRandom } from '../dist/volume/random.js';

const data =
  process.argv[2] ?? fileURLToPath(new URL('../../shared/data/synthesis', import.meta.url));
const cache = mkdtempSync(join(tmpdir(), 'dawson-bench-'));

async function timed(name, work, count = 1) {
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  console.log(`${name.padEnd(40)} ${((user + system) / 1000 / count).toFixed(0).padStart(7)} ms`);
  return result;
}

try {
  const [file] = await listHeads(data);
  await timed('prepare a head', () => prepareHead(file, cache));
  const head = await timed('read a prepared head', () => prepareHead(file, cache));
  const library = await timed('read all lesions', () => readLesionLibrary(data));
  const patches = (count, random, side) => {
    for (let n = 0; n < count; n++) {
      const parameters = samplePatch(random, head, library, side);
      renderPatch(parameters, head, library, [side, side, side]);
    }
  };
  patches(20, seededRandom(1), 64);
  await timed('a patch of 64 x 64 x 64', () => patches(40, seededRandom(2), 64), 40);
  await timed('a patch of 96 x 96 x 96', () => patches(40, seededRandom(2), 96), 40);
  const random = seededRandom(3);
  const exams = [0, 1, 2].map(() => sampleExam(random, head, library));
  await timed(
    'a whole exam (mean of 3)',
    () => {
      for (const exam of exams) renderExam(exam, head, library);
    },
    exams.length,
  );
} finally {
  rmSync(cache, { recursive: true });
}
