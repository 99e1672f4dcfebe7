import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DawsonError } from '../errors.js';
import { abandonedBeside, nameBeside } from './beside.js';

/** A file that is to be written. */
export interface NewFile {
  readonly file: string;
  readonly bytes: Uint8Array;
}

/**
 * Writes a file whole or not at all: beside its place, flushed to disk, renamed. What stood there
 * before stays until the new bytes are complete; what a killed process left beside it goes.
 * @throws DawsonError `output-failed`, with nothing left behind; `output-exists` where a folder, a
 *   device or a pipe has the name; what stopped `signal`.
 */
export const writeWhole = (
  file: string,
  bytes: Uint8Array,
  options: { readonly signal?: AbortSignal } = {},
): Promise<void> => writeAllWhole([{ file, bytes }], options);

/**
 * Writes the files of one result, together or not at all, each as {@link writeWhole} does: none takes
 * its name before all lie complete beside theirs.
 * @param last done between the two: whatever else belongs to the result; where it fails no file appears
 */
export async function writeAllWhole(
  files: readonly NewFile[],
  { signal, last }: { readonly signal?: AbortSignal; readonly last?: () => Promise<void> } = {},
): Promise<void> {
  const complete: { file: string; beside: string }[] = [];
  let current = files[0]?.file ?? '';
  try {
    for (const { file, bytes } of files) {
      current = file;
      await requireReplaceable(file);
      for (const { path } of await abandonedBeside(file)) {
        await rm(path, { recursive: true, force: true });
      }
      const beside = join(dirname(file), nameBeside(basename(file), 'new', randomBytes(6)));
      complete.push({ file, beside });
      await writeNew(beside, bytes, signal);
    }
    await last?.();
    for (const { file, beside } of complete) {
      current = file;
      await rename(beside, file);
    }
    for (const folder of new Set(files.map(({ file }) => dirname(file)))) await flushFolder(folder);
  } catch (error) {
    for (const { beside } of complete) await rm(beside, { force: true }).catch(() => {});
    signal?.throwIfAborted();
    throw writingFailure(error, current);
  }
}

/** A rename would put a plain file in the place of a device such as /dev/null. */
async function requireReplaceable(file: string): Promise<void> {
  const stats = await stat(file).catch(absent);
  if (stats === undefined || stats.isFile()) return;
  throw new DawsonError('output-exists', {
    file,
    expected: 'a new name or that of a plain file',
    found: stats.isDirectory() ? 'a folder' : 'a device or pipe',
  });
}

async function writeNew(file: string, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
  await withHandle(file, 'wx', async (handle) => {
    await handle.writeFile(bytes, { signal });
    await handle.sync();
  });
}

/** Makes sure that the contents of a file survive a loss of power. */
export async function flushFile(file: string): Promise<void> {
  await withHandle(file, 'r+', (handle) => handle.sync());
}

/** Makes sure that the names in a folder survive a loss of power; Windows cannot, and needs not. */
export async function flushFolder(folder: string): Promise<void> {
  if (process.platform !== 'win32') await withHandle(folder, 'r', (handle) => handle.sync());
}

async function withHandle(path: string, flags: string, use: (handle: FileHandle) => Promise<void>) {
  const handle = await open(path, flags);
  try {
    await use(handle);
  } finally {
    await handle.close();
  }
}

/** For the failure of a look at a path: undefined when there is nothing. */
export function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

const systemErrors: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on the disk',
  EDQUOT: 'no space left in the disk quota',
  EFBIG: 'a limit on the size of files',
  EROFS: 'a file system that can only be read',
  EACCES: 'no permission to write there',
  EPERM: 'no permission to write there',
  ENOENT: 'no such folder',
  ENOTDIR: 'a path that leads through a file',
  EISDIR: 'a folder of this name',
  ENAMETOOLONG: 'a name that is too long',
  EIO: 'an error of the disk',
  EBUSY: 'a folder that is mounted or in use',
  ENOTEMPTY: 'the result of another run that ended meanwhile',
  EEXIST: 'the result of another run that ended meanwhile',
};

/** An error of the file system as `output-failed`; any other error as it is. */
export function writingFailure(error: unknown, file: string): unknown {
  if (!(error instanceof Error) || error instanceof DawsonError) return error;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return error;
  return new DawsonError('output-failed', {
    file,
    expected: 'a place that can be written',
    found: systemErrors[code] ?? code,
  });
}
