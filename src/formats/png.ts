import { encode } from 'fast-png';

/**
 * A PNG file of an RGB picture: 8 bits a channel, rows from the top, three bytes a pixel. The same
 * picture gives the same bytes.
 * @throws RangeError when the number of bytes does not fit the size.
 */
export function encodePng(rgb: Uint8Array, width: number, height: number): Uint8Array {
  if (rgb.length !== 3 * width * height) {
    throw new RangeError(`${rgb.length} bytes for ${width} x ${height} RGB pixels`);
  }
  return encode({ width, height, data: rgb, channels: 3, depth: 8 });
}
