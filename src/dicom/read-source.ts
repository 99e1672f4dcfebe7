import { closeSync, openSync, readSync } from 'node:fs';
import { readingFailure } from '../formats/byte-stream.js';
import { type Source, sourceName } from './instance.js';
import { refused } from './refusal.js';
import { ZipReader } from './zip.js';

/**
 * Reads files and entries of zip files, and closes what it opened. For worker threads: files are read
 * without waiting for the event loop, which for thousands of small ones takes longer than reading.
 */
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
    try {
      const bytes = Buffer.allocUnsafeSlow(count);
      if (readStart(source.file, bytes) === count) return bytes;
    } catch (error) {
      throw readingFailure(error, source.file);
    }
    throw refused({
      code: 'file-truncated',
      file: sourceName(source),
      expected: `${source.sizeBytes} bytes, as when the folder was listed`,
      found: 'fewer',
    });
  }
}

/** Fills `bytes` from the start of a file. @returns how many there were. */
function readStart(file: string, bytes: Buffer): number {
  const handle = openSync(file, 'r');
  try {
    let filled = 0;
    for (let more = 1; more > 0 && filled < bytes.length; filled += more) {
      more = readSync(handle, bytes, filled, bytes.length - filled, filled);
    }
    return filled;
  } finally {
    closeSync(handle);
  }
}
