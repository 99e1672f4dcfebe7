import { DawsonError } from '../errors.js';
import { writeWhole } from '../formats/index.js';
import { jsonBytes } from '../formats/json.js';
import { readJson } from '../formats/read-json.js';
import type { Job, JobRecord } from './job.js';
import { Ledger } from './ledger.js';
import { localEngine } from './local-engine.js';
import { runJob } from './run-jobs.js';

/** Jobs in a file, for the machines of a cluster, and where their records go. */
export interface QueuedJobs {
  readonly jobs: readonly Job[];
  /** The folder of the ledger. */
  readonly records: string;
}

/** The commands that larger work is made of: a file can ask for no other. */
const understood: ReadonlySet<string> = new Set(['segment', 'track', 'plan', 'train']);

const schema = { schema: 'dawson-queued-jobs', schemaVersion: 1 } as const;

export const writeQueuedJobs = (file: string, queued: QueuedJobs): Promise<void> =>
  writeWhole(file, jsonBytes({ ...schema, ...queued }));

/**
 * Jobs as {@link writeQueuedJobs} wrote them.
 * @throws DawsonError `file-corrupt` for anything else.
 */
export async function readQueuedJobs(file: string): Promise<QueuedJobs> {
  const read = (await readJson(file)) as Partial<QueuedJobs & typeof schema> | null;
  const { jobs, records } = read ?? {};
  const isWhole =
    read?.schema === schema.schema &&
    read.schemaVersion === schema.schemaVersion &&
    typeof records === 'string' &&
    Array.isArray(jobs) &&
    jobs.every(isJob);
  if (!isWhole) throw corrupt(file, 'jobs that Dawson wrote', 'something else');
  return { jobs, records };
}

const areTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((part) => typeof part === 'string');

/** Ids are names of files in the ledger. */
const isId = (value: unknown): boolean => typeof value === 'string' && /^[\w-]{1,200}$/.test(value);

function isJob(value: unknown): value is Job {
  const { id, command, reads, writes, memoryBytes, ...other } = (value ?? {}) as Partial<Job>;
  const { means = [], keeps = [], after = [], isThreaded = false } = other;
  return (
    [id, ...(areTexts(after) ? after : [undefined])].every(isId) &&
    areTexts(command) &&
    understood.has(command[0]) &&
    [reads, means, keeps].every(areTexts) &&
    typeof writes === 'string' &&
    typeof isThreaded === 'boolean' &&
    Number.isFinite(memoryBytes)
  );
}

const corrupt = (file: string, expected: string, found: string) =>
  new DawsonError('file-corrupt', { file, expected, found });

/**
 * Runs one of the jobs in a file, as a child of this process, and writes its record; nothing where it is done
 * already or where one before it failed or has no record.
 * @throws DawsonError `file-corrupt` for a file without such a job, `output-failed`.
 */
export async function runQueuedJob(
  file: string,
  at: number,
  threads: number,
  signal?: AbortSignal,
): Promise<void> {
  const { jobs, records } = await readQueuedJobs(file);
  const job = jobs[at];
  if (job === undefined) throw corrupt(file, `a job numbered ${at}`, `${jobs.length} jobs`);
  const ledger = new Ledger(records);
  const before = new Map<string, JobRecord>();
  for (const id of job.after ?? []) {
    const record = await ledger.read(id);
    if (record?.state !== 'done') return;
    before.set(id, record);
  }
  const { record } = await runJob(job, before, { engine: localEngine, ledger, threads, signal });
  // What cannot be named, as a file is missing, has no key and no record; here nobody else would tell of it.
  if (record.key === '') await ledger.write(record);
}
