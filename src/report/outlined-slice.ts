import type { IntegerData } from '../volume/volume.js';
import type { Window } from './picture.js';
import type { Slice } from './slice.js';

/** Red, green, blue, 0 to 255. */
export type Colour = readonly [number, number, number];

/** Numbers row by row from the top left. */
export type Pixels = Pick<Slice, 'values' | 'width' | 'height'>;

/** Whole numbers likewise; 0 where there is nothing. */
export type Labels = Omit<Pixels, 'values'> & { readonly values: Float32Array | IntegerData };

const rimColour: Colour = [255, 212, 0];

/**
 * A slice of a FLAIR in grey, with the outlines of its lesions, as RGB. They are drawn on the pixels
 * just outside a lesion, whose own pixels stay as they are.
 */
export function outlinedSlice(flair: Pixels, lesions: Pixels, window: Window): Uint8Array {
  const rgb = greySlice(flair, window);
  for (const [pixel] of rimOf(lesions)) rgb.set(rimColour, 3 * pixel);
  return rgb;
}

/** A slice in grey, as RGB. */
export function greySlice({ values }: Pixels, { black, white }: Window): Uint8Array {
  const rgb = new Uint8Array(3 * values.length);
  const scale = white > black ? 255 / (white - black) : 0;
  for (let pixel = 0; pixel < values.length; pixel++) {
    const level = Math.round(Math.min(255, Math.max(0, (values[pixel] - black) * scale)));
    rgb.fill(level, 3 * pixel, 3 * pixel + 3);
  }
  return rgb;
}

/** A pixel that is outlined, and the value of what lies beside it. */
export type RimPixel = readonly [pixel: number, value: number];

/** The pixels of value 0 that share an edge with one of another value, from the top left. */
export function rimOf({ values, width, height }: Labels): RimPixel[] {
  const rim: RimPixel[] = [];
  for (let row = 0, pixel = 0; row < height; row++) {
    for (let column = 0; column < width; column++, pixel++) {
      if (values[pixel] !== 0) continue;
      const touched =
        (column > 0 && values[pixel - 1]) ||
        (column < width - 1 && values[pixel + 1]) ||
        (row > 0 && values[pixel - width]) ||
        (row < height - 1 && values[pixel + width]);
      if (touched) rim.push([pixel, touched]);
    }
  }
  return rim;
}
