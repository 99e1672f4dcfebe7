// Reads mutants of valid files with the readers of dist/, in a process that may die of it:
//   node hostile-reader.mjs JOBS.json
// JOBS: { seed, from, to, inputs: [{ folder, reader, file }] }. Each number from `from` to `to` is a mutant
// of one of the inputs: a folder, of which `file` is mutated. Prints a JSON line before each mutant, and one
// after it: how it ended, processor time, memory.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { seededRandom } from '../../dist/volume/random.js';
import { readers } from './hostile-readers.mjs';
import { mutantOf } from './mutants.mjs';

const { seed, from, to, inputs } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const top = mkdtempSync(join(tmpdir(), 'dawson-hostile-'));
const started = process.memoryUsage().rss;

/** What a reader makes of an input with these bytes in the place of its file. */
async function outcomeOf({ folder, reader, file }, bytes) {
  // A name of its own: some readers remember a file by its name.
  const work = mkdtempSync(join(top, 'input-'));
  cpSync(folder, work, { recursive: true });
  writeFileSync(join(work, file), bytes);
  try {
    return { how: 'read', value: await readers[reader](join(work, file), work) };
  } catch (error) {
    if (error?.name === 'DawsonError' && error.code !== 'internal') {
      return { how: 'refused', code: error.code, isLong: error.message.length > 30_000 };
    }
    return { how: 'defect', text: String(error?.stack ?? error).slice(0, 600) };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const whole = [];
for (const input of inputs) {
  const bytes = readFileSync(join(input.folder, input.file));
  const outcome = await outcomeOf(input, bytes);
  if (outcome.how !== 'read') throw new Error(`${input.reader}: ${JSON.stringify(outcome)}`);
  whole.push({ ...input, bytes, value: outcome.value });
}
for (let number = from; number < to; number++) {
  const input = whole[number % whole.length];
  const { bytes, what } = mutantOf(input.bytes, seededRandom((seed * 1_000_003 + number) >>> 0));
  const about = { number, reader: input.reader, file: input.file, what };
  say({ ...about, begins: true });
  const before = process.cpuUsage();
  const { value, ...outcome } = await outcomeOf(input, bytes);
  const { user, system } = process.cpuUsage(before);
  say({
    ...about,
    ...outcome,
    ...(outcome.how === 'read' && { same: isDeepStrictEqual(value, input.value) }),
    seconds: (user + system) / 1e6,
    extraBytes: 1024 * process.resourceUsage().maxRSS - started,
  });
}
rmSync(top, { recursive: true, force: true });
