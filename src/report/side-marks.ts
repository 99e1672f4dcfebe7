import { drawGlyph, glyphBox } from './glyph.js';
import type { Colour } from './outlined-slice.js';
import type { Plane } from './slice.js';

/** Letters of 5 by 7 pixels, a row a number whose five bits are its pixels from the left. */
const letters = {
  R: [0b11110, 0b10001, 0b10001, 0b11110, 0b10100, 0b10010, 0b10001],
  L: [0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b11111],
  A: [0b01110, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001],
  P: [0b11110, 0b10001, 0b10001, 0b11110, 0b10000, 0b10000, 0b10000],
} as const;
const columns = 5;
const white: Colour = [255, 255, 255];

export type SideLetter = keyof typeof letters;

/** Whether there is a mark for a side: not for head and feet. */
export const isSideLetter = (side: string): side is SideLetter => Object.hasOwn(letters, side);

/** Which sides of the person are on the left and on the right of a picture. */
export const sidesOf = {
  axial: ['R', 'L'],
  coronal: ['R', 'L'],
  sagittal: ['A', 'P'],
} as const satisfies Record<Plane, readonly [SideLetter, SideLetter]>;

/**
 * Writes which side of the person is on the left and on the right into an RGB picture, half way
 * up, white on black; larger in larger pictures. Pictures too small for it stay as they are.
 */
export function drawSideMarks(
  rgb: Uint8Array,
  width: number,
  height: number,
  [left, right]: readonly [SideLetter, SideLetter],
): void {
  const scale = Math.max(1, Math.round(Math.min(width, height) / 160));
  const glyphOf = (letter: SideLetter) => ({ columns, rows: letters[letter] });
  const box = glyphBox(glyphOf(left), scale);
  if (2 * box.width > width || box.height > height) return;
  const top = Math.floor((height - box.height) / 2);
  drawGlyph({ rgb, width }, glyphOf(left), [0, top], scale, white);
  drawGlyph({ rgb, width }, glyphOf(right), [width - box.width, top], scale, white);
}
