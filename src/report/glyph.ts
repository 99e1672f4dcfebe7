import type { Colour } from './outlined-slice.js';
import type { RgbPicture } from './picture.js';

/** A sign in pixels: a row a number whose bits are its pixels, the highest of `columns` on the left. */
export interface Glyph {
  readonly columns: number;
  readonly rows: readonly number[];
}

/** Pixels that a glyph takes: itself and a border of black around it. */
export const glyphBox = ({ columns, rows }: Glyph, scale: number) => ({
  width: (columns + 2) * scale,
  height: (rows.length + 2) * scale,
});

/** Draws a glyph in its box, on black, each of its pixels `scale` wide and high. */
export function drawGlyph(
  { rgb, width }: Pick<RgbPicture, 'rgb' | 'width'>,
  glyph: Glyph,
  [left, top]: readonly [number, number],
  scale: number,
  colour: Colour,
): void {
  const box = glyphBox(glyph, scale);
  for (let y = 0; y < box.height; y++) {
    for (let x = 0; x < box.width; x++) {
      const row = glyph.rows[Math.floor(y / scale) - 1] ?? 0;
      const column = Math.floor(x / scale) - 1;
      const isInk = column >= 0 && ((row >> (glyph.columns - 1 - column)) & 1) === 1;
      rgb.set(isInk ? colour : [0, 0, 0], 3 * ((top + y) * width + left + x));
    }
  }
}
