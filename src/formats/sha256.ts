import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { readingFailure } from './byte-stream.js';

/** SHA-256 of a file's bytes as 64 hexadecimal digits. @throws DawsonError `file-not-found`. */
export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  } catch (error) {
    throw readingFailure(error, file);
  }
  return hash.digest('hex');
}
