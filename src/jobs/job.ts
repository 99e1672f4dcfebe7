import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { version } from '../version.js';
import { contentHash } from './content-hash.js';

/**
 * One command of Dawson's: everything larger is many of them. It is idempotent, and named by the
 * hash of what it reads and of its settings.
 */
export interface Job {
  /** A name of letters, digits, - and _, as that of a file. */
  readonly id: string;
  /** The arguments of the command, without the name of the program. */
  readonly command: readonly string[];
  /** Further arguments that change how it is run and not what comes of it. */
  readonly means?: readonly string[];
  /** Whether it understands `--threads`, which changes at most the last digits of what comes of it. */
  readonly isThreaded?: boolean;
  /** Files and folders among the arguments whose content counts, not their place. */
  readonly reads: readonly string[];
  /** The folder that it writes, or the file. */
  readonly writes: string;
  /** Further folders among the arguments in which it works, whose place does not count either. */
  readonly keeps?: readonly string[];
  /** Ids of jobs that come first, as it reads what they write. */
  readonly after?: readonly string[];
  /** What it takes at most. */
  readonly memoryBytes: number;
}

/** How a job ended. */
export interface JobRecord {
  readonly schema: 'dawson-job';
  readonly schemaVersion: 1;
  readonly id: string;
  /** Hash of the command, its version and what it read: another one is another job. */
  readonly key: string;
  readonly state: 'done' | 'failed';
  /** Hash of what it wrote, of a done one. */
  readonly result?: string;
  /** Why it failed: the kind of failure, a row of the table of errors, and a sentence without paths. */
  readonly failure?: JobFailure;
  readonly seconds: number;
}

export interface JobFailure {
  readonly code: string;
  readonly reason: string;
}

/** The arguments with which a job is run. */
export const argumentsOf = (
  { command, means = [], isThreaded = false }: Job,
  threads: number,
): string[] => [...command, ...means, ...(isThreaded ? ['--threads', String(threads)] : [])];

/** The networks that come with Dawson, by which commands differ that read nothing else. */
const ownModels = fileURLToPath(new URL('../../models', import.meta.url));

/**
 * Name of what a job does: a hash of the version with its networks, of the arguments, and of the
 * content of what it reads. Paths do not count, so that a moved data set is the same one.
 * @throws DawsonError `file-not-found` for what it reads.
 */
export async function keyOf({ command, reads, writes, keeps = [] }: Job): Promise<string> {
  const places = new Map([
    ...keeps.map((path) => [path, '<work>'] as const),
    ...reads.map((path, at) => [path, `<${at}>`] as const),
    [writes, '<>'],
  ]);
  const hash = createHash('sha256');
  hash.update(await contentHash(ownModels));
  hash.update(JSON.stringify([version, command.map((part) => places.get(part) ?? part)]));
  for (const path of reads) hash.update(await contentHash(path));
  return hash.digest('hex');
}
