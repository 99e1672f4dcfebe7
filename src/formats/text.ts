/** A text of a file, and what was assumed to read it. */
export interface DecodedText {
  /** Without byte-order mark. */
  readonly text: string;
  readonly notes: readonly string[];
}

/**
 * The text that bytes hold: UTF-16 where they begin with its mark, else UTF-8, else Windows-1252, in
 * which spreadsheet programs save, and which takes any bytes.
 */
export function decodeText(bytes: Uint8Array): DecodedText {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return decoded(bytes, 'utf-16le');
  if (first === 0xfe && second === 0xff) return decoded(bytes, 'utf-16be');
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), notes: [] };
  } catch {
    return decoded(bytes, 'windows-1252');
  }
}

const decoded = (bytes: Uint8Array, encoding: string): DecodedText => ({
  text: new TextDecoder(encoding).decode(bytes),
  notes: [`is not UTF-8: read as ${encoding}`],
});
