import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, writeWhole } from '../formats/index.js';
import { jsonBytes } from '../formats/json.js';
import { readJsonIfThere } from '../formats/read-json.js';
import { contentHash } from './content-hash.js';
import type { Job, JobRecord } from './job.js';

/** What became of each job: a small file each, in one folder, which appears whole or not at all. */
export class Ledger {
  constructor(readonly folder: string) {}

  /** The record of a job; none where it never ended, or where its record is damaged. */
  async read(id: string): Promise<JobRecord | undefined> {
    const value = await readJsonIfThere(this.#file(id)).catch(() => undefined);
    const record = value as JobRecord | undefined;
    return record?.schema === 'dawson-job' && record.id === id ? record : undefined;
  }

  async write(record: JobRecord): Promise<void> {
    await makeFolder(this.folder);
    await writeWhole(this.#file(record.id), jsonBytes(record));
  }

  /** Ids of all jobs that have a record. */
  async ids(): Promise<string[]> {
    const names = await readdir(this.folder).catch(() => []);
    return names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -5));
  }

  /** Forgets a job. */
  remove(id: string): Promise<void> {
    return rm(this.#file(id), { force: true });
  }

  #file(id: string): string {
    return join(this.folder, `${id}.json`);
  }
}

/** Failures that the same command meets again with the same input. */
const lasting =
  /^(usage|.*-not-found|not-an-image|file-.*|bad-.*|unsupported-image|not-a-mask|inputs-conflict|wrong-sequence|registration-failed|segmentation-failed)$/;

/**
 * Whether a record says all that running the job would: what it wrote is still there, unchanged, or
 * it would fail in the same way.
 */
export async function stillHolds(
  record: JobRecord | undefined,
  job: Job,
  key: string,
): Promise<boolean> {
  if (record === undefined || record.key !== key) return false;
  // What a job keeps for itself is not in its key: somebody may have put it right.
  if (record.state === 'failed')
    return !job.keeps?.length && lasting.test(record.failure?.code ?? '');
  return (await contentHash(job.writes).catch(() => undefined)) === record.result;
}
