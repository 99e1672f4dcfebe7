import { createHash } from 'node:crypto';
import { endianness } from 'node:os';
import type { VoxelData } from '../volume/volume.js';
import { inWorker } from '../workers.js';
import { decodeFrame } from './decode.js';
import { frameBytes } from './frame-bytes.js';
import { type PixelFormat, type Source, sourceName } from './instance.js';
import { parseDicom } from './parse.js';
import { SourceReader } from './read-source.js';
import { refused } from './refusal.js';

/** Frames of one file, and where they go. */
export interface FileTask {
  readonly source: Source;
  readonly sopInstance: string;
  readonly format: PixelFormat;
  /** SHA-256 of the whole file. */
  readonly frameCount: number;
  readonly frames: readonly {
    /** Counted from 1. */
    readonly number: number;
    /** Index in the volume. */
    readonly slice: number;
    readonly slope: number;
    readonly intercept: number;
  }[];
}

/**
 * Decodes the frames of some files into their slices of a volume, in a worker.
 * @param volume in shared memory, x fastest
 * @returns SHA-256 of each file.
 * @throws DawsonError `file-truncated` and `file-corrupt` for pixel data that are cut or damaged,
 *   `study-changing` where the file is another one than when it was listed.
 */
export function fillSlices(tasks: readonly FileTask[], volume: VoxelData): Promise<string[]> {
  return SourceReader.with(async (reader) => {
    const hashes: string[] = [];
    for (const task of tasks) {
      const bytes = await reader.read(task.source);
      hashes.push(createHash('sha256').update(bytes).digest('hex'));
      await fillFrom(bytes, task, volume);
    }
    return hashes;
  });
}

export const fillSlicesInWorker = inWorker<typeof fillSlices>(import.meta.url, 'fillSlices');

async function fillFrom(bytes: Uint8Array, task: FileTask, volume: VoxelData): Promise<void> {
  const { format, source, frameCount } = task;
  const file = sourceName(source);
  const parsed = parseDicom(bytes, file, { withPixels: true });
  const sopInstance = parsed?.attributes.text('x00080018');
  if (!parsed || sopInstance !== task.sopInstance || parsed.syntax.encoding !== format.encoding) {
    throw refused({
      code: 'study-changing',
      file,
      expected: 'the image that was there when the folder was listed',
      found: 'another one',
    });
  }
  const swap = parsed.syntax.bigEndian ?? false;
  for (const { number, slice, slope, intercept } of task.frames) {
    const packed = frameBytes(parsed, format, number - 1, frameCount);
    if (!packed) {
      throw refused({
        code: 'file-truncated',
        file,
        expected: `pixel data of ${frameCount} frames of ${format.rows} x ${format.columns}`,
        found: `none of frame ${number}`,
      });
    }
    const pixels = format.encoding === 'native' ? packed : await decodeFrame(packed, format);
    if (!pixels) {
      throw refused({
        code: 'file-corrupt',
        file,
        expected: `${format.syntaxName} data of ${format.rows} x ${format.columns} pixels`,
        found: `others in frame ${number}`,
      });
    }
    const values = valuesOf(pixels, format, swap);
    const count = format.rows * format.columns;
    const target = volume.subarray(slice * count, (slice + 1) * count);
    for (let at = 0; at < count; at++) target[at] = values[at] * slope + intercept;
  }
}

/** The numbers of a frame: the stored bits of each, with their sign. */
function valuesOf(
  bytes: Uint8Array,
  { bitsAllocated, bitsStored, signed }: PixelFormat,
  bigEndian: boolean,
): ArrayLike<number> {
  const width = bitsAllocated / 8;
  // A copy of its own: numbers have to be aligned, and the file's bytes stay as they are.
  const own = Buffer.from(new Uint8Array(bytes).buffer);
  if (bigEndian !== (endianness() === 'BE') && width === 2) own.swap16();
  if (bigEndian !== (endianness() === 'BE') && width === 4) own.swap32();
  const { buffer } = own;
  const raw =
    width === 1
      ? new Uint8Array(buffer)
      : width === 2
        ? new Uint16Array(buffer)
        : new Uint32Array(buffer);
  if (bitsStored === bitsAllocated && !signed) return raw;
  const shift = 32 - bitsStored;
  const values = new Int32Array(raw.length);
  for (let at = 0; at < raw.length; at++) {
    values[at] = signed ? (raw[at] << shift) >> shift : (raw[at] << shift) >>> shift;
  }
  // Unsigned numbers of fewer than 32 bits are the same as signed ones.
  return values;
}
