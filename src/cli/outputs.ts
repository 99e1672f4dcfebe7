import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { DawsonError } from '../errors.js';
import { outputEndings, requireEnding } from '../formats/index.js';

/**
 * What a command writes: a file of some kind; a folder that is replaced as a whole; or a folder that
 * is shared, to which files are added.
 */
export interface Output {
  readonly path: string | undefined;
  readonly kind: keyof typeof outputEndings | 'folder' | 'shared-folder';
}

/**
 * Makes sure, before a command begins, that what it writes replaces nothing that it reads and nothing
 * else that it writes, through links too, and that files have the endings of their kind. What was not
 * given is passed over.
 * @throws DawsonError `usage` for an ending, `output-exists`.
 */
export async function requireOutputs(
  inputs: readonly (string | undefined)[],
  outputs: readonly Output[],
): Promise<void> {
  const read = await Promise.all(given(inputs).map(placeOf));
  const written: (Place & { readonly isReplaced: boolean })[] = [];
  for (const { path, kind } of outputs) {
    if (path === undefined) continue;
    if (kind !== 'folder' && kind !== 'shared-folder') requireEnding(path, outputEndings[kind]);
    const place = { ...(await placeOf(path)), isReplaced: kind === 'folder' };
    const input = read.find((other) => destroys(place, other));
    if (input) throw inTheWay(path, 'a place where no input lies', `the input ${input.path}`);
    const output = written.find((other) => destroys(place, other) || destroys(other, place));
    if (output)
      throw inTheWay(path, 'outputs at different places', `the output ${output.path} too`);
    written.push(place);
  }
}

const given = (paths: readonly (string | undefined)[]) =>
  paths.filter((path) => path !== undefined);

const inTheWay = (file: string, expected: string, found: string) =>
  new DawsonError('output-exists', { file, expected, found });

interface Place {
  readonly path: string;
  readonly real: string;
  /** Identity of what is there already: two names can be one file. */
  readonly inode?: string;
}

async function placeOf(path: string): Promise<Place> {
  const stats = await stat(path, { bigint: true }).catch(() => undefined);
  return {
    path,
    real: await realPath(resolve(path)),
    ...(stats && { inode: `${stats.dev} ${stats.ino}` }),
  };
}

/** With all links followed, though the last parts of the path may not be there yet. */
async function realPath(path: string): Promise<string> {
  const real = await realpath(path).catch(() => undefined);
  if (real !== undefined || dirname(path) === path) return real ?? path;
  return join(await realPath(dirname(path)), basename(path));
}

function destroys(output: Place & { readonly isReplaced: boolean }, other: Place): boolean {
  if (output.real === other.real) return true;
  if (output.inode !== undefined && output.inode === other.inode) return true;
  return output.isReplaced && other.real.startsWith(output.real + sep);
}
