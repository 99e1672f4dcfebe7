import { endianness } from 'node:os';
import { DawsonError } from '../errors.js';
import type { VoxelData } from '../volume/volume.js';

export type ByteOrder = 'LE' | 'BE';

/** How scalar values lie in image files, and how wide each is. */
export const scalarBytes = {
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  uint32: 4,
  int32: 4,
  uint64: 8,
  int64: 8,
  float32: 4,
  float64: 8,
  float128: 16,
} as const;
export type ScalarType = keyof typeof scalarBytes;

/**
 * The values that `bytes` (in a buffer of their own) hold. 64-bit integers and 128-bit floats
 * (IEEE 754 binary128) become doubles; the latter are rounded. Changes the order of `bytes` in place.
 * @throws DawsonError `unsupported-image` for a 64-bit integer that a double does not hold exactly.
 */
export function decodeScalars(
  bytes: Uint8Array<ArrayBuffer>,
  type: ScalarType,
  order: ByteOrder,
  file: string,
): VoxelData {
  if (type === 'int64' || type === 'uint64') return decodeIntegers64(bytes, type, order, file);
  if (type === 'float128') return decodeFloats128(bytes, order);
  toHostOrder(bytes, scalarBytes[type], order);
  const { buffer, byteOffset, length } = bytes;
  switch (type) {
    case 'uint8':
      return bytes;
    case 'int8':
      return new Int8Array(buffer, byteOffset, length);
    case 'uint16':
      return new Uint16Array(buffer, byteOffset, length / 2);
    case 'int16':
      return new Int16Array(buffer, byteOffset, length / 2);
    case 'uint32':
      return new Uint32Array(buffer, byteOffset, length / 4);
    case 'int32':
      return new Int32Array(buffer, byteOffset, length / 4);
    case 'float32':
      return new Float32Array(buffer, byteOffset, length / 4);
    case 'float64':
      return new Float64Array(buffer, byteOffset, length / 8);
  }
}

/** Turns values of `width` bytes between an order of bytes and the machine's, in place. */
export function toHostOrder(bytes: Uint8Array, width: 1 | 2 | 4 | 8, order: ByteOrder): void {
  if (width === 1 || order === endianness()) return;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (width === 2) buffer.swap16();
  else if (width === 4) buffer.swap32();
  else buffer.swap64();
}

function decodeIntegers64(
  bytes: Uint8Array,
  type: 'int64' | 'uint64',
  order: ByteOrder,
  file: string,
): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const little = order === 'LE';
  const values = new Float64Array(bytes.length / 8);
  for (let index = 0; index < values.length; index++) {
    const low = view.getUint32(8 * index + (little ? 0 : 4), little);
    const highAt = 8 * index + (little ? 4 : 0);
    const high = type === 'int64' ? view.getInt32(highAt, little) : view.getUint32(highAt, little);
    values[index] = high * 2 ** 32 + low;
    if (Math.abs(values[index]) < 2 ** 53) continue;
    const exact =
      type === 'int64' ? view.getBigInt64(8 * index, little) : view.getBigUint64(8 * index, little);
    if (BigInt(values[index]) === exact) continue;
    throw new DawsonError('unsupported-image', {
      file,
      expected: `${type} values that a double holds exactly, such as those up to 2^53`,
      found: `${exact}`,
    });
  }
  return values;
}

/** IEEE 754 binary128: 1 bit sign, 15 bits exponent (bias 16383), 112 bits fraction. */
function decodeFloats128(bytes: Uint8Array, order: ByteOrder): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const little = order === 'LE';
  const values = new Float64Array(bytes.length / 16);
  for (let index = 0; index < values.length; index++) {
    const word = (fromTop: number) =>
      view.getUint32(16 * index + 4 * (little ? 3 - fromTop : fromTop), little);
    const sign = word(0) >>> 31 === 1 ? -1 : 1;
    const exponent = (word(0) >>> 16) & 0x7fff;
    const fraction =
      (word(0) & 0xffff) / 2 ** 16 + word(1) / 2 ** 48 + word(2) / 2 ** 80 + word(3) / 2 ** 112;
    if (exponent === 0x7fff) {
      values[index] = fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    } else if (exponent !== 0) {
      values[index] = sign * (1 + fraction) * 2 ** (exponent - 16383);
    }
  }
  return values;
}
