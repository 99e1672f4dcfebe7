import { readFile, stat } from 'node:fs/promises';
import { DawsonError } from '../errors.js';
import { readingFailure } from './byte-stream.js';

/** Descriptions are small; anything larger is no description. */
const largestBytes = 64 * 2 ** 20;

/**
 * The value in a JSON file, of unknown shape.
 * @throws DawsonError `file-not-found`, `file-oversized`, `file-corrupt`.
 */
export async function readJson(file: string): Promise<unknown> {
  let text: string;
  try {
    const { size } = await stat(file);
    if (size > largestBytes) {
      throw new DawsonError('file-oversized', {
        file,
        expected: `at most ${largestBytes} bytes`,
        found: `${size} bytes`,
      });
    }
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw readingFailure(error, file);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new DawsonError('file-corrupt', { file, expected: 'JSON', found: 'something else' });
  }
}

/** As {@link readJson}; undefined where there is no such file. */
export async function readJsonIfThere(file: string): Promise<unknown> {
  try {
    await stat(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw readingFailure(error, file);
  }
  return readJson(file);
}
