import { closeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { type Entry, fromFdPromise, type ZipFile } from 'yauzl';
import { openFileSync } from './open-file.js';

/**
 * Opens a zip file, which its reader has to close.
 * @throws DawsonError `file-not-found`; yauzl's own errors for what is no zip file.
 */
export async function openZip(file: string): Promise<ZipFile> {
  const { descriptor } = openFileSync(file);
  try {
    return await fromFdPromise(descriptor, { autoClose: false });
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/**
 * The bytes of an entry: as many as its directory says, and with the checksum that it says.
 * @throws Error for a damaged entry.
 */
export async function zipEntryBytes(zip: ZipFile, entry: Entry): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(entry.uncompressedSize);
  let end = 0;
  for await (const chunk of await zip.openReadStreamPromise(entry)) {
    bytes.set(chunk as Buffer, end);
    end += (chunk as Buffer).length;
  }
  if (end !== bytes.length) throw new Error(`${end} bytes in ${shown(entry)}`);
  if (crc32(bytes) !== entry.crc32) throw new Error(`a wrong checksum of ${shown(entry)}`);
  return bytes;
}

const shown = ({ fileName }: Entry) => fileName.slice(0, 80);
