import { realpath } from 'node:fs/promises';
import { isThere } from './open-file.js';

/**
 * The file that belongs to a header: beside it or, where the header is a link, beside what that leads to.
 * @param pathsBeside where it may lie, given the path of the header
 * @returns the first that is there
 */
export async function fileBeside(
  headerFile: string,
  pathsBeside: (headerFile: string) => readonly string[],
): Promise<string | undefined> {
  const real = await realpath(headerFile).catch(() => headerFile);
  for (const path of [...pathsBeside(headerFile), ...pathsBeside(real)]) {
    if (await isThere(path)) return path;
  }
  return undefined;
}
