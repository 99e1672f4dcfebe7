import { endianness } from 'node:os';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { DawsonError } from '../errors.js';
import { type Size, sameGrid, type Volume, type VoxelData, voxelCount } from '../volume/volume.js';
import { outputEndings, requireEnding } from './file-endings.js';
import { scalarOfDatatype } from './nifti.js';
import { affineOf } from './nifti-affine.js';
import { type GridFields, gridFields } from './nifti-geometry.js';
import { firstVoxelByte, type NiftiHeader, serializeHeader } from './nifti-header.js';
import { type ScalarType, scalarBytes, toHostOrder } from './scalar-types.js';
import type { StoredImage } from './stored-image.js';
import { type NewFile, writeAllWhole } from './write-whole.js';

/** How an image is written. */
export interface NiftiWriting {
  /**
   * Header of an image on the same grid: its lengths, voxel sizes, units, sform and qform are copied
   * exactly, so that every viewer lays the two over each other.
   */
  readonly like?: NiftiHeader;
  /** Without `like`: the code of sform and qform, see {@link formCodeOf}; scanner coordinates else. */
  readonly formCode?: number;
  /** The data are stored numbers of this type and scaling, not the intensities themselves. */
  readonly stored?: Pick<StoredImage, 'type' | 'scaling'>;
}

/**
 * Writes a volume as NIfTI, whole or not at all; compressed when the name ends in `.gz`. The same
 * volume gives the same bytes. Without a header to copy, the affine becomes the sform, and the qform
 * too where its axes are at right angles.
 * @throws DawsonError `usage` for another name than `*.nii` or `*.nii.gz` and for what is no volume,
 *   `output-failed`.
 * @throws RangeError when the volume does not lie on the grid of `like`.
 */
export async function writeNifti(
  file: string,
  volume: Volume,
  writing: NiftiWriting = {},
): Promise<void> {
  await writeAllWhole([await niftiFile(file, volume, writing)]);
}

/** What {@link writeNifti} writes. */
export async function niftiFile(
  file: string,
  volume: Volume,
  { like, formCode, stored }: NiftiWriting = {},
): Promise<NewFile> {
  requireEnding(file, outputEndings.image);
  requireWhole(volume, file);
  const grid = like ? gridFieldsLike(like, volume, file) : gridFields(volume, formCode);
  const bytes = niftiBytes(volume, grid, stored);
  return { file, bytes: /\.gz$/i.test(file) ? await gzipDeterministic(bytes) : bytes };
}

/** What a program made may have another number of voxels than it says, which no reader could read. */
function requireWhole({ data, size, affine }: Volume, file: string): void {
  const isWhole = size.length === 3 && data.length === voxelCount(size);
  if (isWhole && affine.length === 16 && affine.every(Number.isFinite)) return;
  throw new DawsonError('usage', {
    file,
    expected: isWhole
      ? 'an affine of 16 finite numbers'
      : `the ${size.join(' x ')} voxels that the volume says it has`,
    found: isWhole ? `[${affine.join(' ')}]` : `${data.length}`,
  });
}

function gridFieldsLike(like: NiftiHeader, volume: Volume, file: string): GridFields {
  const size = like.dim.slice(1, 4) as unknown as Size;
  if (!sameGrid({ size, affine: affineOf(like, file).affine }, volume)) {
    throw new RangeError(`the volume for ${file} does not lie on the grid it is to be written on`);
  }
  return like;
}

function niftiBytes(volume: Volume, grid: GridFields, stored: NiftiWriting['stored']): Uint8Array {
  const type = stored ? writableType(stored.type) : typeOf(volume.data);
  const { slope, intercept } = stored?.scaling ?? { slope: 1, intercept: 0 };
  const width = scalarBytes[type];
  const header = serializeHeader({
    ...grid,
    // Always three: readers tell a dimension of length 1 from none.
    dim: [3, ...grid.dim.slice(1, 4), 1, 1, 1, 1],
    datatype: codeOf(type),
    bitpix: 8 * width,
    voxOffset: firstVoxelByte(grid.version),
    sclSlope: slope,
    sclInter: intercept,
    descrip: 'Dawson',
    singleFile: true,
  });
  const { buffer, byteOffset, byteLength } = inType(volume.data, type);
  const bytes = new Uint8Array(header.length + byteLength);
  bytes.set(header);
  bytes.set(new Uint8Array(buffer, byteOffset, byteLength), header.length);
  if (endianness() === 'BE') {
    toHostOrder(bytes.subarray(header.length), width as 1 | 2 | 4 | 8, 'LE');
  }
  return bytes;
}

const typeOf = (data: VoxelData) =>
  data.constructor.name.replace('Array', '').toLowerCase() as ScalarType;

/** No machine computes with 128-bit floats: as doubles they are what was read. */
const writableType = (type: ScalarType): ScalarType => (type === 'float128' ? 'float64' : type);

const codeOf = (type: ScalarType) =>
  [...scalarOfDatatype].find(([, ofCode]) => ofCode === type)![0];

/** The numbers in their type: 64-bit integers are doubles in memory. */
function inType(data: VoxelData, type: ScalarType): VoxelData | BigInt64Array | BigUint64Array {
  if (type === 'int64') return BigInt64Array.from(data, BigInt);
  if (type === 'uint64') return BigUint64Array.from(data, BigInt);
  return data;
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
