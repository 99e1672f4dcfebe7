import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { writingFailure } from '../formats/write-whole.js';

/**
 * Where what lies in the folder of a gateway's state. Names are hashes: no identifier of a study,
 * an image or a patient is part of a path.
 */
export function statePaths(state: string) {
  const job = (id: string) => join(state, 'jobs', id);
  return {
    queue: join(state, 'queue.sqlite'),
    audit: join(state, 'audit.jsonl'),
    control: join(state, 'control.sock'),
    /** Files that are still arriving. */
    arriving: join(state, 'arriving'),
    studies: join(state, 'studies'),
    /** All images of a study that came, each under the hash of its identifier. */
    study: (key: string) => join(state, 'studies', key),
    jobs: join(state, 'jobs'),
    job,
    /** The images of one version of a study: links to what the study's folder held. */
    input: (id: string) => join(job(id), 'input'),
    result: (id: string) => join(job(id), 'result'),
    objects: (id: string) => join(job(id), 'objects'),
    /** What a worker on another machine is to do with a job, and the site's rules for it. */
    order: (id: string) => join(job(id), 'order.json'),
    rules: (id: string) => join(job(id), 'rules.json'),
    /** The name of the queue of these jobs, where several machines work on it. */
    queueName: join(state, 'jobs', 'queue'),
  };
}

export type StatePaths = ReturnType<typeof statePaths>;

/**
 * Makes the folders, readable by nobody else.
 * @throws DawsonError `output-failed`.
 */
export async function openStateFolder(state: string): Promise<StatePaths> {
  const paths = statePaths(state);
  try {
    for (const folder of [state, paths.arriving, paths.studies, paths.jobs]) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
    }
  } catch (error) {
    throw writingFailure(error, state);
  }
  return paths;
}

/** Removes what was arriving, or being made, when the last process ended. */
export async function clearUnfinished({ arriving, jobs }: StatePaths): Promise<void> {
  for (const name of await readdir(arriving)) await rm(join(arriving, name), { force: true });
  for (const name of await readdir(jobs)) {
    if (name.startsWith(stagingPrefix)) {
      await rm(join(jobs, name), { recursive: true, force: true });
    }
  }
}

/** Beginning of the names of folders in which images are gathered before their job is known, or go. */
export const stagingPrefix = 'new-';

/** A name of 32 digits for an identifier, from which the identifier cannot be told. */
export const keyOf = (kind: 'study' | 'instance', uid: string): string =>
  createHash('sha256').update(`${kind} ${uid}`).digest('hex').slice(0, 32);

/** Free space of the disk that holds a folder, in GiB. */
export async function freeGiB(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return (bavail * bsize) / 2 ** 30;
}
