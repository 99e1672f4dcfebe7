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
 * Runs one of the jobs in a file, as a child of this process, and writes its record; nothing where it is done
 * already or where one before it failed or has no record.
 * @throws DawsonError `file-corrupt` for a file that {@link writeQueuedJobs} did not write, `output-failed`.
 */
export async function runQueuedJob(
  file: string,
  at: number,
  threads: number,
  signal?: AbortSignal,
): Promise<void> {
  const read = (await readJson(file)) as (QueuedJobs & typeof schema) | null;
  const job = read?.schema === schema.schema ? read.jobs[at] : undefined;
  if (job === undefined || !understood.has(job.command[0])) {
    throw new DawsonError('file-corrupt', {
      file,
      expected: `jobs that Dawson wrote, and one numbered ${at}`,
      found: 'something else',
    });
  }
  const ledger = new Ledger(read!.records);
  const before = new Map<string, JobRecord>();
  for (const id of job.after ?? []) {
    const record = await ledger.read(id);
    if (record?.state !== 'done') return;
    before.set(id, record);
  }
  await runJob(job, before, { engine: localEngine, ledger, threads, signal });
}
