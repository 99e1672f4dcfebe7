import { createHash } from 'node:crypto';
import { withFile } from './open-file.js';

const chunkBytes = 2 ** 20;

/** SHA-256 of bytes as 64 hexadecimal digits. */
export const sha256Of = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex');

/**
 * SHA-256 of a file's bytes as 64 hexadecimal digits. What is read as well is hashed as it is read:
 * a second reading may be of another file.
 * @throws DawsonError `file-not-found`.
 */
export function sha256OfFile(file: string): Promise<string> {
  return withFile(file, async (handle) => {
    const hash = createHash('sha256');
    const chunk = Buffer.allocUnsafeSlow(chunkBytes);
    for (let at = 0; ; ) {
      const { bytesRead } = await handle.read(chunk, 0, chunkBytes, at);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(chunk.subarray(0, bytesRead));
      at += bytesRead;
    }
  });
}
