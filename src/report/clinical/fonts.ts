import { createRequire } from 'node:module';
import { Blob, Face } from 'harfbuzzjs';
import { readWholeFile } from '../../formats/open-file.js';

const require = createRequire(import.meta.url);
const dejavu = [
  'DejaVuSans',
  'DejaVuSans-Bold',
  'DejaVuSansCondensed',
  'DejaVuSansCondensed-Bold',
].map((name) => require.resolve(`dejavu-fonts-ttf/ttf/${name}.ttf`));
const chinese = '@fontsource-variable/noto-sans-sc';

const readFont = (file: string) => readWholeFile(file, { mostBytes: 2 ** 24, kind: 'a font' });

/** What stands for a character without a glyph: a sign that every font here has. */
export const missingSign = '\uFFFD';

/** Fonts that show a text, and the characters for which there is none. */
export interface ReportFonts {
  readonly fonts: readonly Buffer[];
  readonly missing: ReadonlySet<string>;
}

/**
 * The fonts of the report: DejaVu, which has the letters of European and many other scripts, and for
 * what it lacks the characters needed of Noto Sans SC (Chinese, and Japanese kana). That font comes
 * in about a hundred parts of variable weight; only parts with a needed character are opened.
 */
export async function fontsFor(text: string): Promise<ReportFonts> {
  const fonts: Buffer[] = await Promise.all(dejavu.map(readFont));
  const covered = [0, 2].map(
    (index) => new Set(new Face(new Blob(fonts[index])).collectUnicodes()),
  );
  const wanted = [...new Set(text)].filter(
    (character) => !covered.every((codes) => codes.has(character.codePointAt(0)!)),
  );
  if (wanted.length === 0) return { fonts, missing: new Set() };
  const missing = new Set(wanted);
  const { default: subsetFont } = await import('subset-font');
  for (const [part, characters] of await partsWith(wanted)) {
    const file = require.resolve(`${chinese}/files/noto-sans-sc-${part}-wght-normal.woff2`);
    fonts.push(
      await subsetFont(await readFont(file), characters, {
        targetFormat: 'sfnt',
        variationAxes: { wght: 400 },
      }),
    );
    const codes = new Set(new Face(new Blob(fonts.at(-1)!)).collectUnicodes());
    for (const character of characters) {
      if (codes.has(character.codePointAt(0)!)) missing.delete(character);
    }
  }
  return { fonts, missing };
}

/** The parts of the Chinese font that hold these characters, and which each of them holds. */
async function partsWith(characters: readonly string[]): Promise<Map<string, string>> {
  const ranges: Record<string, string> = JSON.parse(
    (await readFont(require.resolve(`${chinese}/unicode.json`))).toString(),
  );
  const parts = new Map<string, string>();
  for (const character of characters) {
    const code = character.codePointAt(0)!;
    const part = Object.keys(ranges).find((name) => inRanges(code, ranges[name]));
    if (part === undefined) continue;
    const name = part.replace(/[[\]]/g, '');
    parts.set(name, (parts.get(name) ?? '') + character);
  }
  return parts;
}

/** Whether a code lies in ranges as CSS writes them: "U+4e00-4e10,U+5973". */
function inRanges(code: number, ranges: string): boolean {
  return ranges.split(',').some((range) => {
    const [first, last = first] = range
      .replace('U+', '')
      .split('-')
      .map((digits) => Number.parseInt(digits, 16));
    return code >= first && code <= last;
  });
}
