import { DawsonError } from '../errors.js';
import type { Size } from '../volume/volume.js';
import type { ByteStream } from './byte-stream.js';
import { requireUsableSize } from './check-geometry.js';
import { fileBeside } from './file-beside.js';
import { affineOf } from './nifti-affine.js';
import {
  firstVoxelByte,
  longestHeaderBytes,
  type NiftiHeader,
  parseHeader,
} from './nifti-header.js';
import { readVoxels, readVoxelsOfFile, type VoxelLayout } from './read-voxels.js';
import { describeStart, signatureBytes } from './recognise.js';
import type { ScalarType } from './scalar-types.js';
import type { StoredImage } from './stored-image.js';

export type { NiftiHeader } from './nifti-header.js';

/** Codes of `datatype` that are one number a voxel. */
export const scalarOfDatatype: ReadonlyMap<number, ScalarType> = new Map<number, ScalarType>([
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
 * recognised by its content, in either byte order.
 * @throws DawsonError of one of the input codes for any file that is not such an image.
 */
export async function readNiftiStream(
  bytes: ByteStream,
): Promise<Omit<StoredImage, 'sha256'> & { readonly header: NiftiHeader; voxelsSha256?: string }> {
  const { file } = bytes;
  const parsed = parseHeader(await bytes.peek(longestHeaderBytes));
  if (!parsed) throw notNifti(file, await bytes.peek(signatureBytes), bytes.compressed);
  const { header, order } = parsed;
  const type = requireScalar(header, file);
  const size = requireSingleVolume(header, file);
  const { affine, notes } = affineOf(header, file);
  const voxOffset = requireVoxOffset(header, file);
  const layout = { offset: voxOffset, size, type, order };
  const read: Awaited<ReturnType<typeof readVoxels>> & { sha256?: string } = header.singleFile
    ? await readVoxels(bytes, layout)
    : await readImageFile(file, layout);
  return {
    volume: { data: read.data, size, affine },
    type,
    scaling: { slope: header.sclSlope, intercept: header.sclInter },
    header,
    notes: [...notes, ...unusedIntercept(header), ...read.notes],
    voxelsSha256: read.sha256,
  };
}

/** nibabel and FSL leave the intercept out too; ITK adds it. */
function unusedIntercept({ sclSlope, sclInter }: NiftiHeader): string[] {
  const isScaled = Number.isFinite(sclSlope) && sclSlope !== 0;
  if (isScaled || !Number.isFinite(sclInter) || sclInter === 0) return [];
  return [`scl_slope ${sclSlope} means no scaling: scl_inter ${sclInter} is not added`];
}

function notNifti(file: string, start: Uint8Array, compressed: boolean): DawsonError {
  const isPair = /\.img(\.gz)?$/i.test(file);
  return new DawsonError('not-an-image', {
    file,
    expected: 'a NIfTI or MetaImage file',
    found: isPair ? 'the voxels of a pair of files' : describeStart(start, compressed),
    ...(isPair && { advice: 'Give the .hdr file that lies beside it.' }),
  });
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

/** The .img or .img.gz file of a .hdr file. */
export const pairedFileOf = (headerFile: string): Promise<string | undefined> =>
  fileBeside(headerFile, (header) => {
    const stem = header.replace(/\.hdr(\.gz)?$/i, '');
    return stem === header ? [] : [`${stem}.img`, `${stem}.img.gz`];
  });

/** Reads the voxels of the .img or .img.gz file beside a .hdr file. */
async function readImageFile(headerFile: string, layout: VoxelLayout) {
  const file = await pairedFileOf(headerFile);
  if (file !== undefined) {
    // Voxels without a header can begin like gzip data: here the name decides.
    const compression = file.endsWith('.gz') ? 'gzip' : 'none';
    return readVoxelsOfFile(file, layout, { compression, start: 0 });
  }
  throw new DawsonError('file-not-found', {
    file: headerFile,
    expected: 'the .img file of this pair beside its .hdr file',
    found: 'none',
  });
}
