import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DawsonError } from '../errors.js';
import { sha256Of, sha256OfFile, voxelsFileOf } from '../formats/index.js';

/** Hashes of files that this process has read, while they are the same ones: links are many. */
const known = new Map<string, Promise<string>>();

/**
 * SHA-256 of the bytes of a file, or of the names and bytes of all files in a folder at any depth;
 * links count as what they lead to. An image whose voxels lie in a second file is both.
 * @throws DawsonError `file-not-found`.
 */
export async function contentHash(path: string): Promise<string> {
  const stats = await stat(path, { bigint: true }).catch((error) => {
    throw new DawsonError('file-not-found', {
      file: path,
      expected: 'a file or folder',
      found: (error as NodeJS.ErrnoException).code ?? 'nothing',
    });
  });
  if (!stats.isDirectory()) {
    const own = await hashOfFile(path, stats);
    // What is no header is an image that cannot be read, whatever lies beside it.
    const voxels = await voxelsFileOf(path).catch(() => undefined);
    return voxels === undefined ? own : sha256Of(Buffer.from(own + (await sha256OfFile(voxels))));
  }
  const hash = createHash('sha256');
  for (const name of (await readdir(path)).sort()) {
    hash.update(JSON.stringify([name, await contentHash(join(path, name))]));
  }
  return hash.digest('hex');
}

async function hashOfFile(path: string, stats: BigIntStats): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = stats;
  const identity = [dev, ino, size, mtimeNs, ctimeNs].join(' ');
  const hash = known.get(identity) ?? sha256OfFile(path);
  known.set(identity, hash);
  return hash.catch((error) => {
    known.delete(identity);
    throw error;
  });
}
