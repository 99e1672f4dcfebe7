import { DawsonError } from '../errors.js';
import { type Size, type VoxelData, voxelCount } from '../volume/volume.js';
import { ByteStream, type Packing } from './byte-stream.js';
import { type ByteOrder, decodeScalars, type ScalarType, scalarBytes } from './scalar-types.js';

/** Where the voxels of an image lie in its file, and how. */
export interface VoxelLayout {
  /** Bytes before the first voxel. */
  readonly offset: number;
  readonly size: Size;
  readonly type: ScalarType;
  readonly order: ByteOrder;
}

/** What any clinical image takes many times over; a small compressed file can claim as much. */
const mostVoxelBytes = 2 ** 30;

/** Some programs fill files up to a full block. */
const paddingBytes = 512;

/**
 * Reads the voxels of an image, from a stream that is at the file's start.
 * @throws DawsonError `file-truncated` where the file ends before the last voxel (found out before
 *   memory is taken, where the file is too small to hold them), `file-oversized` where more than a
 *   block's padding follows it, `unsupported-image` for more bytes than Dawson reads, `out-of-memory`.
 */
export async function readVoxels(
  bytes: ByteStream,
  { offset, size, type, order }: VoxelLayout,
): Promise<{ data: VoxelData; notes: string[] }> {
  const { file } = bytes;
  const dataBytes = voxelCount(size) * scalarBytes[type];
  const expected = `${dataBytes} bytes of voxels (${size.join(' x ')} ${type}) from byte ${offset}`;
  const truncated = (found: string) => new DawsonError('file-truncated', { file, expected, found });
  if (dataBytes > mostVoxelBytes) {
    throw new DawsonError('unsupported-image', {
      file,
      expected: `at most ${mostVoxelBytes} bytes of voxels`,
      found: `${dataBytes} (${size.join(' x ')} ${type})`,
    });
  }
  if (offset + dataBytes > bytes.largestBytes) {
    const least = bytes.compressed ? 'at most ' : '';
    throw truncated(`a file of ${least}${bytes.largestBytes} bytes`);
  }
  if ((await bytes.skip(offset)) < offset) throw truncated('a file that ends before');
  const raw = allocate(dataBytes, file);
  const filled = await bytes.readInto(raw);
  if (filled < dataBytes) throw truncated(`${filled} bytes of voxels`);
  const trailing =
    (await bytes.peek(paddingBytes + 1)).length + Math.max(0, bytes.bytesBehindCompressed);
  if (trailing > paddingBytes) {
    throw new DawsonError('file-oversized', { file, expected, found: 'more data behind them' });
  }
  const notes = trailing > 0 ? [`${trailing} bytes behind the last voxel were passed over`] : [];
  return { data: decodeScalars(raw, type, order, file), notes };
}

/** As {@link readVoxels}, for voxels that have a file of their own, with the hash of that file. */
export function readVoxelsOfFile(
  file: string,
  layout: VoxelLayout,
  packing: Packing,
): Promise<{ data: VoxelData; notes: string[]; sha256: string }> {
  return ByteStream.with(
    file,
    async (bytes) => ({ ...(await readVoxels(bytes, layout)), sha256: await bytes.sha256() }),
    packing,
  );
}

function allocate(bytes: number, file: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(bytes);
  } catch {
    throw new DawsonError('out-of-memory', {
      file,
      expected: `room for ${bytes} bytes of voxels`,
      found: 'less free memory',
    });
  }
}
