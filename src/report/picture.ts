import { createRequire } from 'node:module';
import { Resvg } from '@resvg/resvg-js';
import { encodePng } from '../formats/png.js';
import type { Slice } from './slice.js';

/** Text in pictures is drawn with this font, which comes with the program: no machine's own fonts. */
const fontFile = createRequire(import.meta.url).resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf');

/** An SVG document drawn as PNG, the same bytes on every machine. */
export const renderSvg = (svg: string): Uint8Array => rendered(svg).asPng();

/** The same as pixels, without what shines through. */
export function svgPicture(svg: string): RgbPicture {
  const { pixels, width, height } = rendered(svg);
  const rgb = new Uint8Array(3 * width * height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    rgb.set(pixels.subarray(4 * pixel, 4 * pixel + 3), 3 * pixel);
  }
  return { rgb, width, height };
}

const rendered = (svg: string) =>
  new Resvg(svg, {
    font: { fontFiles: [fontFile], loadSystemFonts: false, defaultFontFamily: 'DejaVu Sans' },
  }).render();

/** A picture row by row from the top left, three bytes a pixel. */
export interface RgbPicture {
  readonly rgb: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Intensities shown as black and as white. */
export interface Window {
  readonly black: number;
  readonly white: number;
}

/** A slice as the address of a grey PNG that an SVG `image` element can show. */
export function sliceAsDataUrl(slice: Slice, { black, white }: Window): string {
  const rgb = new Uint8Array(3 * slice.values.length);
  const scale = white > black ? 255 / (white - black) : 0;
  for (let pixel = 0; pixel < slice.values.length; pixel++) {
    const grey = Math.round(Math.min(255, Math.max(0, (slice.values[pixel] - black) * scale)));
    rgb.fill(grey, 3 * pixel, 3 * pixel + 3);
  }
  const png = encodePng(rgb, slice.width, slice.height);
  return `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
}
