import { identity } from '../volume/affine.js';
import { connectedComponents } from '../volume/components.js';
import { changeMarks, classesIn, markScale, styleOf } from './change-styles.js';
import { drawGlyph, glyphBox } from './glyph.js';
import { type Pixels, rimOf } from './outlined-slice.js';
import type { RgbPicture } from './picture.js';

/** What pixels of a slice are taken for, what marks avoid most last; 0 is nothing. */
const use = { outline: 1, kept: 2 } as const;

/** Where marks can lie. */
interface Ground {
  /** A value of {@link use} a pixel. */
  readonly taken: Uint8Array;
  readonly width: number;
  readonly height: number;
}

interface Box {
  readonly width: number;
  readonly height: number;
}

/**
 * A mark beside each connected part of what became of lesions, near its top where there is room: never
 * on a lesion or another mark, and on an outline only where there is no other place.
 * @param change numbers of `change.nii.gz`
 */
export function drawChangeMarks(picture: RgbPicture, change: Pixels): void {
  const { width, height } = picture;
  const scale = markScale(width, height);
  const taken = Uint8Array.from(change.values, (value) => (value === 0 ? 0 : use.kept));
  for (const [pixel] of rimOf(change)) taken[pixel] = use.outline;
  for (const { value, rim } of partsOf(change)) {
    const { mark, colour } = styleOf(value);
    if (mark === 'none') continue;
    const box = glyphBox(changeMarks[mark], scale);
    const place = placeBeside(rim, box, { taken, width, height });
    if (place === undefined) continue;
    drawGlyph(picture, changeMarks[mark], place, scale, colour);
    const [left, top] = place;
    for (let y = top; y < top + box.height; y++) {
      taken.fill(use.kept, y * width + left, y * width + left + box.width);
    }
  }
}

/** The connected parts (also by corners) of each class, the first class first, and the pixels around them. */
function partsOf({ values, width, height }: Pixels): { value: number; rim: number[] }[] {
  const size = [width, height, 1] as const;
  return classesIn(values).flatMap((value) => {
    const data = Uint8Array.from(values, (other) => (other === value ? 1 : 0));
    const { labels, count } = connectedComponents({ data, size, affine: identity }, 26);
    const parts = Array.from({ length: count }, () => ({ value, rim: [] as number[] }));
    for (const [pixel, part] of rimOf({ values: labels.data, width, height })) {
      parts[part - 1].rim.push(pixel);
    }
    return parts;
  });
}

/** Sides of a pixel in the order of preference: columns, rows; 1 behind it, -1 before it. */
const sides = [
  [1, -1],
  [1, 0],
  [0, -1],
  [-1, -1],
  [-1, 0],
  [1, 1],
  [0, 1],
  [-1, 1],
] as const;

/** Top left corner of the first free box beside an outline, the nearer the better; none without room. */
function placeBeside(rim: readonly number[], box: Box, ground: Ground) {
  const start = (at: number, side: number, length: number, gap: number) =>
    side === 0 ? at - Math.floor(length / 2) : side > 0 ? at + 1 + gap : at - length - gap;
  for (const avoided of [use.outline, use.kept]) {
    for (let gap = 0; gap <= 2 * box.width; gap++) {
      for (const pixel of rim) {
        const [x, y] = [pixel % ground.width, Math.floor(pixel / ground.width)];
        for (const [sideX, sideY] of sides) {
          const left = start(x, sideX, box.width, gap);
          const top = start(y, sideY, box.height, gap);
          if (isFree([left, top], box, ground, avoided)) return [left, top] as const;
        }
      }
    }
  }
  return undefined;
}

/** Whether a box lies in the picture and no pixel of it is taken for what is avoided. */
function isFree(
  [left, top]: readonly [number, number],
  box: Box,
  { taken, width, height }: Ground,
  avoided: number,
): boolean {
  if (left < 0 || top < 0 || left + box.width > width || top + box.height > height) return false;
  for (let y = top; y < top + box.height; y++) {
    for (let x = left; x < left + box.width; x++) if (taken[y * width + x] >= avoided) return false;
  }
  return true;
}
