import { DawsonError } from '../errors.js';
import { contentHash } from './content-hash.js';
import type { JobRun } from './engine.js';
import { argumentsOf, type Job, type JobFailure, type JobRecord, keyOf } from './job.js';
import { Ledger, stillHolds } from './ledger.js';
import { localEngine } from './local-engine.js';
import { examMemoryBytes, memoryForJobs, slotsFor, threadsEach } from './resources.js';

/**
 * A run whose records lie in a folder; on this machine, with as many commands at a time as it can take, where
 * nobody says otherwise.
 */
export const jobRunIn = (
  workFolder: string,
  {
    engine = localEngine,
    slots = slotsFor(examMemoryBytes),
    threads = threadsEach(slots),
  }: Partial<JobRun>,
  signal?: AbortSignal,
): JobRun => ({
  engine,
  ledger: new Ledger(workFolder),
  slots,
  threads,
  memoryBytes: memoryForJobs(),
  signal,
});

/**
 * Runs jobs, each after those that it reads from, until none is left that can run. What is done
 * already, by its record and the hash of what it reads, is not done again; what fails stops only
 * the jobs after it. Safe to stop and to start again at any moment.
 * @returns the record of every job by its id.
 * @throws the signal's reason; `output-failed` where records cannot be written.
 */
export async function runJobs(
  jobs: readonly Job[],
  run: JobRun,
): Promise<ReadonlyMap<string, JobRecord>> {
  if (run.engine.runAll) return run.engine.runAll(jobs, run);
  const records = new Map<string, JobRecord>();
  const waiting = new Set(jobs);
  const underWay = new Map<Job, Promise<unknown>>();
  let broken: unknown;
  const begin = (job: Job) => {
    waiting.delete(job);
    const work = runJob(job, records, run)
      .then(({ record, known }) => {
        records.set(job.id, record);
        run.onEnd?.(job, record, known);
      })
      .catch((error) => {
        broken ??= error;
      })
      .finally(() => underWay.delete(job));
    underWay.set(job, work);
  };
  while (broken === undefined) {
    const ready = [...waiting].filter(({ after = [] }) => after.every((id) => records.has(id)));
    for (const job of ready) if (fits(job, [...underWay.keys()], run)) begin(job);
    if (underWay.size === 0) break;
    await Promise.race(underWay.values());
  }
  await Promise.all(underWay.values());
  if (broken !== undefined) throw broken;
  return records;
}

function fits({ memoryBytes }: Job, underWay: readonly Job[], run: JobRun): boolean {
  if (underWay.length === 0) return true;
  const taken = underWay.reduce((sum, job) => sum + job.memoryBytes, 0);
  return underWay.length < run.slots && taken + memoryBytes <= run.memoryBytes;
}

/**
 * Runs one job, unless what it does is done.
 * @param records of the jobs that come before it
 * @returns its record, and whether that was there before
 */
export async function runJob(
  job: Job,
  records: ReadonlyMap<string, JobRecord>,
  { engine, ledger, threads, signal }: Pick<JobRun, 'engine' | 'ledger' | 'threads' | 'signal'>,
): Promise<{ record: JobRecord; known: boolean }> {
  signal?.throwIfAborted();
  const needed = (job.after ?? []).find((id) => records.get(id)!.state === 'failed');
  if (needed !== undefined) return { record: recordOfNeeding(job, needed), known: true };
  let key: string;
  try {
    key = await keyOf(job);
  } catch (error) {
    return { record: recordOf(job, '', 0, failureOf(error)), known: false };
  }
  const earlier = await ledger.read(job.id);
  if (await stillHolds(earlier, job, key)) return { record: earlier!, known: true };
  signal?.throwIfAborted();
  const startMs = performance.now();
  const failure = await engine.run(argumentsOf(job, threads), signal);
  const seconds = Math.round((performance.now() - startMs) / 100) / 10;
  const record = {
    ...recordOf(job, key, seconds, failure),
    ...(failure === undefined && { result: await contentHash(job.writes) }),
  };
  await ledger.write(record);
  return { record, known: false };
}

/** The record of a job that cannot run, as one before it failed. */
export const recordOfNeeding = (job: Job, needed: string): JobRecord =>
  recordOf(job, '', 0, { code: 'needs', reason: `It needs ${needed}, which failed.` });

/** What the ledger says of a job that would not be run again; nothing where it would. */
export async function knownRecord(job: Job, ledger: Ledger): Promise<JobRecord | undefined> {
  const record = await ledger.read(job.id);
  const key = await keyOf(job).catch(() => undefined);
  return key !== undefined && (await stillHolds(record, job, key)) ? record : undefined;
}

export const recordOf = (
  { id }: Job,
  key: string,
  seconds: number,
  failure: JobFailure | undefined,
): JobRecord => ({
  schema: 'dawson-job',
  schemaVersion: 1,
  id,
  key,
  state: failure === undefined ? 'done' : 'failed',
  ...(failure && { failure }),
  seconds,
});

/** A failure as data. @throws what is none of Dawson's own. */
function failureOf(error: unknown): JobFailure {
  if (!(error instanceof DawsonError)) throw error;
  const { code, title, details } = error;
  return { code, reason: `${title}: expected ${details.expected}; found ${details.found}.` };
}
