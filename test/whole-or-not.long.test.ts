// Results appear whole or not at all: `npm run test:long -- whole-or-not`. DAWSON_KILLS is the number of kills of
// each command, of which every other one hits it while it writes; 20 where nothing is said.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, join, relative } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../src/volume/random.js';
import { dawson } from './support/dawson.js';
import { at, makeInputs, runs } from './support/every-command.js';

const kills = Number(process.env.DAWSON_KILLS ?? 20);
const program = fileURLToPath(new URL('../bin/dawson.js', import.meta.url));

/** Options that name what is written; `--transform` is an input of apply-transform. */
const isOutput = (args: readonly string[], place: number): boolean =>
  (['--out', '--anatomy', '--html', '--preview'].includes(args[place - 1]) &&
    !args[place].startsWith('--')) ||
  (args[0] === 'register' && args[place - 1] === '--transform') ||
  (args[0] === 'gateway' && args[1] === 'init' && place === 2);

/** What goes on in a folder of earlier runs, or writes nothing, or is the whole program once more. */
const isLeftOut = (args: readonly string[]): boolean =>
  ['train', 'job', 'gateway'].includes(args[0]) && args[1] !== 'init'
    ? true
    : args.includes('--dry-run') || args.includes('--quiet') || args[1] === 'check';

const commands = runs.filter(
  (args) => !isLeftOut(args) && args.some((_, place) => isOutput(args, place)),
);

/** Work of many cases: what is done of it stays, though the whole is not. */
const growsIn = (args: readonly string[]) => ['batch', 'experiment', 'predict'].includes(args[0]);

const nameOf = (args: readonly string[]) =>
  args.slice(0, 2).join(' ').replace(at(), '').slice(0, 40);

/** The command with its outputs in another folder. */
const into = (folder: string, args: readonly string[]): string[] =>
  args.map((part, place) => (isOutput(args, place) ? join(folder, basename(part)) : part));

/** Hashes of all files below a folder, by their paths. */
function filesIn(folder: string): Map<string, string> {
  const names = existsSync(folder) ? (readdirSync(folder, { recursive: true }) as string[]) : [];
  return new Map(
    names
      .filter((name) => statSync(join(folder, name)).isFile())
      .map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex'),
      ]),
  );
}

/** What a command writes, and which of it is the same each time; and how long it takes. */
interface Usual {
  readonly names: readonly string[];
  readonly stable: ReadonlyMap<string, string>;
  readonly ms: number;
}

async function usualOf(args: readonly string[], folder: string): Promise<Usual> {
  const found: Map<string, string>[] = [];
  let ms = 0;
  for (const time of ['once', 'twice']) {
    mkdirSync(join(folder, time), { recursive: true });
    const startMs = performance.now();
    const { exitCode, stderr } = await dawson(into(join(folder, time), args));
    ms = performance.now() - startMs;
    expect([exitCode, stderr]).toEqual([0, expect.anything()]);
    found.push(filesIn(join(folder, time)));
  }
  const [first, second] = found;
  return {
    names: [...first.keys()].sort(),
    stable: new Map([...first].filter(([name, hash]) => second.get(name) === hash)),
    ms,
  };
}

/** Ends a command by SIGKILL after a time, or that long after it begins to write. */
async function killed(args: string[], folder: string, afterMs: number, inWrite: boolean) {
  const child = spawn(process.execPath, [program, ...args], { stdio: 'ignore' });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  if (inWrite) while (!isOver && readdirSync(folder).length === 0) await wait(1);
  await Promise.race([wait(afterMs), ended]);
  child.kill('SIGKILL');
  return ended;
}

/** What lies under the final names is all there and as always; other names are what a kill left behind. */
function expectWhole(args: readonly string[], folder: string, { names, stable }: Usual): void {
  const found = filesIn(folder);
  for (const output of into(folder, args).filter((_, place) => isOutput(args, place))) {
    const top = relative(folder, output);
    const isOwn = (name: string) => name === top || name.startsWith(`${top}/`);
    const present = [...found.keys()].filter(isOwn).sort();
    if (present.length === 0) continue;
    expect([nameOf(args), present]).toEqual([nameOf(args), names.filter(isOwn)]);
    for (const name of present) {
      if (stable.has(name)) expect([name, found.get(name)]).toEqual([name, stable.get(name)]);
    }
  }
}

beforeAll(async () => {
  await makeInputs();
  // These write what others read.
  for (const args of runs) {
    const isRead =
      args.includes('--previous-dicom') ||
      ['dataset', 'plan'].includes(args[0]) ||
      (args[0] === 'model' && args[1] === 'import') ||
      args.includes(at('low-labels'));
    if (isRead) expect((await dawson([...args])).exitCode).toBe(0);
  }
});

describe(`a command that is killed ${kills} times`, () => {
  it.each(commands.map((args) => [nameOf(args), args] as const))(
    'leaves nothing torn: %s',
    async (name, args) => {
      const random = seededRandom(name.length);
      const usual = await usualOf(args, at('killed', name));
      let inWrites = 0;
      for (let kill = 0; kill < kills; kill++) {
        const folder = at('killed', name, `${kill}`);
        mkdirSync(folder);
        const inWrite = kill % 2 === 1;
        const afterMs = random.uniform() * (inWrite ? Math.min(60, usual.ms / 4) : usual.ms);
        const exitCode = await killed(into(folder, args), folder, afterMs, inWrite);
        if (inWrite && exitCode === null) inWrites++;
        if (!growsIn(args)) expectWhole(args, folder, usual);
        if (kill % 10 === 9 || growsIn(args)) {
          expect((await dawson(into(folder, args))).exitCode).toBe(0);
          expectWhole(args, folder, usual);
        }
        rmSync(folder, { recursive: true });
      }
      console.log(
        `${name}: ${kills} kills, ${inWrites} of them while it wrote, ${usual.ms.toFixed(0)} ms alone`,
      );
    },
  );

  it('goes on training from there, to the same weights', async () => {
    const plan = runs.find(([command]) => command === 'plan')!;
    const args = (folder: string) => [
      ...['train', at('dataset'), '--out', folder, '--threads', '1', '--fold', 'all'],
      ...['--epochs', '3', '--steps', '2'],
    ];
    const weights = (folder: string) =>
      filesIn(join(folder, 'model_all')).get('fold_0.safetensors');
    for (const name of ['whole', 'stopped']) {
      cpSync(join(plan.at(-1)!, 'plans.json'), at('trainings', name, 'plans.json'));
    }
    const startMs = performance.now();
    expect((await dawson(args(at('trainings', 'whole')))).exitCode).toBe(0);
    const ms = performance.now() - startMs;
    const random = seededRandom(5);
    const stopped = at('trainings', 'stopped');
    for (let kill = 0; kill < kills; kill++) {
      if (weights(stopped) !== undefined) {
        expect(weights(stopped)).toBe(weights(at('trainings', 'whole')));
        rmSync(stopped, { recursive: true });
        cpSync(join(plan.at(-1)!, 'plans.json'), join(stopped, 'plans.json'));
      }
      await killed([...args(stopped), '--resume'], stopped, random.uniform() * ms, false);
    }
    expect((await dawson([...args(stopped), '--resume'])).exitCode).toBe(0);
    expect(weights(stopped)).toBe(weights(at('trainings', 'whole')));
  });
});

const noDisks =
  spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0
    ? undefined
    : 'no small disk can be made (unshare -rm, mount)';
if (noDisks) console.warn(`skipped: ${noDisks}`);

describe.skipIf(noDisks)('a disk that is too small', () => {
  const onDisk =
    'mount -t tmpfs -o size="$1" none "$2" && shift && disk=$1 && shift && "$@"; code=$?; find "$disk" -type f; exit $code';

  it.each(commands.map((args) => [nameOf(args), args] as const))(
    'is told, and holds nothing torn: %s',
    async (name, args) => {
      const disk = at('disk');
      mkdirSync(disk, { recursive: true });
      const exits: string[] = [];
      for (const size of ['4k', '64k', '512k', '2m', '20m']) {
        const command = [process.execPath, program, ...into(disk, args)];
        const { status, stdout, stderr } = spawnSync(
          'unshare',
          ['-rm', 'sh', '-c', onDisk, 'sh', size, disk, ...command],
          { encoding: 'utf8', maxBuffer: 2 ** 26 },
        );
        exits.push(`${size} ${status}`);
        expect([name, size, stderr]).toEqual([name, size, expect.not.stringContaining('defect')]);
        const left = stdout.split('\n').filter((line) => line.startsWith(`${disk}/`));
        if (status !== 0) {
          expect([name, size, status]).toEqual([name, size, 5]);
          if (!growsIn(args)) expect([name, size, left]).toEqual([name, size, []]);
        }
      }
      console.log(`${name}: exit codes ${exits.join(', ')}`);
    },
  );
});
