import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { requireUsableAffine, requireUsableSize } from '../formats/check-geometry.js';
import type { Run } from '../run.js';
import type { Mat4 } from '../volume/affine.js';
import { type Volume, type VoxelData, voxelCount } from '../volume/volume.js';
import { type FileTask, fillSlicesInWorker } from './fill-slices.js';
import { type PixelFormat, sourceName } from './instance.js';
import { refused } from './refusal.js';
import type { Slice } from './slices.js';
import { groupsBy, type Stack } from './stacks.js';

/** The frame that a slice of a volume was made of. */
export interface SourceFrame {
  readonly sopClass: string;
  readonly sopInstance: string;
  /** Counted from 1; 1 for objects of a single frame. */
  readonly frame: number;
}

/** A stack as a volume, and where each of its slices comes from. */
export interface StackVolume {
  /** Columns, rows, slices; integers where no frame is rescaled, else single precision. */
  readonly volume: Volume;
  /** One for each slice, in the order of the third axis. */
  readonly frames: readonly SourceFrame[];
  /** Hash of the files, in the order of the slices: SHA-256 of their hashes one after the other. */
  readonly sha256: string;
}

/**
 * Decodes a stack in the workers of the pool. Values are stored ones times slope plus intercept of
 * their frame; of MONOCHROME1 the largest minus them.
 * @throws DawsonError what {@link Stack.refusal} says for a stack that is no volume; `file-truncated`
 *   and `file-corrupt` for pixel data that are cut or damaged, `unsupported-image` for more voxels
 *   than Dawson reads, `out-of-memory`, `study-changing`.
 */
export async function stackVolume(
  stack: Stack,
  run: Pick<Run, 'pool' | 'signal'>,
): Promise<StackVolume> {
  const { layout } = stack;
  if (!layout) throw refused(stack.refusal!);
  const { slices, size, affine } = layout;
  const file = sourceName(slices[0].instance.source);
  requireUsableSize(size, file);
  requireUsableAffine(affine, size, file, 'lengths in millimetres');
  const shared = sharedVoxels(slices, voxelCount(size), file);
  const tasks = tasksOf(slices);
  const hashes = await Promise.all(
    chunks(tasks, availableParallelism()).map((some) => fillSlicesInWorker(run, some, shared)),
  );
  const sha256 = createHash('sha256');
  for (const hash of hashes.flat()) sha256.update(hash, 'hex');
  // Out of shared memory, which not every user of typed arrays takes.
  const own = shared.slice() as VoxelData;
  const data = slices[0].instance.pixels!.inverted ? turnedBack(own) : own;
  return {
    // In single precision, as NIfTI keeps it: an exam is the very same as DICOM and converted.
    volume: { data, size, affine: affine.map(Math.fround) as unknown as Mat4 },
    frames: slices.map(({ instance, frame }) => ({
      sopClass: instance.sopClass,
      sopInstance: instance.sopInstance,
      frame: frame.number,
    })),
    sha256: sha256.digest('hex'),
  };
}

/** Bright and dark exchanged; what is darkest becomes 0. Differences of signed numbers need more room. */
function turnedBack(data: VoxelData): VoxelData {
  let most = Number.NEGATIVE_INFINITY;
  for (const value of data) most = Math.max(most, value);
  const isUnsigned = data instanceof Uint8Array || data instanceof Uint16Array;
  const roomy = isUnsigned ? data : Float32Array.from(data);
  return roomy.map((value) => most - value) as VoxelData;
}

function sharedVoxels(slices: readonly Slice[], count: number, file: string): VoxelData {
  const rescaled = slices.some(({ frame }) => frame.slope !== 1 || frame.intercept !== 0);
  const Numbers = numbersFor(slices[0].instance.pixels!, rescaled);
  try {
    const memory: unknown = new SharedArrayBuffer(count * Numbers.BYTES_PER_ELEMENT);
    return new Numbers(memory as ArrayBuffer);
  } catch {
    throw refused({
      code: 'out-of-memory',
      file,
      expected: `room for ${count} voxels`,
      found: 'less free memory',
    });
  }
}

/** The narrowest numbers that hold stored values, or rescaled ones as NIfTI readers give them. */
function numbersFor({ bitsAllocated, signed }: PixelFormat, rescaled: boolean) {
  if (rescaled) return bitsAllocated === 32 ? Float64Array : Float32Array;
  if (bitsAllocated === 8) return signed ? Int8Array : Uint8Array;
  if (bitsAllocated === 16) return signed ? Int16Array : Uint16Array;
  return signed ? Int32Array : Uint32Array;
}

/** One task a file: the frames of it, and their places in the volume. */
function tasksOf(slices: readonly Slice[]): FileTask[] {
  const placed = slices.map((slice, index) => ({ ...slice, index }));
  return groupsBy(placed, ({ instance }) => instance.sopInstance).map((group) => {
    const [{ instance }] = group;
    return {
      source: instance.source,
      sopInstance: instance.sopInstance,
      format: instance.pixels!,
      frameCount: instance.frames.length,
      frames: group.map(({ frame, index }) => ({
        number: frame.number,
        slice: index,
        slope: frame.slope,
        intercept: frame.intercept,
      })),
    };
  });
}

/** Values in `count` runs of nearly equal length, in order. */
export function chunks<T>(values: readonly T[], count: number): T[][] {
  const length = Math.max(1, Math.ceil(values.length / count));
  return Array.from({ length: Math.ceil(values.length / length) }, (_, index) =>
    values.slice(index * length, (index + 1) * length),
  );
}
