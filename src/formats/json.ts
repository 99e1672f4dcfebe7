/** Deeper than any description: what walks a value by calling itself must not run out of stack. */
const mostDepth = 64;

/** Values of one text. A list of 10,000 lesions has a tenth of it; each takes up to 100 bytes. */
const mostValues = 2 ** 22;

/**
 * The value of a JSON text of unknown origin. Its depth and the number of its values are known before
 * any is made.
 * @throws SyntaxError where it is no JSON, or more than any description is.
 */
export function parseJson(text: string): unknown {
  requireBounds(text);
  return JSON.parse(text);
}

function requireBounds(text: string): void {
  let depth = 0;
  let values = 1;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === backslash) at++;
      else if (code === quote) inString = false;
    } else if (code === quote) {
      inString = true;
    } else if (code === openBrace || code === openBracket) {
      if (++depth > mostDepth) throw new SyntaxError(`values more than ${mostDepth} deep`);
      values++;
    } else if (code === closeBrace || code === closeBracket) {
      depth--;
    } else if (code === comma) {
      values++;
    }
  }
  if (values > mostValues) throw new SyntaxError(`more than ${mostValues} values`);
}

const [quote, backslash, comma, openBrace, closeBrace, openBracket, closeBracket] = [
  ...'"\\,{}[]',
].map((character) => character.charCodeAt(0));

/** JSON as every file of Dawson has it: two spaces a level, a line break at the end. */
export const jsonText = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

export const jsonBytes = (value: unknown): Uint8Array => new TextEncoder().encode(jsonText(value));
