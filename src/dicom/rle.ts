/**
 * Decodes a frame of RLE lossless compression (PS3.5, annex G): a header of 16 numbers with where
 * each segment begins; a segment a byte of the numbers, the highest first; runs as in PackBits.
 * @param sizeBytes of the frame, decoded, numbers in little endian order
 * @returns undefined where segments do not give just as many bytes.
 */
export function decodeRle(
  bytes: Uint8Array,
  sizeBytes: number,
  width: number,
): Uint8Array | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < 64 || view.getUint32(0, true) !== width) return undefined;
  const decoded = new Uint8Array(sizeBytes);
  for (let segment = 0; segment < width; segment++) {
    const start = view.getUint32(4 + 4 * segment, true);
    const next = segment + 1 < width ? view.getUint32(8 + 4 * segment, true) : bytes.length;
    if (start < 64 || start > next || next > bytes.length) return undefined;
    const place = { first: width - 1 - segment, stride: width };
    if (!decodeSegment(bytes.subarray(start, next), decoded, place)) return undefined;
  }
  return decoded;
}

/** Whether the segment gave every byte of its plane. */
function decodeSegment(
  segment: Uint8Array,
  decoded: Uint8Array,
  { first, stride }: { first: number; stride: number },
): boolean {
  let at = 0;
  let to = first;
  while (at < segment.length && to < decoded.length) {
    const code = segment[at++];
    if (code === 128) continue;
    const count = code < 128 ? code + 1 : 257 - code;
    const isRun = code > 128;
    if (at + (isRun ? 1 : count) > segment.length) return false;
    for (let n = 0; n < count && to < decoded.length; n++, to += stride) {
      decoded[to] = segment[isRun ? at : at + n];
    }
    at += isRun ? 1 : count;
  }
  return to >= decoded.length;
}
