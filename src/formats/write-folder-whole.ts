import { randomBytes } from 'node:crypto';
import { renameSync } from 'node:fs';
import {
  access,
  chmod,
  constants,
  mkdir,
  readdir,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
} from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { DawsonError } from '../errors.js';
import { abandonedBeside, nameBeside } from './beside.js';
import { readJson } from './read-json.js';
import { absent, flushFile, flushFolder, writingFailure } from './write-whole.js';

/** What a folder of results of one kind is known by. */
export interface ResultKind {
  /** Every file that such a result can consist of: what has another name is someone else's. */
  readonly names: RegExp;
  /** Folders in it; the names of their files begin with theirs and a slash. */
  readonly folders?: readonly string[];
  /** The JSON file by which a folder is known to hold one, and the schema that it states. */
  readonly marker: string;
  readonly schema: string;
}

/**
 * Writes all files of one result into a folder, together or not at all. `fill` writes them into a
 * hidden folder beside the final one; when it has ended, they are flushed to disk and that folder
 * takes the final name. A folder that holds an earlier result is moved aside first and removed
 * after; between these two renames, some microseconds, a killed process leaves the earlier result
 * under its hidden name, and the next run to the same place puts it back before it begins.
 * @throws DawsonError `output-exists` where the folder holds anything but an earlier result,
 *   `output-failed`; what `fill` throws; what stopped `signal`. All leave the folder as it was.
 */
export async function writeFolderWhole(
  folder: string,
  fill: (staging: string) => Promise<void>,
  { kind, signal }: { kind: ResultKind; signal?: AbortSignal },
): Promise<void> {
  let staging: string | undefined;
  let created: string | undefined;
  try {
    created = await mkdir(dirname(resolve(folder)), { recursive: true });
    // Through a link, so that both names lie on one file system and the link stays.
    const final = (await realpath(folder).catch(absent)) ?? resolve(folder);
    await cleanUpBeside(final, kind);
    await requireReplaceableFolder(final, kind);
    staging = join(dirname(final), nameBeside(basename(final), 'new', randomBytes(6)));
    await mkdir(staging);
    await fill(staging);
    await flushResult(staging, kind);
    signal?.throwIfAborted();
    await requireReplaceableFolder(final, kind);
    await putInPlace(staging, final);
  } catch (error) {
    if (staging) await rm(staging, { recursive: true, force: true }).catch(() => {});
    if (created) await removeEmptyFolders(dirname(resolve(folder)), created);
    throw withFinalName(writingFailure(error, folder), staging, folder);
  }
}

/**
 * Makes sure, before long work begins, that {@link writeFolderWhole} may write there later. Changes
 * nothing.
 * @throws DawsonError `output-exists`, `output-failed`.
 */
export async function requireReplaceableFolder(folder: string, kind: ResultKind): Promise<void> {
  try {
    await requireWritableParent(folder);
    const stats = await stat(folder).catch(absent);
    if (stats === undefined) return;
    if (!stats.isDirectory()) {
      throw new DawsonError('output-exists', {
        file: folder,
        expected: 'a folder or a new name',
        found: 'a file',
      });
    }
    if (stats.dev !== (await stat(dirname(resolve(folder)))).dev) throw mounted(folder);
    await requireOnlyResult(folder, kind);
  } catch (error) {
    throw writingFailure(error, folder);
  }
}

/** The folder is replaced by renaming, for which the one above it, or the next that exists, counts. */
async function requireWritableParent(folder: string): Promise<void> {
  let parent = dirname(resolve(folder));
  while ((await stat(parent).catch(absent)) === undefined) parent = dirname(parent);
  await access(parent, constants.W_OK);
}

async function requireOnlyResult(folder: string, kind: ResultKind): Promise<void> {
  const entries = await entriesOf(folder, kind);
  const foreign = entries
    .filter(({ name, isFile }) => !isFile || !kind.names.test(name))
    .map(({ name }) => name)
    .sort();
  const isResult =
    foreign.length === 0 && (entries.length === 0 || (await holdsResult(folder, kind)));
  if (isResult) return;
  throw new DawsonError('output-exists', {
    file: folder,
    expected: 'no folder, an empty one, or one with only an earlier result of Dawson',
    found:
      foreign.length === 0
        ? `files without Dawson’s ${kind.marker}`
        : `${foreign.slice(0, 3).join(', ')}${foreign.length > 3 ? ` and ${foreign.length - 3} more` : ''}`,
  });
}

/** What is in a folder, and in those of its folders that belong to the result, by relative names. */
async function entriesOf(
  folder: string,
  { folders = [] }: ResultKind,
): Promise<{ name: string; isFile: boolean }[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const own = entries.filter((entry) => entry.isDirectory() && folders.includes(entry.name));
  const inner = await Promise.all(
    own.map(async ({ name }) =>
      (await readdir(join(folder, name), { withFileTypes: true })).map((entry) => ({
        name: `${name}/${entry.name}`,
        isFile: entry.isFile(),
      })),
    ),
  );
  return [
    ...entries
      .filter((entry) => !own.includes(entry))
      .map((entry) => ({ name: entry.name, isFile: entry.isFile() })),
    ...inner.flat(),
  ];
}

async function holdsResult(folder: string, { marker, schema }: ResultKind): Promise<boolean> {
  try {
    const value = (await readJson(join(folder, marker))) as { schema?: unknown } | null;
    return value?.schema === schema;
  } catch {
    return false;
  }
}

function mounted(folder: string): DawsonError {
  return new DawsonError('output-failed', {
    file: folder,
    expected: 'a folder that can be replaced as a whole',
    found: 'the root of a mounted file system',
    advice: `Give a folder inside of it, such as ${join(folder, 'result')}.`,
  });
}

/**
 * Removes what killed runs have left. An earlier result that one had moved aside comes back; where
 * something else than a result has taken its place meanwhile, it stays.
 */
async function cleanUpBeside(final: string, kind: ResultKind): Promise<void> {
  for (const { path, role } of await abandonedBeside(final)) {
    if (role === 'new' || (await holdsResult(final, kind))) {
      await rm(path, { recursive: true, force: true });
    } else if ((await stat(final).catch(absent)) === undefined) {
      await rename(path, final);
    }
  }
}

async function flushResult(staging: string, kind: ResultKind): Promise<void> {
  const entries = await entriesOf(staging, kind);
  for (const { name } of entries) {
    // Else the next run would not know the file for a part of this result.
    if (!kind.names.test(name)) throw new RangeError(`${name} is not a name of a result file`);
    await flushFile(join(staging, name));
  }
  const inner = new Set(entries.map(({ name }) => dirname(name)));
  for (const name of inner) await flushFolder(join(staging, name));
  if (!inner.has('.')) await flushFolder(staging);
}

async function putInPlace(staging: string, final: string): Promise<void> {
  const parent = dirname(final);
  const earlier = await stat(final).catch(absent);
  if (earlier === undefined) {
    renameSync(staging, final);
    await flushFolder(parent);
    return;
  }
  await chmod(staging, earlier.mode);
  const aside = join(parent, nameBeside(basename(final), 'old', randomBytes(6)));
  exchange(staging, final, aside);
  await flushFolder(parent);
  // The new result stands; a rest of the old one under a hidden name is removed by the next run.
  await rm(aside, { recursive: true, force: true }).catch(() => {});
}

/** Two renames with nothing between them; the first is undone where the second fails. */
function exchange(staging: string, final: string, aside: string): void {
  try {
    renameSync(final, aside);
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EBUSY' ? mounted(final) : error;
  }
  try {
    renameSync(staging, final);
  } catch (error) {
    renameSync(aside, final);
    throw error;
  }
}

/** Removes empty folders from `deepest` up to `highest`. */
async function removeEmptyFolders(deepest: string, highest: string): Promise<void> {
  for (
    let folder = deepest;
    !relative(highest, folder).startsWith('..');
    folder = dirname(folder)
  ) {
    try {
      await rmdir(folder);
    } catch {
      return;
    }
  }
}

/** A failure to write a file of the result names the file where it was to appear. */
function withFinalName(error: unknown, staging: string | undefined, folder: string): unknown {
  if (!(error instanceof DawsonError) || !staging) return error;
  const { file } = error.details;
  if (file === staging) return new DawsonError(error.code, { ...error.details, file: folder });
  if (file === undefined || !file.startsWith(join(staging, sep))) return error;
  const name = relative(staging, file);
  return new DawsonError(error.code, { ...error.details, file: join(folder, name) });
}
