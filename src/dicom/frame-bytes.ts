import dicomParser, { type DataSet, type Element } from 'dicom-parser';
import type { PixelFormat } from './instance.js';
import type { ParsedFile } from './parse.js';

/** Bytes of a frame that is not compressed. */
export const frameSize = ({ rows, columns, bitsAllocated }: PixelFormat) =>
  (rows * columns * bitsAllocated) / 8;

/**
 * The bytes of one frame as they lie in the file, compressed or not.
 * @param frame counted from 0
 * @returns undefined where the pixel data end before it, or do not say which fragments belong to it.
 */
export function frameBytes(
  { attributes, pixelData, syntax }: ParsedFile,
  format: PixelFormat,
  frame: number,
  frames: number,
): Uint8Array | undefined {
  if (!pixelData) return undefined;
  const { bytes } = attributes;
  if (syntax.encoding === 'native') {
    if (pixelData.encapsulatedPixelData) return undefined;
    const start = pixelData.dataOffset + frame * frameSize(format);
    const end = start + frameSize(format);
    const last = Math.min(bytes.length, pixelData.dataOffset + pixelData.length);
    return end <= last ? bytes.subarray(start, end) : undefined;
  }
  const fragments = pixelData.fragments ?? [];
  const range = fragmentsOf(bytes, pixelData, frame, frames);
  if (range === undefined || range.from >= range.to) return undefined;
  return Buffer.concat(
    fragments
      .slice(range.from, range.to)
      .map(({ position, length }) => bytes.subarray(position, position + length)),
  );
}

/** Which fragments a frame has: all where it is the only one, one where they are as many as frames. */
function fragmentsOf(bytes: Uint8Array, element: Element, frame: number, frames: number) {
  const fragments = element.fragments ?? [];
  if (frames === 1) return { from: 0, to: fragments.length };
  if (fragments.length === frames) return { from: frame, to: frame + 1 };
  const offsets = offsetTable(bytes, element);
  if (offsets.length !== frames) return undefined;
  const at = (offset: number) => fragments.findIndex((fragment) => fragment.offset === offset);
  const to = frame + 1 < frames ? at(offsets[frame + 1]) : fragments.length;
  const from = frame === 0 ? 0 : at(offsets[frame]);
  return from < 0 ? undefined : { from, to };
}

/** The table of the file; else one made from where JPEG images end. */
function offsetTable(bytes: Uint8Array, element: Element): readonly number[] {
  const { basicOffsetTable = [], fragments = [] } = element;
  if (basicOffsetTable.length > 0 || fragments.length === 0) return basicOffsetTable;
  try {
    const dataSet = { byteArray: bytes } as unknown as DataSet;
    return dicomParser.createJPEGBasicOffsetTable(dataSet, element);
  } catch {
    return [];
  }
}
