import { readSyncInto, withFileSync } from '../formats/open-file.js';
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
    const bytes = Buffer.allocUnsafeSlow(count);
    const read = withFileSync(source.file, (descriptor) => readSyncInto(descriptor, bytes, 0));
    if (read === count) return bytes;
    throw refused({
      code: 'file-truncated',
      file: sourceName(source),
      expected: `${source.sizeBytes} bytes, as when the folder was listed`,
      found: 'fewer',
    });
  }
}
