import { readFile, stat } from 'node:fs/promises';
import { DawsonError } from '../errors.js';
import { readingFailure } from './byte-stream.js';
import { type DecodedText, decodeText } from './text.js';

/** Descriptions are small; anything larger is no description. */
const largestBytes = 64 * 2 ** 20;

/**
 * The value in a JSON file, of unknown shape.
 * @throws DawsonError `file-not-found`, `file-oversized`, `file-corrupt`.
 */
export async function readJson(file: string): Promise<unknown> {
  const { text } = await readText(file);
  try {
    return JSON.parse(text);
  } catch {
    throw notJson(file);
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

/**
 * The value in a JSON file of another program, which may hold what JSON does not know but programs
 * write: NaN and Infinity (which become null) and commas behind the last entry.
 * @returns the value, and what was read against the rules of JSON.
 * @throws DawsonError as {@link readJson}.
 */
export async function readForeignJson(
  file: string,
): Promise<{ value: unknown; notes: readonly string[] }> {
  const { text, notes } = await readText(file);
  try {
    return { value: JSON.parse(text), notes };
  } catch {
    const mended = text.replace(strayTokens, (token) => {
      if (token.startsWith('"')) return token;
      return token === ',' ? '' : 'null';
    });
    const note =
      'holds NaN, Infinity or a comma behind the last entry, which is no JSON: read without';
    try {
      return { value: JSON.parse(mended), notes: [...notes, note] };
    } catch {
      throw notJson(file);
    }
  }
}

/** Strings, to pass over them, and what JSON does not know. */
const strayTokens = /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b|,(?=\s*[}\]])/gs;

const notJson = (file: string) =>
  new DawsonError('file-corrupt', { file, expected: 'JSON', found: 'something else' });

async function readText(file: string): Promise<DecodedText> {
  try {
    const { size } = await stat(file);
    if (size > largestBytes) {
      throw new DawsonError('file-oversized', {
        file,
        expected: `at most ${largestBytes} bytes`,
        found: `${size} bytes`,
      });
    }
    return decodeText(await readFile(file));
  } catch (error) {
    throw readingFailure(error, file);
  }
}
