import { DawsonError } from '../errors.js';
import { toFloat16, toFloat32 } from './float16.js';
import { parseJson } from './json.js';
import { mostBytesAtOnce, readWholeFile } from './open-file.js';
import { writeWhole } from './write-whole.js';

export interface WeightTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Tensors and texts of one file. */
export interface Safetensors {
  readonly tensors: ReadonlyMap<string, WeightTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Bytes of a number of each type that is read. */
const bytesOf = { F32: 4, F16: 2 } as const;
/** Names of the format for single and half precision. */
export type NumberType = keyof typeof bytesOf;

/** Headers of networks with thousands of tensors are far below. */
const longestHeaderBytes = 16 * 2 ** 20;
const highestRank = 8;
const damagedAdvice =
  'It is damaged, was cut short, or is no safetensors file: copy it again from where it came.';
const otherTypeAdvice = 'Convert its numbers to float32 or float16 first.';

/**
 * Reads float32 and float16 tensors from a safetensors file (huggingface.co/docs/safetensors): 8 bytes with the
 * length of the header, a JSON header with type, shape and place of each tensor, the data.
 * @throws DawsonError `file-not-found`; `bad-model` where the header and the file's length disagree,
 *   where tensors overlap or leave gaps, or hold another type.
 */
export async function readSafetensors(file: string): Promise<Safetensors> {
  return parseSafetensors(await readSafetensorsBytes(file), file);
}

/** The bytes of such a file, for {@link parseSafetensors} and for their hash. @throws as that. */
export const readSafetensorsBytes = (file: string): Promise<Uint8Array> =>
  readWholeFile(file, { mostBytes: mostBytesAtOnce, kind: 'a file of weights' });

/** @param file name for messages */
export function parseSafetensors(bytes: Uint8Array, file: string): Safetensors {
  const fail = (expected: string, found: string, advice = damagedAdvice): never => {
    throw new DawsonError('bad-model', { file, expected, found, advice });
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 8) fail('at least 8 bytes', `${bytes.length}`);
  const headerBytes = Number(view.getBigUint64(0, true));
  if (headerBytes > longestHeaderBytes || headerBytes > bytes.length - 8) {
    fail('a header within the file', `a header of ${headerBytes} bytes`);
  }
  const header = parseHeader(bytes.subarray(8, 8 + headerBytes)) ?? fail('a JSON header', 'none');
  const dataStart = 8 + headerBytes;
  const dataBytes = bytes.length - dataStart;

  const entries = Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, entry]) => {
      const shown = name.length > 80 ? `${name.slice(0, 80)}…` : name;
      const place = placeOf(entry) ?? fail(`type, shape and place of ${shown}`, 'something else');
      const type = place.dtype;
      if (type !== 'F32' && type !== 'F16') {
        const found = String(type).slice(0, 80);
        return fail(`float32 or float16 numbers in ${shown}`, found, otherTypeAdvice);
      }
      const count = place.shape.reduce((product, n) => product * n, 1);
      if (place.end - place.start !== count * bytesOf[type]) {
        fail(`${count} numbers in ${shown}`, `${place.end - place.start} bytes`);
      }
      return { name, ...place, type };
    })
    .sort((a, b) => a.start - b.start || a.end - b.end);
  let end = 0;
  for (const entry of entries) {
    if (entry.start !== end) fail('tensors one after the other', 'a gap or an overlap');
    end = entry.end;
  }
  if (end !== dataBytes) fail(`${end} bytes of data`, `${dataBytes}`);

  const tensors = new Map<string, WeightTensor>();
  for (const { name, shape, type, start, end } of entries) {
    // A copy: the data need not be aligned, and must not keep the file in memory.
    const { buffer } = new Uint8Array(bytes.subarray(dataStart + start, dataStart + end));
    const data = type === 'F32' ? new Float32Array(buffer) : toFloat32(new Uint16Array(buffer));
    tensors.set(name, { shape, data });
  }
  return { tensors, metadata: metadataOf(header.__metadata__) };
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function placeOf(entry: unknown) {
  if (typeof entry !== 'object' || entry === null) return undefined;
  const { dtype, shape, data_offsets: offsets } = entry as Record<string, unknown>;
  const areSizes = (value: unknown): value is number[] =>
    Array.isArray(value) &&
    value.length <= highestRank &&
    value.every((n) => Number.isSafeInteger(n) && n >= 0);
  if (!areSizes(shape) || !areSizes(offsets) || offsets.length !== 2) return undefined;
  return { dtype, shape, start: offsets[0], end: offsets[1] };
}

function metadataOf(value: unknown): Record<string, string> {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/**
 * The bytes of a safetensors file: tensors in the order of their names, the data aligned to 8 bytes.
 * The same tensors give the same bytes.
 * @param type of all numbers; F16 rounds to the nearest half
 * @throws RangeError for a number that is too large for its type.
 */
export function safetensorsBytes(
  { tensors, metadata }: Safetensors,
  type: NumberType = 'F32',
): Uint8Array {
  const sorted = [...tensors].sort(([a], [b]) => (a < b ? -1 : 1));
  let end = 0;
  const entries = sorted.map(([name, { shape, data }]) => {
    const start = end;
    end += data.length * bytesOf[type];
    return [name, { dtype: type, shape, data_offsets: [start, end] }];
  });
  const header = { __metadata__: metadata, ...Object.fromEntries(entries) };
  const unpadded = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = Math.ceil(unpadded.length / 8) * 8;
  const bytes = new Uint8Array(8 + headerBytes + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.fill(0x20, 8, 8 + headerBytes);
  bytes.set(unpadded, 8);
  let at = 8 + headerBytes;
  for (const [name, { data }] of sorted) {
    const numbers = type === 'F32' ? data : halvesOf(name, data);
    bytes.set(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength), at);
    at += numbers.byteLength;
  }
  return bytes;
}

function halvesOf(name: string, data: Float32Array): Uint16Array {
  const halves = toFloat16(data);
  const at = halves.findIndex(
    (half, at) => (half & 0x7fff) === 0x7c00 && Number.isFinite(data[at]),
  );
  if (at < 0) return halves;
  throw new RangeError(`${name}: ${data[at]} is too large for half precision`);
}

/**
 * Writes a safetensors file, whole or not at all; as {@link safetensorsBytes}.
 * @throws DawsonError `output-failed`.
 */
export async function writeSafetensors(
  file: string,
  content: Safetensors,
  type: NumberType = 'F32',
): Promise<void> {
  await writeWhole(file, safetensorsBytes(content, type));
}
