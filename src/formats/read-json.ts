import { DawsonError } from '../errors.js';
import { parseJson } from './json.js';
import { isThere, readWholeFile } from './open-file.js';
import { type DecodedText, decodeText } from './text.js';

/** Descriptions are small; anything larger is no description. */
const limits = { mostBytes: 64 * 2 ** 20, kind: 'a description' };

/**
 * The value in a JSON file, of unknown shape.
 * @throws DawsonError `file-not-found`, `file-oversized`, `file-corrupt`.
 */
export async function readJson(file: string): Promise<unknown> {
  return (await readJsonWithBytes(file)).value;
}

/**
 * As {@link readJson}, with the bytes that were read: their hash is that of this value.
 */
export async function readJsonWithBytes(
  file: string,
): Promise<{ value: unknown; bytes: Uint8Array }> {
  const bytes = await readWholeFile(file, limits);
  try {
    return { value: parseJson(decodeText(bytes).text), bytes };
  } catch (error) {
    throw notJson(file, error);
  }
}

/** As {@link readJson}; undefined where nothing has this name: a link that leads nowhere is something. */
export async function readJsonIfThere(file: string): Promise<unknown> {
  return (await isThere(file)) ? readJson(file) : undefined;
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
    return { value: parseJson(text), notes };
  } catch {
    const mended = withoutStrayTokens(text);
    const note =
      'holds NaN, Infinity or a comma behind the last entry, which is no JSON: read without';
    try {
      return { value: parseJson(mended), notes: [...notes, note] };
    } catch (error) {
      throw notJson(file, error);
    }
  }
}

/** What JSON does not know. */
const strayTokens = /-?\bInfinity\b|\bNaN\b|,(?=\s*[}\]])/g;

/** Strings stay as they are; takes as long as the text is, whatever it holds. */
function withoutStrayTokens(text: string): string {
  const parts: string[] = [];
  for (let at = 0; at < text.length; ) {
    const quote = text.indexOf('"', at);
    const start = quote < 0 ? text.length : quote;
    parts.push(
      text.slice(at, start).replace(strayTokens, (token) => (token === ',' ? '' : 'null')),
    );
    at = endOfString(text, start);
    parts.push(text.slice(start, at));
  }
  return parts.join('');
}

/** Behind the quote that ends the string which begins at `start`, or the end of the text. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}

const notJson = (file: string, error: unknown) =>
  new DawsonError('file-corrupt', {
    file,
    expected: 'JSON',
    // The parser's own words would repeat what the file holds.
    found: /^(values )?more than /.test((error as Error).message)
      ? (error as Error).message
      : 'something else',
    advice:
      'Mend it if it was edited; else copy it again from where it came: it is damaged or cut short.',
  });

const readText = async (file: string): Promise<DecodedText> =>
  decodeText(await readWholeFile(file, limits));
