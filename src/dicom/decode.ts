import { createRequire } from 'node:module';
import { encodedSize } from './encoded-size.js';
import { frameSize } from './frame-bytes.js';
import type { PixelFormat } from './instance.js';
import { decodeRle } from './rle.js';

/** A decoder of the WebAssembly codecs, with memory outside of the garbage collector's. */
interface WasmDecoder {
  getEncodedBuffer(bytes: number): Uint8Array;
  getDecodedBuffer(): Uint8Array;
  decode(): void;
  delete(): void;
}
type WasmModule = Readonly<Record<string, new () => WasmDecoder>>;
type Load = (options: object) => Promise<WasmModule>;

const require = createRequire(import.meta.url);

const wasmCodecs = {
  'jpeg-ls': { module: '@cornerstonejs/codec-charls/decodewasmjs', decoder: 'JpegLSDecoder' },
  'jpeg-2000': { module: '@cornerstonejs/codec-openjpeg/decodewasmjs', decoder: 'J2KDecoder' },
} as const;

const loaded = new Map<keyof typeof wasmCodecs, Promise<WasmModule>>();

/**
 * The pixels of a compressed frame: rows x columns numbers of `bitsAllocated`, little endian.
 * @returns undefined where the data are damaged or of another image than the header says.
 */
export async function decodeFrame(
  bytes: Uint8Array,
  format: PixelFormat,
): Promise<Uint8Array | undefined> {
  const { encoding } = format;
  const width = format.bitsAllocated / 8;
  if (encoding === 'rle') return decodeRle(bytes, frameSize(format), width);
  const size = encodedSize(bytes, encoding);
  const fits =
    size?.rows === format.rows &&
    size.columns === format.columns &&
    size.components === 1 &&
    size.bits <= Math.min(16, format.bitsAllocated);
  if (!fits) return undefined;
  const decoded =
    encoding === 'jpeg-lossless' ? decodeJpegLossless(bytes) : await decodeWasm(bytes, encoding);
  return decoded && widened(decoded, format);
}

interface JpegLosslessDecoder {
  decompress(data: ArrayBufferLike, offset: number, length: number): ArrayBuffer;
  readonly outputData: Uint8Array | Uint16Array | null;
  /** The row of the pixel that comes next, and the number of rows. */
  readonly yLoc: number;
  readonly yDim: number;
}

/**
 * jpeg-lossless-decoder-js 2.1.2 stops at the marker of the end as soon as it has read it, though
 * codes of some last pixels may still wait in the byte before. Without the marker it reads on, and
 * fails only behind the last pixel.
 */
function decodeJpegLossless(bytes: Uint8Array): Uint8Array | undefined {
  const end = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).lastIndexOf(endOfImage);
  if (end < 0) return undefined;
  const { Decoder } = require('jpeg-lossless-decoder-js');
  const decoder: JpegLosslessDecoder = new Decoder();
  try {
    decoder.decompress(bytes.buffer, bytes.byteOffset, end);
  } catch {
    // Whether all pixels are there is seen below.
  }
  const { outputData: pixels, yLoc, yDim } = decoder;
  if (pixels === null || yLoc !== yDim) return undefined;
  return new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength);
}

const endOfImage = Buffer.from([0xff, 0xd9]);

async function decodeWasm(
  bytes: Uint8Array,
  encoding: PixelFormat['encoding'],
): Promise<Uint8Array | undefined> {
  if (encoding !== 'jpeg-ls' && encoding !== 'jpeg-2000') return undefined;
  const { module, decoder: name } = wasmCodecs[encoding];
  const load = () => (require(module) as Load)({ print() {}, printErr() {} });
  if (!loaded.has(encoding)) loaded.set(encoding, load());
  const codec = await loaded.get(encoding)!;
  try {
    const decoder = new codec[name]();
    try {
      decoder.getEncodedBuffer(bytes.length).set(bytes);
      decoder.decode();
      // A copy: the memory of the codec is used again.
      return new Uint8Array(decoder.getDecodedBuffer());
    } finally {
      decoder.delete();
    }
  } catch {
    // What a damaged frame has left in the codec must not touch the next.
    loaded.delete(encoding);
    return undefined;
  }
}

/** Codecs give one byte a pixel where eight bits are enough, also where the image has two. */
function widened(decoded: Uint8Array, format: PixelFormat): Uint8Array | undefined {
  const wanted = frameSize(format);
  if (decoded.length === wanted) return decoded;
  const times = wanted / decoded.length;
  if (decoded.length !== format.rows * format.columns && times !== 2) return undefined;
  const wide = new Uint8Array(wanted);
  const width = format.bitsAllocated / 8;
  const had = width / times;
  for (let pixel = 0; pixel < format.rows * format.columns; pixel++) {
    for (let byte = 0; byte < had; byte++) wide[width * pixel + byte] = decoded[had * pixel + byte];
  }
  return wide;
}
