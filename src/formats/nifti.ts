import { access } from 'node:fs/promises';
import { endianness } from 'node:os';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { DawsonError } from '../errors.js';
import { type Size, sameGrid, type Volume, type VoxelData } from '../volume/volume.js';
import { ByteStream } from './byte-stream.js';
import { requireUsableSize } from './check-geometry.js';
import { affineOf, type GridFields, gridFields } from './nifti-geometry.js';
import {
  firstVoxelByte,
  longestHeaderBytes,
  type NiftiHeader,
  parseHeader,
  serializeHeader,
} from './nifti-header.js';
import { readVoxels, type VoxelLayout } from './read-voxels.js';
import { describeStart, signatureBytes } from './recognise.js';
import { rescale } from './rescale.js';
import { type ScalarType, scalarBytes, toHostOrder } from './scalar-types.js';
import { writeWhole } from './write-whole.js';

export type { NiftiHeader } from './nifti-header.js';

/** A NIfTI file in memory. */
export interface NiftiImage {
  readonly volume: Volume;
  readonly header: NiftiHeader;
  /** What was worked around or assumed in reading, in sentences without a full stop. */
  readonly notes: readonly string[];
}

/** Codes of `datatype` that are one number a voxel. */
const scalarOfDatatype = new Map<number, ScalarType>([
  [2, 'uint8'],
  [4, 'int16'],
  [8, 'int32'],
  [16, 'float32'],
  [64, 'float64'],
  [256, 'int8'],
  [512, 'uint16'],
  [768, 'uint32'],
  [1024, 'int64'],
  [1280, 'uint64'],
  [1536, 'float128'],
]);

/** Codes of `datatype` that are not. */
const otherDatatypes = new Map([
  [1, '1-bit voxels'],
  [32, 'complex voxels'],
  [128, 'RGB colours'],
  [1792, 'complex voxels'],
  [2048, 'complex voxels'],
  [2304, 'RGBA colours'],
]);

/** Longer extensions between header and voxels are taken for nonsense. */
const largestVoxOffset = 2 ** 26;

/**
 * Reads one three-dimensional NIfTI-1 or NIfTI-2 image: `.nii`, `.nii.gz`, or the `.hdr` of a pair,
 * recognised by its content, in either byte order. Integers without scaling keep their type (64-bit
 * ones become doubles); with scl_slope and scl_inter they become floats. Values that are not numbers
 * stay: see {@link checkIntensities}.
 * @throws DawsonError of one of the input codes for any file that is not such an image.
 */
export function readNifti(file: string): Promise<NiftiImage> {
  return ByteStream.with(file, readNiftiStream);
}

/** {@link readNifti} for an opened file. */
export async function readNiftiStream(bytes: ByteStream): Promise<NiftiImage> {
  const { file } = bytes;
  const parsed = parseHeader(await bytes.peek(longestHeaderBytes));
  if (!parsed) {
    const start = await bytes.peek(signatureBytes);
    throw new DawsonError('not-an-image', {
      file,
      expected: 'a NIfTI or MetaImage file',
      found: describeStart(start, bytes.compressed),
    });
  }
  const { header, order } = parsed;
  const type = requireScalar(header, file);
  const size = requireSingleVolume(header, file);
  const { affine, notes } = affineOf(header, file);
  const voxOffset = requireVoxOffset(header, file);
  const layout = { offset: voxOffset, size, type, order };
  const read = header.singleFile
    ? await readVoxels(bytes, layout)
    : await readImageFile(file, layout);
  const { sclSlope, sclInter } = header;
  return {
    volume: { data: rescale(read.data, sclSlope, sclInter, file), size, affine },
    header,
    notes: [...notes, ...read.notes],
  };
}

function requireScalar({ datatype }: NiftiHeader, file: string): ScalarType {
  const type = scalarOfDatatype.get(datatype);
  if (type) return type;
  throw new DawsonError('unsupported-image', {
    file,
    expected: 'one number a voxel',
    found: otherDatatypes.get(datatype) ?? `the unknown datatype ${datatype}`,
  });
}

function requireSingleVolume({ dim }: NiftiHeader, file: string): Size {
  const [dimensions, ...lengths] = dim;
  const found = `dim ${dim.join(' ')}`;
  if (!(dimensions >= 1 && dimensions <= 7)) {
    throw new DawsonError('file-corrupt', { file, expected: '1 to 7 dimensions', found });
  }
  const used = lengths.slice(0, dimensions);
  if (used.some((length) => length < 1)) {
    throw new DawsonError('file-corrupt', { file, expected: 'positive lengths', found });
  }
  if (dimensions < 3 || used.slice(3).some((length) => length !== 1)) {
    throw new DawsonError('unsupported-image', {
      file,
      expected: 'one volume of three dimensions',
      found: dimensions < 3 ? 'a single slice' : `a series of ${used.slice(3).join(' x ')} volumes`,
    });
  }
  const size: Size = [lengths[0], lengths[1], lengths[2]];
  requireUsableSize(size, file);
  return size;
}

function requireVoxOffset({ version, singleFile, voxOffset }: NiftiHeader, file: string): number {
  const first = singleFile ? firstVoxelByte(version) : 0;
  if (Number.isInteger(voxOffset) && voxOffset >= first && voxOffset <= largestVoxOffset) {
    return voxOffset;
  }
  throw new DawsonError('file-corrupt', {
    file,
    expected: `voxels that begin ${first} to ${largestVoxOffset} bytes into the file`,
    found: `vox_offset ${voxOffset}`,
  });
}

/** Reads the voxels of the .img or .img.gz file beside a .hdr file. */
async function readImageFile(headerFile: string, layout: VoxelLayout) {
  const stem = headerFile.replace(/\.hdr(\.gz)?$/i, '');
  for (const extension of ['.img', '.img.gz']) {
    const file = `${stem}${extension}`;
    if (stem === headerFile || !(await exists(file))) continue;
    // Voxels without a header can begin like gzip data: here the name decides.
    const compression = extension === '.img' ? 'none' : 'gzip';
    return ByteStream.with(file, (bytes) => readVoxels(bytes, layout), { compression, start: 0 });
  }
  throw new DawsonError('file-not-found', {
    file: headerFile,
    expected: 'the .img file of this pair beside its .hdr file',
    found: 'none',
  });
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

function datatypeOf(data: VoxelData): { code: number; type: ScalarType } {
  const name = data.constructor.name.replace('Array', '').toLowerCase();
  for (const [code, type] of scalarOfDatatype) if (type === name) return { code, type };
  throw new RangeError(`no NIfTI datatype for ${data.constructor.name}`);
}

/**
 * Writes a volume as NIfTI, whole or not at all; compressed when the name ends in `.gz`. The same
 * volume gives the same bytes.
 * @param like header of an image on the same grid: its dimensions, voxel sizes, units, sform and
 *   qform are copied exactly, so that every viewer lays the two over each other. Without it the
 *   affine becomes the sform, and the qform too where its axes are at right angles.
 * @throws DawsonError `usage` for another name than `*.nii` or `*.nii.gz`, `output-failed`.
 * @throws RangeError when the volume does not lie on the grid of `like`.
 */
export async function writeNifti(
  file: string,
  volume: Volume,
  { like }: { like?: NiftiHeader } = {},
): Promise<void> {
  if (!/\.nii(\.gz)?$/i.test(file)) {
    throw new DawsonError('usage', {
      file,
      expected: 'a file name that ends in .nii or .nii.gz',
      found: 'another one',
      advice: 'Give the output such a name.',
    });
  }
  const bytes = niftiBytes(volume, like ? gridFieldsLike(like, volume, file) : gridFields(volume));
  await writeWhole(file, /\.gz$/i.test(file) ? await gzipDeterministic(bytes) : bytes);
}

function gridFieldsLike(like: NiftiHeader, volume: Volume, file: string): GridFields {
  const size = like.dim.slice(1, 4) as unknown as Size;
  if (!sameGrid({ size, affine: affineOf(like, file).affine }, volume)) {
    throw new RangeError(`the volume for ${file} does not lie on the grid it is to be written on`);
  }
  return like;
}

function niftiBytes(volume: Volume, grid: GridFields): Uint8Array {
  const { code, type } = datatypeOf(volume.data);
  const width = scalarBytes[type];
  const header = serializeHeader({
    ...grid,
    // Dimensions that are not counted can hold anything; readers that look at them expect 1.
    dim: grid.dim.map((length, axis) => (axis > grid.dim[0] ? 1 : length)),
    datatype: code,
    bitpix: 8 * width,
    voxOffset: firstVoxelByte(grid.version),
    sclSlope: 1,
    sclInter: 0,
    descrip: 'Dawson',
    singleFile: true,
  });
  const { buffer, byteOffset, byteLength } = volume.data;
  const bytes = new Uint8Array(header.length + byteLength);
  bytes.set(header);
  bytes.set(new Uint8Array(buffer, byteOffset, byteLength), header.length);
  if (endianness() === 'BE') {
    toHostOrder(bytes.subarray(header.length), width as 1 | 2 | 4 | 8, 'LE');
  }
  return bytes;
}

/** Place of the operating system in a gzip header, and the code for an unknown one. */
const gzipSystemByte = 9;
const unknownSystem = 255;

/** Gzip without time, name or operating system. */
async function gzipDeterministic(bytes: Uint8Array): Promise<Uint8Array> {
  const compressed = await promisify(gzip)(bytes);
  compressed[gzipSystemByte] = unknownSystem;
  return compressed;
}
