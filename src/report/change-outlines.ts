import { drawChangeMarks } from './change-marks.js';
import { classesIn, styleOf } from './change-styles.js';
import { type Colour, greySlice, type Pixels, rimOf } from './outlined-slice.js';
import type { Window } from './picture.js';
import { outlineLoops } from './slice.js';

/** Steps along an outline that are drawn and then left out, in pixels. */
const dash = { drawn: 3, gap: 3 } as const;

/** A slice of the current exam with what became of its lesions. */
export interface ChangedSlice {
  readonly flair: Pixels;
  /** Numbers of `change.nii.gz`. */
  readonly change: Pixels;
  /** What the current exam has of them; the rest is the previous exam's alone. */
  readonly lesions: Pixels;
}

/**
 * A slice of a FLAIR in grey, as RGB, with an outline around each lesion in the colour of what became
 * of it, and a mark beside it, so that nothing is told by colour alone. Outlines are drawn on the
 * pixels just outside: dashed where only the previous exam has the lesion. Pixels of lesions, of
 * both exams, stay as they are.
 */
export function outlinedChange(
  { flair, change, lesions }: ChangedSlice,
  window: Window,
): Uint8Array {
  const rgb = greySlice(flair, window);
  const only = (isShown: (pixel: number) => boolean): Pixels => ({
    ...change,
    values: change.values.map((value, pixel) => (isShown(pixel) ? value : 0)),
  });
  const isFree = (pixel: number) => change.values[pixel] === 0;
  for (const value of classesIn(change.values)) {
    const gone = only((at) => change.values[at] === value && lesions.values[at] === 0);
    drawDashes(rgb, gone, styleOf(value).colour, isFree);
  }
  for (const [pixel, value] of rimOf(only((at) => lesions.values[at] !== 0))) {
    if (isFree(pixel)) rgb.set(styleOf(value).colour, 3 * pixel);
  }
  drawChangeMarks({ rgb, width: flair.width, height: flair.height }, change);
  return rgb;
}

/** From the corner where a step along an outline begins to the pixel outside of it, by direction. */
const toOutside = [
  [0, -1],
  [0, 0],
  [-1, 0],
  [-1, -1],
] as const;

/** A dashed outline on the pixels just outside of those that are not 0, where they are free. */
export function drawDashes(
  rgb: Uint8Array,
  mask: Pixels,
  colour: Colour,
  isFree: (pixel: number) => boolean,
): void {
  const { width, height } = mask;
  for (const loop of outlineLoops(mask)) {
    for (const [at, { column, row, direction }] of loop.entries()) {
      if (at % (dash.drawn + dash.gap) >= dash.drawn) continue;
      const [x, y] = [column + toOutside[direction][0], row + toOutside[direction][1]];
      const isInside = x >= 0 && y >= 0 && x < width && y < height;
      if (isInside && isFree(y * width + x)) rgb.set(colour, 3 * (y * width + x));
    }
  }
}
