/** How the frames of an image are packed; `native` ones are not. */
export type PixelEncoding =
  | 'native'
  | 'rle'
  | 'jpeg-lossless'
  | 'jpeg-ls'
  | 'jpeg-2000'
  | 'unsupported';

/** How a DICOM file is written (PS3.5, section 10). */
export interface TransferSyntax {
  readonly name: string;
  readonly encoding: PixelEncoding;
  readonly implicit?: boolean;
  readonly bigEndian?: boolean;
  readonly deflated?: boolean;
}

const jpeg = '1.2.840.10008.1.2.4';

const table: readonly (TransferSyntax & { readonly uid: string })[] = [
  { uid: '1.2.840.10008.1.2', name: 'implicit little endian', encoding: 'native', implicit: true },
  { uid: '1.2.840.10008.1.2.1', name: 'explicit little endian', encoding: 'native' },
  { uid: '1.2.840.10008.1.2.1.99', name: 'deflated', encoding: 'native', deflated: true },
  { uid: '1.2.840.10008.1.2.2', name: 'explicit big endian', encoding: 'native', bigEndian: true },
  { uid: '1.2.840.10008.1.2.5', name: 'RLE lossless', encoding: 'rle' },
  { uid: `${jpeg}.50`, name: 'JPEG baseline', encoding: 'unsupported' },
  { uid: `${jpeg}.51`, name: 'JPEG extended', encoding: 'unsupported' },
  { uid: `${jpeg}.57`, name: 'JPEG lossless', encoding: 'jpeg-lossless' },
  { uid: `${jpeg}.70`, name: 'JPEG lossless, first order', encoding: 'jpeg-lossless' },
  { uid: `${jpeg}.80`, name: 'JPEG-LS lossless', encoding: 'jpeg-ls' },
  { uid: `${jpeg}.81`, name: 'JPEG-LS near-lossless', encoding: 'jpeg-ls' },
  { uid: `${jpeg}.90`, name: 'JPEG 2000 lossless', encoding: 'jpeg-2000' },
  { uid: `${jpeg}.91`, name: 'JPEG 2000', encoding: 'jpeg-2000' },
  { uid: `${jpeg}.201`, name: 'high-throughput JPEG 2000 lossless', encoding: 'unsupported' },
  { uid: `${jpeg}.202`, name: 'high-throughput JPEG 2000 lossless', encoding: 'unsupported' },
  { uid: `${jpeg}.203`, name: 'high-throughput JPEG 2000', encoding: 'unsupported' },
  { uid: `${jpeg}.100`, name: 'MPEG-2', encoding: 'unsupported' },
  { uid: `${jpeg}.102`, name: 'MPEG-4', encoding: 'unsupported' },
];

/** By unique identifier. */
export const syntaxes: ReadonlyMap<string, TransferSyntax> = new Map(
  table.map(({ uid, ...syntax }) => [uid, syntax]),
);
