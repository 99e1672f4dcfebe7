import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';
import { DawsonError } from '../errors.js';

/**
 * The one way in which Dawson opens a file to read it: what is opened is a regular file, known by the
 * open file itself and not by its name, which may mean another one a moment later. A pipe does not
 * make it wait, and a device is never read. `test/open-file.test.ts` sees to it that nothing else in
 * `src` opens files.
 */

/** A pipe without a writer would else be waited for; Windows has no such flag, nor such pipes. */
const readWithoutWaiting = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** One more than these cannot be held in one array of bytes on every version of Node.js. */
export const mostBytesAtOnce = 2 ** 31 - 1;

const chunkBytes = 2 ** 20;

/**
 * Opens a regular file, hands it to `use` and closes it, whatever happens.
 * @throws DawsonError `file-not-found` for what is no regular file or cannot be opened; what `use`
 *   throws, failures of the file system in our own terms.
 */
export async function withFile<T>(
  file: string,
  use: (handle: FileHandle, sizeBytes: number) => Promise<T>,
): Promise<T> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, readWithoutWaiting);
    return await use(handle, regularSize(await handle.stat(), file));
  } catch (error) {
    throw readingFailure(error, file);
  } finally {
    await handle?.close();
  }
}

/** As {@link withFile}, for worker threads, where waiting for the event loop takes longer than reading. */
export function withFileSync<T>(
  file: string,
  use: (descriptor: number, sizeBytes: number) => T,
): T {
  let descriptor: number | undefined;
  try {
    const opened = openFileSync(file);
    descriptor = opened.descriptor;
    return use(descriptor, opened.sizeBytes);
  } catch (error) {
    throw readingFailure(error, file);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** A regular file that stays open until its descriptor is closed. @throws as {@link withFile}. */
export function openFileSync(file: string): { descriptor: number; sizeBytes: number } {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, readWithoutWaiting);
    return { descriptor, sizeBytes: regularSize(fstatSync(descriptor), file) };
  } catch (error) {
    if (descriptor !== undefined) closeSync(descriptor);
    throw readingFailure(error, file);
  }
}

/**
 * All bytes of a file, in one reading.
 * @param limits how many there may be, and what such a file is, for messages
 * @throws DawsonError as {@link withFile}; `file-oversized`, before anything is read where the file
 *   says so itself.
 */
export function readWholeFile(
  file: string,
  { mostBytes, kind = 'a file' }: { mostBytes: number; kind?: string },
): Promise<Buffer<ArrayBuffer>> {
  return withFile(file, async (handle, sizeBytes) => {
    requireBytes(sizeBytes, mostBytes, kind, file);
    const parts: Buffer<ArrayBuffer>[] = [];
    let read = 0;
    // A file may have become longer since it was opened, or say 0 where it has more (in /proc).
    for (;;) {
      const wanted = Math.min(Math.max(sizeBytes - read, chunkBytes), 2 ** 30);
      const { bytesRead, buffer } = await handle.read(
        Buffer.allocUnsafeSlow(wanted),
        0,
        wanted,
        read,
      );
      if (bytesRead === 0) break;
      parts.push(buffer.subarray(0, bytesRead));
      read += bytesRead;
      requireBytes(read, mostBytes, kind, file);
    }
    return parts.length === 1 ? parts[0] : Buffer.concat(parts, read);
  });
}

/** Fills `target` from a place in an open file. @returns how many bytes there were. */
export function readSyncInto(descriptor: number, target: Uint8Array, position: number): number {
  let filled = 0;
  for (let more = 1; more > 0 && filled < target.length; filled += more) {
    more = readSync(descriptor, target, filled, target.length - filled, position + filled);
  }
  return filled;
}

/** Whether anything has this name. @throws DawsonError `file-not-found` where nobody can tell. */
export async function isThere(file: string): Promise<boolean> {
  try {
    await lstat(file);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw readingFailure(error, file);
  }
}

function requireBytes(bytes: number, mostBytes: number, kind: string, file: string): void {
  if (bytes <= mostBytes) return;
  throw new DawsonError('file-oversized', {
    file,
    expected: `${kind} of at most ${mostBytes} bytes`,
    found: bytes > mostBytes + chunkBytes ? `${bytes} bytes` : 'more',
    advice: 'Check that it is the right file: none of its kind is so large.',
  });
}

function regularSize(stats: Stats, file: string): number {
  if (stats.isFile()) return stats.size;
  throw new DawsonError('file-not-found', {
    file,
    expected: 'a file',
    found: stats.isDirectory() ? 'a folder' : 'a device or pipe',
    ...(stats.isDirectory() && { advice: 'Give one file of this folder, not the folder.' }),
  });
}

const systemErrors: Record<string, string> = {
  ENOENT: 'no file of this name',
  ENOTDIR: 'no file of this name',
  EACCES: 'a file that may not be read',
  EPERM: 'a file that may not be read',
  EISDIR: 'a folder',
  ELOOP: 'links that point at each other',
  ENXIO: 'a device or pipe',
  ENODEV: 'a device or pipe',
  ENAMETOOLONG: 'a name that is too long',
  EMFILE: 'more open files than the machine allows (ulimit -n)',
  ENFILE: 'more open files than the machine allows',
  EIO: 'an error of the disk',
  ERR_INVALID_ARG_VALUE: 'a name with a zero byte',
};

/** An error of the file system or of zlib in our own terms; any other error as it is. */
export function readingFailure(error: unknown, file: string): unknown {
  if (!(error instanceof Error) || error instanceof DawsonError) return error;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === 'Z_BUF_ERROR') {
    return new DawsonError('file-truncated', {
      file,
      expected: 'complete compressed data',
      found: 'a file that ends in the middle of it',
    });
  }
  if (code?.startsWith('Z_') && code !== 'Z_MEM_ERROR') {
    return new DawsonError('file-corrupt', {
      file,
      expected: 'valid compressed data',
      found: error.message,
    });
  }
  if (code !== undefined && (systemErrors[code] || syscall)) {
    return new DawsonError('file-not-found', {
      file,
      expected: 'a readable file',
      found: systemErrors[code] ?? code,
    });
  }
  return error;
}
