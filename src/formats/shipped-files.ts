import { fileURLToPath } from 'node:url';
import { DawsonError } from '../errors.js';
import { parseJson } from './json.js';
import { readWholeFile } from './open-file.js';
import { type ImageFile, readNifti } from './read-volume.js';
import { sha256Of } from './sha256.js';

/**
 * Files that come with the program and are read when it runs: atlases, networks and schemas, by their
 * place in the package. The build notes the hash of each (`scripts/build.js`), and none is used that
 * is another.
 */

const root = new URL('../../', import.meta.url);
const limits = { mostBytes: 2 ** 26, kind: 'a file of Dawson' };

/** The path of such a file. */
export const shippedPath = (place: string): string => fileURLToPath(new URL(place, root));

/** The value in a JSON file that comes with the program. @throws DawsonError `file-not-found`, `file-corrupt`. */
export async function readShippedJson(place: string): Promise<unknown> {
  const bytes = await readWholeFile(shippedPath(place), limits);
  await requireShipped(place, sha256Of(bytes));
  return JSON.parse(bytes.toString());
}

/** An image that comes with the program. @throws DawsonError as {@link readShippedJson}. */
export async function readShippedImage(place: string): Promise<ImageFile> {
  const image = await readNifti(shippedPath(place));
  await requireShipped(place, image.sha256);
  return image;
}

/**
 * Makes sure that a file has the hash that it had when the program was built.
 * @throws DawsonError `file-corrupt`.
 */
export async function requireShipped(place: string, sha256: string): Promise<void> {
  hashes ??= readHashes();
  if ((await hashes)[place] === sha256) return;
  throw new DawsonError('file-corrupt', {
    file: shippedPath(place),
    expected: 'the file as Dawson came with it',
    found: 'other contents',
    advice: 'Install Dawson again; who changed the file on purpose builds it again.',
  });
}

let hashes: Promise<Readonly<Record<string, string>>> | undefined;

async function readHashes(): Promise<Readonly<Record<string, string>>> {
  const bytes = await readWholeFile(shippedPath('dist/shipped.json'), limits);
  return parseJson(bytes.toString()) as Readonly<Record<string, string>>;
}
