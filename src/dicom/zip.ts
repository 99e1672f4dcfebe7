import type { Entry, ZipFile } from 'yauzl';
import { openZip, zipEntryBytes } from '../formats/zip-file.js';
import type { Source } from './instance.js';
import { largestFileBytes, mostFiles } from './limits.js';
import { type DicomRemark, refused } from './refusal.js';

/** The files in a zip file that can be read; a damaged zip file has none and a remark. */
export async function zipEntries(
  file: string,
): Promise<{ entries: Source[]; remarks: DicomRemark[] }> {
  const entries: Source[] = [];
  const remarks: DicomRemark[] = [];
  const remark = (text: string) => remarks.push({ code: 'unreadable-file', file, text });
  try {
    const zip = await openZip(file);
    try {
      for await (const entry of zip.eachEntry()) {
        if (entry.fileName.endsWith('/') || isHidden(entry.fileName)) continue;
        if (entries.length === mostFiles) throw new Error(`more than ${mostFiles} files`);
        if (entry.uncompressedSize > largestFileBytes || entry.isEncrypted()) {
          remark('an entry is encrypted, or larger than any image');
        } else {
          const { fileName, uncompressedSize: sizeBytes } = entry;
          entries.push({ file, entry: fileName, sizeBytes });
        }
      }
    } finally {
      zip.close();
    }
  } catch {
    remark('the zip file is damaged');
  }
  entries.sort((a, b) => (a.entry! < b.entry! ? -1 : 1));
  return { entries, remarks };
}

const isHidden = (name: string) => /(^|\/)(\.|__MACOSX\/)/.test(name);

/** Reads entries of one zip file after the other; it is opened once for all that lie in it. */
export class ZipReader {
  #file?: string;
  #zip?: ZipFile;
  readonly #entries = new Map<string, Entry>();

  /** The bytes of an entry: as many as its directory says, never more, and with its checksum. */
  async read({ file, entry: name }: Source): Promise<Buffer> {
    if (this.#file !== file) await this.#open(file);
    const entry = this.#entries.get(name!);
    if (entry === undefined) throw damaged(file);
    try {
      return Buffer.from((await zipEntryBytes(this.#zip!, entry)).buffer);
    } catch {
      throw damaged(file);
    }
  }

  close(): void {
    this.#zip?.close();
    this.#zip = undefined;
    this.#file = undefined;
    this.#entries.clear();
  }

  async #open(file: string): Promise<void> {
    this.close();
    try {
      this.#zip = await openZip(file);
      this.#file = file;
      for await (const entry of this.#zip.eachEntry()) this.#entries.set(entry.fileName, entry);
    } catch {
      throw damaged(file);
    }
  }
}

const damaged = (file: string) =>
  refused({ code: 'file-corrupt', file, expected: 'a whole zip file', found: 'a damaged one' });
