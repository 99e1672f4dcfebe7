/** Beginnings of files that people mistake for images Dawson reads, and what to call them. */
const signatures: readonly {
  readonly at: number;
  readonly bytes: string;
  readonly kind: string;
}[] = [
  { at: 128, bytes: 'DICM', kind: 'a DICOM file' },
  { at: 0, bytes: '\x89PNG', kind: 'a PNG picture' },
  { at: 0, bytes: '\xff\xd8\xff', kind: 'a JPEG picture' },
  { at: 0, bytes: 'PK\x03\x04', kind: 'a ZIP archive' },
  { at: 0, bytes: '\x1f\x8b', kind: 'gzip data' },
  { at: 0, bytes: '%PDF', kind: 'a PDF document' },
  { at: 0, bytes: 'NRRD', kind: 'an NRRD image' },
  { at: 257, bytes: 'ustar', kind: 'a TAR archive' },
  { at: 0, bytes: '\x89HDF', kind: 'an HDF5 file, perhaps MINC' },
  { at: 0, bytes: '\0\0\x01\x5c', kind: 'an ANALYZE 7.5 header, which has no orientation' },
  { at: 0, bytes: '\x5c\x01\0\0', kind: 'an ANALYZE 7.5 header, which has no orientation' },
  { at: 0, bytes: '\0\0\0\x01', kind: 'perhaps an MGH image' },
];

/** As many bytes of a file's start as {@link describeStart} looks at. */
export const signatureBytes = 512;

/** In words, what a file that begins with these bytes looks like. */
export function describeStart(start: Uint8Array, compressed: boolean): string {
  const text = Buffer.from(start).toString('latin1');
  const kind =
    start.length === 0
      ? 'nothing: the file is empty'
      : (signatures.find(({ at, bytes }) => text.startsWith(bytes, at))?.kind ??
        (/^[\t\n\r\x20-\x7e]*$/.test(text) ? 'text' : 'bytes of no known kind'));
  return compressed ? `gzip data that hold ${kind}` : kind;
}
