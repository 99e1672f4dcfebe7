import type { Vec3 } from '../volume/affine.js';
import type { ByteOrder } from './scalar-types.js';

/** What Dawson reads of a NIfTI-1 or NIfTI-2 header: values as stored, nothing interpreted. */
export interface NiftiHeader {
  readonly version: 1 | 2;
  /** Number of dimensions, then seven lengths in voxels. */
  readonly dim: readonly number[];
  /** Handedness of the qform, then seven distances; the first three are voxel sizes. */
  readonly pixdim: readonly number[];
  /** Which axes are frequency, phase and slice. */
  readonly dimInfo: number;
  readonly datatype: number;
  readonly bitpix: number;
  readonly voxOffset: number;
  readonly sclSlope: number;
  readonly sclInter: number;
  readonly xyztUnits: number;
  readonly qformCode: number;
  readonly sformCode: number;
  readonly quatern: Vec3;
  readonly qoffset: Vec3;
  /** The first three rows of the sform, row by row. */
  readonly srow: readonly number[];
  readonly descrip: string;
  /** Whether the voxels follow in the same file; else they are in an .img file. */
  readonly singleFile: boolean;
}

type FieldType = 'uint8' | 'int16' | 'int32' | 'int64' | 'float32' | 'float64';
type NumberField = Exclude<keyof NiftiHeader, 'version' | 'descrip' | 'singleFile'>;

interface Layout {
  readonly bytes: number;
  readonly magic: { readonly at: number; readonly single: string; readonly pair: string };
  readonly descripAt: number;
  /** Type, place in bytes and number of values of each field. */
  readonly fields: Readonly<Record<NumberField, readonly [FieldType, number, number]>>;
}

/** Places of the fields, from nifti1.h and nifti2.h. */
const layouts: Record<1 | 2, Layout> = {
  1: {
    bytes: 348,
    magic: { at: 344, single: 'n+1\0', pair: 'ni1\0' },
    descripAt: 148,
    fields: {
      dimInfo: ['uint8', 39, 1],
      dim: ['int16', 40, 8],
      datatype: ['int16', 70, 1],
      bitpix: ['int16', 72, 1],
      pixdim: ['float32', 76, 8],
      voxOffset: ['float32', 108, 1],
      sclSlope: ['float32', 112, 1],
      sclInter: ['float32', 116, 1],
      xyztUnits: ['uint8', 123, 1],
      qformCode: ['int16', 252, 1],
      sformCode: ['int16', 254, 1],
      quatern: ['float32', 256, 3],
      qoffset: ['float32', 268, 3],
      srow: ['float32', 280, 12],
    },
  },
  2: {
    bytes: 540,
    magic: { at: 4, single: 'n+2\0\r\n\x1a\n', pair: 'ni2\0\r\n\x1a\n' },
    descripAt: 240,
    fields: {
      datatype: ['int16', 12, 1],
      bitpix: ['int16', 14, 1],
      dim: ['int64', 16, 8],
      pixdim: ['float64', 104, 8],
      voxOffset: ['int64', 168, 1],
      sclSlope: ['float64', 176, 1],
      sclInter: ['float64', 184, 1],
      qformCode: ['int32', 344, 1],
      sformCode: ['int32', 348, 1],
      quatern: ['float64', 352, 3],
      qoffset: ['float64', 376, 3],
      srow: ['float64', 400, 12],
      xyztUnits: ['int32', 500, 1],
      dimInfo: ['uint8', 524, 1],
    },
  },
};

const descripBytes = 80;

/** As many bytes of a file's start as its header can need. */
export const longestHeaderBytes = layouts[2].bytes;

/** Where the voxels begin in a single file with this header and no extensions. */
export const firstVoxelByte = (version: 1 | 2): number => layouts[version].bytes + 4;

/**
 * Reads a header from the first bytes of a file.
 * @returns the header and the byte order of the file; undefined when the bytes are no NIfTI header.
 */
export function parseHeader(
  bytes: Uint8Array,
): { header: NiftiHeader; order: ByteOrder } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  for (const version of [1, 2] as const) {
    const { bytes: headerBytes, magic, fields, descripAt } = layouts[version];
    if (bytes.length < headerBytes) continue;
    for (const order of ['LE', 'BE'] as const) {
      if (view.getInt32(0, order === 'LE') !== headerBytes) continue;
      const singleFile = text.startsWith(magic.single, magic.at);
      if (!singleFile && !text.startsWith(magic.pair, magic.at)) continue;
      const numbers = Object.fromEntries(
        Object.entries(fields).map(([name, [type, at, count]]) => {
          const values = readNumbers(view, type, at, count, order === 'LE');
          return [name, count === 1 ? values[0] : values];
        }),
      ) as unknown as Pick<NiftiHeader, NumberField>;
      const descrip = text.slice(descripAt, descripAt + descripBytes).replace(/\0.*$/s, '');
      return { header: { version, singleFile, descrip, ...numbers }, order };
    }
  }
  return undefined;
}

/** The header, little-endian, with the four bytes that say that no extensions follow. */
export function serializeHeader(header: NiftiHeader): Uint8Array {
  const { bytes: headerBytes, magic, fields, descripAt } = layouts[header.version];
  const bytes = Buffer.alloc(headerBytes + 4);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  view.setInt32(0, headerBytes, true);
  bytes.write(header.singleFile ? magic.single : magic.pair, magic.at, 'latin1');
  bytes.write(header.descrip, descripAt, descripBytes - 1, 'latin1');
  for (const [name, [type, at]] of Object.entries(fields)) {
    const value = header[name as NumberField] as number | readonly number[];
    writeNumbers(view, type, at, typeof value === 'number' ? [value] : value);
  }
  return bytes;
}

const fieldBytes = { uint8: 1, int16: 2, int32: 4, int64: 8, float32: 4, float64: 8 } as const;

function readNumbers(
  view: DataView,
  type: FieldType,
  at: number,
  count: number,
  little: boolean,
): number[] {
  const read: Record<FieldType, (place: number) => number> = {
    uint8: (place) => view.getUint8(place),
    int16: (place) => view.getInt16(place, little),
    int32: (place) => view.getInt32(place, little),
    int64: (place) => Number(view.getBigInt64(place, little)),
    float32: (place) => view.getFloat32(place, little),
    float64: (place) => view.getFloat64(place, little),
  };
  return Array.from({ length: count }, (_, index) => read[type](at + index * fieldBytes[type]));
}

function writeNumbers(view: DataView, type: FieldType, at: number, values: readonly number[]) {
  const write: Record<FieldType, (place: number, value: number) => void> = {
    uint8: (place, value) => view.setUint8(place, value),
    int16: (place, value) => view.setInt16(place, value, true),
    int32: (place, value) => view.setInt32(place, value, true),
    int64: (place, value) => view.setBigInt64(place, BigInt(value), true),
    float32: (place, value) => view.setFloat32(place, value, true),
    float64: (place, value) => view.setFloat64(place, value, true),
  };
  values.forEach((value, index) => {
    write[type](at + index * fieldBytes[type], value);
  });
}
