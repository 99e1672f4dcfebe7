import { createReadStream, type Stats } from 'node:fs';
import { access, constants, open, stat } from 'node:fs/promises';
import { pipeline, type Readable } from 'node:stream';
import { createUnzip, type Unzip } from 'node:zlib';
import { DawsonError } from '../errors.js';

/** Deflate codes at most 258 bytes in 2 bits: a larger ratio means that the header lies. */
const largestDeflateRatio = 1032;

const chunkBytes = 1 << 20;

/** Where in a file the bytes begin, and how they are packed; zlib data may have a gzip header. */
export interface Packing {
  readonly compression: 'none' | 'gzip' | 'zlib';
  readonly start: number;
}

/**
 * The bytes of a file from its start on, decompressed as they are asked for. Nothing beyond what was
 * asked for, and one chunk, is ever held, so that a small file that unpacks to a huge one does no
 * harm.
 */
export class ByteStream {
  readonly file: string;
  readonly compressed: boolean;
  /** The file cannot hold more bytes than this, decompressed. */
  readonly largestBytes: number;
  readonly #packedBytes: number;
  readonly #stream: Readable;
  readonly #chunks: AsyncIterator<Buffer>;
  #pending: Buffer = Buffer.alloc(0);

  private constructor(file: string, fileBytes: number, { compression, start }: Packing) {
    this.file = file;
    this.compressed = compression !== 'none';
    this.#packedBytes = Math.max(0, fileBytes - start);
    this.largestBytes = this.#packedBytes * (this.compressed ? largestDeflateRatio : 1);
    const source = createReadStream(file, { start, highWaterMark: chunkBytes });
    this.#stream = this.compressed
      ? pipeline(source, createUnzip({ chunkSize: chunkBytes }), () => {})
      : source;
    this.#chunks = this.#stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /**
   * Opens a file, hands its bytes to `read` and closes it, whatever happens.
   * @param packing where it is known; else gzip is recognised by its first bytes, not by the name.
   * @throws DawsonError `file-not-found` when there is no file to read; `file-truncated` and
   *   `file-corrupt` for damaged compressed data.
   */
  static async with<T>(
    file: string,
    read: (bytes: ByteStream) => Promise<T>,
    packing?: Packing,
  ): Promise<T> {
    let bytes: ByteStream | undefined;
    try {
      const { size } = await requireRegularFile(file);
      const compression = packing?.compression ?? ((await startsAsGzip(file)) ? 'gzip' : 'none');
      bytes = new ByteStream(file, size, { compression, start: packing?.start ?? 0 });
      return await read(bytes);
    } catch (error) {
      throw readingFailure(error, file);
    } finally {
      bytes?.close();
    }
  }

  private close(): void {
    this.#stream.destroy();
  }

  /** The next bytes without moving on: `count` of them, fewer only where the file ends. */
  async peek(count: number): Promise<Buffer> {
    while (this.#pending.length < count) {
      const { done, value } = await this.#chunks.next();
      if (done) break;
      this.#pending = this.#pending.length === 0 ? value : Buffer.concat([this.#pending, value]);
    }
    return this.#pending.subarray(0, count);
  }

  /** Fills `target` with the next bytes. @returns how many there were: fewer where the file ends. */
  async readInto(target: Uint8Array): Promise<number> {
    let filled = 0;
    while (filled < target.length) {
      const next = await this.#nextUpTo(target.length - filled);
      if (next.length === 0) break;
      target.set(next, filled);
      filled += next.length;
    }
    return filled;
  }

  /** Passes over bytes. @returns how many there were: fewer than `count` where the file ends. */
  async skip(count: number): Promise<number> {
    let skipped = 0;
    while (skipped < count) {
      const next = await this.#nextUpTo(count - skipped);
      if (next.length === 0) break;
      skipped += next.length;
    }
    return skipped;
  }

  /** Bytes of the file behind the compressed data. Known when all of these were read. */
  get bytesBehindCompressed(): number {
    return this.compressed ? this.#packedBytes - (this.#stream as Unzip).bytesWritten : 0;
  }

  async #nextUpTo(count: number): Promise<Buffer> {
    const next = await this.peek(Math.min(1, count));
    if (next.length === 0) return next;
    const taken = this.#pending.subarray(0, count);
    this.#pending = this.#pending.subarray(taken.length);
    return taken;
  }
}

/** @throws DawsonError `file-not-found` for a folder, a device or a pipe. */
async function requireRegularFile(file: string): Promise<Stats> {
  const stats = await stat(file);
  await access(file, constants.R_OK);
  if (stats.isFile()) return stats;
  throw new DawsonError('file-not-found', {
    file,
    expected: 'an image file',
    found: stats.isDirectory() ? 'a folder' : 'a device or pipe',
    ...(stats.isDirectory() && {
      advice: 'Give one file; convert a folder of DICOM files to NIfTI first.',
    }),
  });
}

async function startsAsGzip(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await handle.close();
  }
}

const systemErrors: Record<string, string> = {
  ENOENT: 'no file of this name',
  ENOTDIR: 'no file of this name',
  EACCES: 'a file that may not be read',
  EPERM: 'a file that may not be read',
  EISDIR: 'a folder',
  ELOOP: 'links that point at each other',
  ENAMETOOLONG: 'a name that is too long',
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
