import { type NiftiHeader, parseHeader, serializeHeader } from '../../src/formats/nifti-header.js';

/** Header of 4 x 3 x 2 bytes, each voxel 0.7 x 0.9 x 4 mm, without a place in space. */
const plain: NiftiHeader = {
  version: 1,
  dim: [3, 4, 3, 2, 1, 1, 1, 1],
  pixdim: [1, 0.7, 0.9, 4, 1, 1, 1, 1],
  dimInfo: 0,
  datatype: 2,
  bitpix: 8,
  voxOffset: 352,
  sclSlope: 0,
  sclInter: 0,
  xyztUnits: 2,
  qformCode: 0,
  sformCode: 0,
  quatern: [0, 0, 0],
  qoffset: [0, 0, 0],
  srow: [0.7, 0, 0, 0, 0, 0.9, 0, 0, 0, 0, 4, 0],
  descrip: '',
  singleFile: true,
};

/** The bytes of a NIfTI-1 file with these fields; its voxels count up from 0, or are those given. */
export function niftiBytes(
  fields: Partial<NiftiHeader>,
  voxels: Uint8Array = Uint8Array.from({ length: 24 }, (_, voxel) => voxel),
): Buffer {
  return Buffer.concat([serializeHeader({ ...plain, ...fields }), voxels]);
}

export const headerOf = (bytes: Uint8Array): NiftiHeader => parseHeader(bytes)!.header;
