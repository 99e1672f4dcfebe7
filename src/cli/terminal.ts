import { freemem } from 'node:os';
import { type Command, Option } from 'commander';
import { DawsonError } from '../errors.js';
import { jsonText } from '../formats/json.js';
import type { Stage } from '../stage.js';

/** How a command speaks to the person who runs it. */
export interface OutputOptions {
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** Adds the options that every command has. */
export function withOutputOptions(command: Command): Command {
  return command
    .addOption(new Option('--quiet', 'print nothing but errors'))
    .addOption(new Option('--json', 'print the result as one JSON object, and no progress'));
}

/**
 * Stages on standard error: on a terminal a live line for those under way, elsewhere a plain line
 * for each one that ends. Several stages may be under way at once.
 */
export function stagesOnTerminal({ quiet, json }: OutputOptions, stream = process.stderr): Stage {
  if (quiet || json) return (_name, work) => work(() => {});
  const live = stream.isTTY === true;
  const startedMs = new Map<string, number>();
  const progress = new Map<string, { readonly done: number; readonly all: number }>();
  const seconds = (name: string) => ((performance.now() - startedMs.get(name)!) / 1000).toFixed(1);
  const left = (name: string) => {
    const { done = 0, all = 0 } = progress.get(name) ?? {};
    if (done === 0) return '';
    const secondsLeft = (Number(seconds(name)) * (all - done)) / done;
    return `, ${done} of ${all}, ${secondsLeft.toFixed(0)} s left`;
  };
  const clear = () => live && stream.write('\r\u001b[2K');
  const redraw = () => {
    clear();
    const running = [...startedMs.keys()].map((name) => `${name} ${seconds(name)} s${left(name)}`);
    if (live && running.length > 0) {
      stream.write(`  … ${running.join('; ')}`.slice(0, (stream.columns ?? 80) - 1));
    }
  };
  return async (name, work) => {
    startedMs.set(name, performance.now());
    redraw();
    const timer = live ? setInterval(redraw, 200) : undefined;
    try {
      const result = await work((done, all) => progress.set(name, { done, all }));
      clear();
      stream.write(`  ✓ ${name} (${seconds(name)} s)\n`);
      return result;
    } finally {
      clearInterval(timer);
      startedMs.delete(name);
      progress.delete(name);
      redraw();
    }
  };
}

/** Prints a result: as JSON, as lines for people, or (quiet) not at all. */
export function printResult({ quiet, json }: OutputOptions, result: object, lines: string[]): void {
  if (json) process.stdout.write(jsonText(result));
  else if (!quiet) process.stdout.write(printable(`${lines.join('\n')}\n`));
}

/** Notes about a file, each with its name. */
export const naming = (file: string, notes: readonly string[]): string[] =>
  notes.map((note) => `${file}: ${note}`);

/** Notes as lines of a result. */
export const noteLines = (notes: readonly (string | { readonly text: string })[]): string[] =>
  notes.map((note) => `Note: ${typeof note === 'string' ? note : note.text}`);

/** Texts from files must not steer the terminal. */
const printable = (text: string) => text.replace(/[^\P{Cc}\n\t]/gu, '\ufffd');

/** A signal that aborts when the user presses Ctrl-C or the process is asked to end. */
export function abortOnInterrupt(): { signal: AbortSignal; dispose: () => void } {
  const controller = new AbortController();
  const interrupt = () =>
    controller.abort(
      new DawsonError('interrupted', { expected: 'to run to the end', found: 'a request to stop' }),
    );
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  return {
    signal: controller.signal,
    dispose: () => process.off('SIGINT', interrupt).off('SIGTERM', interrupt),
  };
}

/** What Node.js says where the memory for an array of numbers cannot be had. */
const noMemory = /^(Array buffer allocation failed|Invalid (typed )?array (buffer )?length)/;

/** A machine at its limits is no defect of the program. */
function unforeseen(error: unknown): DawsonError {
  const { code, message, stack } = (error ?? {}) as NodeJS.ErrnoException;
  if (code === 'EMFILE' || code === 'ENFILE') {
    return new DawsonError('missing-on-machine', {
      expected: 'at least 256 files that may be open at once',
      found: 'fewer',
      advice: 'Allow more (ulimit -n), and run the command again.',
    });
  }
  if (
    code === 'ENOMEM' ||
    code === 'ERR_MEMORY_ALLOCATION_FAILED' ||
    noMemory.test(message ?? '')
  ) {
    const free = (freemem() / 2 ** 30).toFixed(1);
    return new DawsonError('out-of-memory', {
      expected:
        'about 3 GiB of memory for an exam, and as much again for a large one or a training',
      found: `${message} (${free} GiB are free)`,
    });
  }
  return new DawsonError('internal', {
    expected: 'every failure to be foreseen',
    found: error instanceof Error ? (stack ?? message) : String(error),
  });
}

/** Says what went wrong on standard error, and returns the exit code for it. */
export function reportFailure(error: unknown, json: boolean): number {
  const failure = error instanceof DawsonError ? error : unforeseen(error);
  if (json) {
    const { code, title, details, advice } = failure;
    process.stderr.write(`${JSON.stringify({ error: { code, title, ...details, advice } })}\n`);
  } else {
    process.stderr.write(
      printable(`${failure.title}.\n  ${failure.message}\n  ${failure.advice}\n`),
    );
  }
  return failure.exitCode;
}
