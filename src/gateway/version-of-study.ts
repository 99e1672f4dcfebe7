import { createHash } from 'node:crypto';
import { link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readSiteRules } from '../dicom/index.js';
import { version as dawsonVersion } from '../version.js';
import type { JobsConfig } from './config.js';
import type { JobRow, Queue } from './queue.js';
import { type StatePaths, stagingPrefix } from './state-folder.js';

/**
 * Makes a job of what a study holds now: its images are linked into the folder of the job, so that
 * what comes later does not change them. A job is known by the hash of its images and of all else
 * that its result follows from, so that the same images again, from whomever, are no second job; with
 * other settings, or of another version of Dawson, they are one where they were sent again.
 * @param made is called, before anybody can begin it, with the new job, or with that of an exam that was
 *   only fetched until now; not where the study holds what a version of it had already.
 * @throws DawsonError of rules that cannot be read: no exam is judged by such.
 */
export async function versionOfStudy(
  { study, isSent }: { readonly study: string; readonly isSent: boolean },
  paths: StatePaths,
  queue: Queue,
  jobs: JobsConfig,
  made: (job: JobRow) => void,
): Promise<void> {
  const newest = queue.newestJob(study);
  const isOwed = (job: JobRow | undefined) =>
    job?.onlyCompared === 1 &&
    ['done', 'refused', 'failed'].includes(job.state) &&
    queue.study(study)?.fetched === 0;
  if (
    newest &&
    !isOwed(newest) &&
    (await haveSameFiles(paths.study(study), paths.input(newest.id)))
  )
    return;
  const staging = join(paths.jobs, `${stagingPrefix}${study}`);
  try {
    const names = await linkAll(paths.study(study), staging);
    if (names.length === 0) return;
    const hashes: string[] = [];
    for (const name of names) hashes.push(await hashOfDataSet(join(staging, name)));
    const inputs = hashOf(names.map((name, at) => `${name} ${hashes[at]}`));
    const id = await jobIdOf(study, inputs, jobs);
    const known = queue.job(id);
    if (isOwed(known)) {
      await rm(paths.input(id), { recursive: true, force: true });
      await mkdir(paths.job(id), { recursive: true, mode: 0o700 });
      await rename(staging, paths.input(id));
      queue.begunAgain(id);
      return made(queue.job(id)!);
    }
    if ((newest?.inputs === inputs && !isSent) || known) return;
    await rm(paths.job(id), { recursive: true, force: true });
    await mkdir(paths.job(id), { mode: 0o700 });
    await rename(staging, paths.input(id));
    const version = (newest?.version ?? 0) + 1;
    queue.addJob({ id, study, inputs, version, instances: names.length });
    made(queue.job(id)!);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** Settings that change a result are part of what a job is, the rules of the site by what they say; limits are not. */
async function jobIdOf(
  study: string,
  inputs: string,
  { rules: file, language, paper }: JobsConfig,
): Promise<string> {
  const rules = file === undefined ? undefined : await readSiteRules(file);
  return hashOf([study, inputs, dawsonVersion, JSON.stringify({ rules, language, paper })]);
}

const hashOf = (texts: readonly string[]) =>
  createHash('sha256').update(texts.join('\n')).digest('hex').slice(0, 32);

/** Whether two folders hold links to the same files: then nothing needs to be read. */
async function haveSameFiles(one: string, other: string): Promise<boolean> {
  const files = async (folder: string) => {
    const names = await readdir(folder).catch(() => []);
    const stats = await Promise.all(
      names.map((name) => stat(join(folder, name), { bigint: true })),
    );
    return stats.map(({ ino }) => ino).sort();
  };
  const [first, second] = [await files(one), await files(other)];
  return first.length === second.length && first.every((inode, at) => inode === second[at]);
}

/** Links the files of a folder into another one, where what replaces them does not reach them. */
async function linkAll(folder: string, staging: string): Promise<string[]> {
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { mode: 0o700 });
  const names = (await readdir(folder)).sort();
  for (const name of names) await link(join(folder, name), join(staging, `${name}.dcm`));
  return names.map((name) => `${name}.dcm`);
}

/** Bytes before the element of the length of the file meta information ends. */
const metaStart = 144;

/**
 * Hash of what a file holds behind its file meta information, which only says who wrote the file: so
 * that an image is the same whether it came by network or as a file.
 */
async function hashOfDataSet(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const head = Buffer.alloc(metaStart);
    const { bytesRead } = await handle.read(head, 0, metaStart, 0);
    const start = dataSetStart(head.subarray(0, bytesRead));
    const hash = createHash('sha256');
    const stream = handle.createReadStream({ start, autoClose: false, highWaterMark: 1 << 20 });
    for await (const chunk of stream) hash.update(chunk);
    return hash.digest('hex');
  } finally {
    await handle.close();
  }
}

/** Where the data set begins; 0 where a file does not say so. */
function dataSetStart(head: Buffer): number {
  const says =
    head.length === metaStart &&
    head.toString('latin1', 128, 132) === 'DICM' &&
    head.readUInt32LE(132) === 0x0002 &&
    head.toString('latin1', 136, 138) === 'UL';
  return says ? metaStart + head.readUInt32LE(140) : 0;
}
