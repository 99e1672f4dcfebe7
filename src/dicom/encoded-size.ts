import type { PixelEncoding } from './transfer-syntax.js';

/** What the header of a compressed frame says of it. */
export interface EncodedSize {
  readonly rows: number;
  readonly columns: number;
  readonly components: number;
  readonly bits: number;
}

/** More tiles than any encoder makes of an image of one plane. */
const mostTiles = 4096;

/**
 * Size of a frame by the header of its compressed data, so that no decoder takes memory for more
 * than the image has. Undefined where there is no such header.
 */
export function encodedSize(bytes: Uint8Array, encoding: PixelEncoding): EncodedSize | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return encoding === 'jpeg-2000' ? codestreamSize(view) : jpegSize(view, encoding);
}

/** The SIZ marker segment, which follows the start of a codestream (ISO 15444-1, A.5.1). */
function codestreamSize(view: DataView): EncodedSize | undefined {
  if (view.byteLength < 45 || view.getUint32(0) !== 0xff4fff51) return undefined;
  const [width, height, left, top, tileWidth, tileHeight] = [8, 12, 16, 20, 24, 28].map((at) =>
    view.getUint32(at),
  );
  const tiles = Math.ceil(width / tileWidth) * Math.ceil(height / tileHeight);
  if (!(tiles <= mostTiles)) return undefined;
  return {
    rows: height - top,
    columns: width - left,
    components: view.getUint16(40),
    bits: (view.getUint8(42) & 0x7f) + 1,
  };
}

/** The frame header: SOF3 of lossless JPEG (ISO 10918-1, B.2.2), SOF55 of JPEG-LS (ISO 14495-1, C.2.2). */
function jpegSize(view: DataView, encoding: PixelEncoding): EncodedSize | undefined {
  const wanted = encoding === 'jpeg-ls' ? 0xf7 : 0xc3;
  if (view.byteLength < 4 || view.getUint16(0) !== 0xffd8) return undefined;
  let at = 2;
  while (at + 10 <= view.byteLength) {
    if (view.getUint8(at) !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    // Fill bytes may stand before a marker.
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (marker === wanted) {
      return {
        bits: view.getUint8(at + 4),
        rows: view.getUint16(at + 5),
        columns: view.getUint16(at + 7),
        components: view.getUint8(at + 9),
      };
    }
    at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}
