import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { createUnzip, type Unzip } from 'node:zlib';
import { readingFailure, withFile } from './open-file.js';

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
  readonly #source: FileChunks;
  readonly #unzip?: Unzip;
  readonly #chunks: AsyncIterator<Buffer>;
  #pending: Buffer = Buffer.alloc(0);

  private constructor(
    file: string,
    source: FileChunks,
    fileBytes: number,
    { compression, start }: Packing,
  ) {
    this.file = file;
    this.compressed = compression !== 'none';
    this.#packedBytes = Math.max(0, fileBytes - start);
    this.largestBytes = this.#packedBytes * (this.compressed ? largestDeflateRatio : 1);
    this.#source = source;
    const packed = source.from(start);
    if (this.compressed) {
      const options = { objectMode: false, highWaterMark: chunkBytes };
      // What fails is thrown by the iterator below.
      this.#unzip = pipeline(
        Readable.from(packed, options),
        createUnzip({ chunkSize: chunkBytes }),
        () => {},
      );
    }
    this.#chunks = this.#unzip ? this.#unzip[Symbol.asyncIterator]() : packed;
  }

  /**
   * Opens a file, hands its bytes to `read` and closes it, whatever happens.
   * @param packing where it is known; else gzip is recognised by its first bytes, not by the name.
   * @throws DawsonError `file-not-found` when there is no file to read; `file-truncated` and
   *   `file-corrupt` for damaged compressed data.
   */
  static with<T>(
    file: string,
    read: (bytes: ByteStream) => Promise<T>,
    packing?: Packing,
  ): Promise<T> {
    return withFile(file, async (handle, sizeBytes) => {
      const compression = packing?.compression ?? ((await startsAsGzip(handle)) ? 'gzip' : 'none');
      const source = new FileChunks(handle);
      const bytes = new ByteStream(file, source, sizeBytes, {
        compression,
        start: packing?.start ?? 0,
      });
      try {
        return await read(bytes);
      } catch (error) {
        throw readingFailure(error, file);
      } finally {
        await bytes.close();
      }
    });
  }

  /** Ends the reading; the file may be closed when this has happened. */
  private async close(): Promise<void> {
    this.#unzip?.destroy();
    await this.#source.settled();
  }

  /**
   * SHA-256 of the whole file as it was read, as 64 hexadecimal digits: of the very bytes that were
   * handed out, and of those before and behind them. Nothing can be read after it.
   */
  async sha256(): Promise<string> {
    this.#unzip?.destroy();
    return this.#source.sha256();
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
    return this.compressed ? this.#packedBytes - this.#unzip!.bytesWritten : 0;
  }

  async #nextUpTo(count: number): Promise<Buffer> {
    const next = await this.peek(Math.min(1, count));
    if (next.length === 0) return next;
    const taken = this.#pending.subarray(0, count);
    this.#pending = this.#pending.subarray(taken.length);
    return taken;
  }
}

/** The chunks of an open file in their order, each read once, and the hash of them. */
class FileChunks {
  readonly #handle: FileHandle;
  readonly #hash = createHash('sha256');
  #position = 0;
  #reading: Promise<Buffer> = Promise.resolve(Buffer.alloc(0));

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** The bytes from a place on; those before it are read too, for the hash. */
  async *from(start: number): AsyncGenerator<Buffer, undefined> {
    for (;;) {
      const at = this.#position;
      const chunk = await this.#next();
      if (chunk.length === 0) return undefined;
      if (at + chunk.length > start) yield chunk.subarray(Math.max(0, start - at));
    }
  }

  /** Waits for what is being read. */
  async settled(): Promise<void> {
    await this.#reading.catch(() => {});
  }

  async sha256(): Promise<string> {
    await this.settled();
    while ((await this.#next()).length > 0);
    return this.#hash.digest('hex');
  }

  #next(): Promise<Buffer> {
    this.#reading = this.#readChunk();
    return this.#reading;
  }

  async #readChunk(): Promise<Buffer> {
    const { buffer, bytesRead } = await this.#handle.read(
      Buffer.allocUnsafeSlow(chunkBytes),
      0,
      chunkBytes,
      this.#position,
    );
    const chunk = buffer.subarray(0, bytesRead);
    this.#hash.update(chunk);
    this.#position += bytesRead;
    return chunk;
  }
}

async function startsAsGzip(handle: FileHandle): Promise<boolean> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
  return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
}
