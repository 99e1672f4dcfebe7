// What many exams in one process leave in memory: `npm run bench -- many-exams [NUMBER] [FLAIR]`, by default
// 20 times the exam of the demo. Prints the resident memory after each, garbage collected.
//
// With glibc's allocator each of the many threads that come and go has its own arena, which keeps what was freed,
// while what JavaScript holds stays the same (11 MiB of heap, 18 outside of it). 58 times the demo's FLAIR (two
// threads, no telemetry): 465 MiB after the first, 572 in the mean of the first ten, 606 of the next forty, 635 of the
// last eight, never more than 790. Before the telemetry of ONNX Runtime was switched off, another exam had 506 MiB after
// the first, 915 after ten and 1292 after 33; with MALLOC_ARENA_MAX=2 in the environment 357, 413 and 458.
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { analyze } from '../dist/analyze.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
const demo = fileURLToPath(new URL('../demo/exam/flair.nii.gz', import.meta.url));
const [number = '20', flair = demo] = process.argv.slice(2);
for (let exam = 1; exam <= Number(number); exam++) {
  const { findings } = await analyze({ flair });
  collect();
  const resident = process.memoryUsage().rss / 2 ** 20;
  console.log(`exam ${exam}: ${findings.lesionCount} lesions, ${resident.toFixed(0)} MiB resident`);
}
