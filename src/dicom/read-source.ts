import { type FileHandle, open } from 'node:fs/promises';
import { readingFailure } from '../formats/byte-stream.js';
import { type Source, sourceName } from './instance.js';
import { refused } from './refusal.js';
import { ZipReader } from './zip.js';

/** Reads files and entries of zip files, and closes what it opened. */
export class SourceReader {
  readonly #zip = new ZipReader();

  static async with<T>(use: (reader: SourceReader) => Promise<T>): Promise<T> {
    const reader = new SourceReader();
    try {
      return await use(reader);
    } finally {
      reader.#zip.close();
    }
  }

  /**
   * The first bytes of a source, at most `most`; an entry of a zip file comes whole.
   * @throws DawsonError `file-not-found`, `file-corrupt`; `file-truncated` where the file has become
   *   shorter since it was listed.
   */
  async read(source: Source, most = source.sizeBytes): Promise<Buffer> {
    if (source.entry !== undefined) return this.#zip.read(source);
    const count = Math.min(most, source.sizeBytes);
    let handle: FileHandle | undefined;
    try {
      handle = await open(source.file);
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafeSlow(count), 0, count, 0);
      if (bytesRead === count) return buffer;
    } catch (error) {
      throw readingFailure(error, source.file);
    } finally {
      await handle?.close();
    }
    throw refused({
      code: 'file-truncated',
      file: sourceName(source),
      expected: `${source.sizeBytes} bytes, as when the folder was listed`,
      found: 'fewer',
    });
  }
}
