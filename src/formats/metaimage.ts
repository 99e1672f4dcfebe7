import { dirname, join } from 'node:path';
import { DawsonError } from '../errors.js';
import type { Mat4 } from '../volume/affine.js';
import { type Size, type VoxelData, voxelCount } from '../volume/volume.js';
import { ByteStream } from './byte-stream.js';
import { requireUsableAffine, requireUsableSize } from './check-geometry.js';
import { fileBeside } from './file-beside.js';
import { withFile } from './open-file.js';
import { readVoxels, readVoxelsOfFile, type VoxelLayout } from './read-voxels.js';
import { type ScalarType, scalarBytes } from './scalar-types.js';
import type { StoredImage } from './stored-image.js';

const scalarOfElementType: Readonly<Record<string, ScalarType>> = {
  MET_UCHAR: 'uint8',
  MET_CHAR: 'int8',
  MET_USHORT: 'uint16',
  MET_SHORT: 'int16',
  MET_UINT: 'uint32',
  MET_INT: 'int32',
  // MetaIO's long is four bytes wide on every machine.
  MET_ULONG: 'uint32',
  MET_LONG: 'int32',
  MET_ULONG_LONG: 'uint64',
  MET_LONG_LONG: 'int64',
  MET_FLOAT: 'float32',
  MET_DOUBLE: 'float64',
};

/** Longer headers are taken for nonsense. */
const longestHeaderBytes = 2 ** 16;

/** The header of a MetaImage: its lines `key = value`, and the bytes that they take. */
interface MetaHeader {
  readonly fields: ReadonlyMap<string, string>;
  readonly bytes: number;
}

/** Whether a file that begins with these bytes is a MetaImage. */
export function looksLikeMetaImage(start: Uint8Array): boolean {
  const text = Buffer.from(start).toString('latin1');
  return /^\s*(?:Comment\s*=[^\n]*\n\s*)*(?:ObjectType|NDims)\s*=/.test(text);
}

/**
 * Reads one three-dimensional MetaImage: an `.mha` file, or an `.mhd` file whose voxels lie in one
 * file beside it, compressed or not. Its frame is LPS mm; AnatomicalOrientation, which repeats it in
 * words and is often wrong, is not looked at.
 * @throws DawsonError of one of the input codes for any other kind of MetaImage.
 */
export async function readMetaImageStream(
  bytes: ByteStream,
): Promise<Omit<StoredImage, 'sha256'> & { voxelsSha256?: string }> {
  const { file } = bytes;
  if (bytes.compressed) {
    throw new DawsonError('unsupported-image', {
      file,
      expected: 'a MetaImage that is not wrapped in gzip',
      found: 'gzip data that hold a MetaImage',
      advice: 'Unpack it first.',
    });
  }
  const header = parseHeader(await bytes.peek(longestHeaderBytes), file);
  const { fields } = header;
  requirePlainImage(fields, file);
  const size = numbers(fields, ['DimSize'], 3, file) as unknown as Size;
  requireUsableSize(size, file);
  const { affine, notes: assumed } = affineOf(fields, file);
  requireUsableAffine(affine, size, file, 'by ElementSpacing');
  const elementType = fields.get('ElementType') ?? '';
  const type = Object.hasOwn(scalarOfElementType, elementType)
    ? scalarOfElementType[elementType]
    : undefined;
  if (!type) {
    throw new DawsonError('unsupported-image', {
      file,
      expected: `an ElementType among ${Object.keys(scalarOfElementType).join(', ')}`,
      found: elementType || 'none',
    });
  }
  const bigEndian =
    isTrue(fields, 'BinaryDataByteOrderMSB') || isTrue(fields, 'ElementByteOrderMSB');
  const layout = { size, type, order: bigEndian ? 'BE' : 'LE' } as const;
  const { data, notes, sha256 } = await readElements(bytes, header, layout);
  return {
    volume: { data, size, affine },
    type,
    scaling: { slope: 1, intercept: 0 },
    notes: [...assumed, ...notes],
    ...(sha256 !== undefined && { voxelsSha256: sha256 }),
  };
}

function parseHeader(start: Buffer, file: string): MetaHeader {
  const text = start.toString('latin1');
  const last = /^[ \t]*ElementDataFile[ \t]*=[^\n]*\n?/m.exec(text);
  if (!last) {
    throw new DawsonError('file-truncated', {
      file,
      expected: 'a MetaImage header that ends with a line "ElementDataFile ="',
      found: 'no such line',
    });
  }
  const bytes = last.index + last[0].length;
  const fields = new Map<string, string>();
  for (const line of text.slice(0, bytes).split('\n')) {
    const plain = line.replace(/\r$/, '');
    if (plain.trim() === '') continue;
    // A carriage return within a line, which programs read differently, would hide what follows it.
    const [key, value] = partsOf(plain);
    if (key === '' || plain.includes('\r') || (fields.get(key) ?? value) !== value) {
      throw new DawsonError('file-corrupt', {
        file,
        expected: 'header lines "key = value", each key once',
        found: JSON.stringify(plain.slice(0, 80)),
      });
    }
    fields.set(key, value);
  }
  return { fields, bytes };
}

/** What stands before and behind the first =. */
function partsOf(line: string): [key: string, value: string] {
  const at = line.indexOf('=');
  return at < 0 ? ['', ''] : [line.slice(0, at).trim(), line.slice(at + 1).trim()];
}

/** What the rest of this file takes for granted, and what readers of MetaImages ignore in silence. */
function requirePlainImage(fields: ReadonlyMap<string, string>, file: string): void {
  const expectations: readonly (readonly [key: string, expected: RegExp, words: string])[] = [
    ['ObjectType', /^Image$/i, 'an image'],
    ['NDims', /^3$/, 'three dimensions'],
    ['BinaryData', /^True$/i, 'binary voxels'],
    ['ElementNumberOfChannels', /^1$/, 'one number a voxel'],
    ['ElementToIntensityFunctionSlope', /^1(\.0*)?$/, 'intensities without scaling'],
    ['ElementToIntensityFunctionOffset', /^0(\.0*)?$/, 'intensities without scaling'],
    ['DistanceUnits', /^mm$/, 'lengths in millimetres'],
  ];
  for (const [key, expected, words] of expectations) {
    const value = fields.get(key);
    if (value === undefined || expected.test(value)) continue;
    throw new DawsonError('unsupported-image', {
      file,
      expected: words,
      found: `${key} = ${value}`,
    });
  }
}

/**
 * The three numbers of one axis follow each other in TransformMatrix; LPS becomes RAS. Without
 * TransformMatrix or Offset the axes are those of LPS and the first voxel is the origin, as in ITK.
 */
function affineOf(
  fields: ReadonlyMap<string, string>,
  file: string,
): { affine: Mat4; notes: string[] } {
  const notes: string[] = [];
  const orElse = (names: readonly string[], value: number[], meaning: string) => {
    if (names.some((name) => fields.has(name))) return numbers(fields, names, value.length, file);
    notes.push(`the header has no ${names[0]}: ${meaning}`);
    return value;
  };
  const spacing = numbers(fields, ['ElementSpacing', 'ElementSize'], 3, file);
  const origin = orElse(
    ['Offset', 'Position', 'Origin'],
    [0, 0, 0],
    'its place is unknown, and the first voxel is taken as the origin',
  );
  const axes = orElse(
    ['TransformMatrix', 'Rotation', 'Orientation'],
    [1, 0, 0, 0, 1, 0, 0, 0, 1],
    'which side is left is unknown, and its axes are taken as left, posterior, superior',
  );
  const row = (r: number, sign: 1 | -1) => [
    ...[0, 1, 2].map((axis) => sign * axes[3 * axis + r] * spacing[axis]),
    sign * origin[r],
  ];
  const rows = [...row(0, -1), ...row(1, -1), ...row(2, 1)];
  return { affine: [...rows, 0, 0, 0, 1] as unknown as Mat4, notes };
}

/** The numbers of the first of these keys that the header has. */
function numbers(
  fields: ReadonlyMap<string, string>,
  keys: readonly string[],
  count: number,
  file: string,
): number[] {
  const key = keys.find((name) => fields.has(name));
  const text = key === undefined ? '' : fields.get(key)!;
  const values = text === '' ? [] : text.split(/\s+/).map(Number);
  if (values.length === count && values.every(Number.isFinite)) return values;
  throw new DawsonError('bad-geometry', {
    file,
    expected: `${count} numbers ${keys[0]}`,
    found: text.slice(0, 200) || 'none',
  });
}

const isTrue = (fields: ReadonlyMap<string, string>, key: string) =>
  /^True$/i.test(fields.get(key) ?? '');

/** Reads the voxels from where ElementDataFile says that they are. */
async function readElements(
  bytes: ByteStream,
  { fields, bytes: headerBytes }: MetaHeader,
  layout: Omit<VoxelLayout, 'offset'>,
): Promise<{ data: VoxelData; notes: string[]; sha256?: string }> {
  const compressed = isTrue(fields, 'CompressedData');
  const name = fields.get('ElementDataFile')!;
  if (isLocal(name)) {
    if (!compressed) return readVoxels(bytes, { ...layout, offset: headerBytes });
    return ByteStream.with(bytes.file, (data) => readVoxels(data, { ...layout, offset: 0 }), {
      compression: 'zlib',
      start: headerBytes,
    });
  }
  const file = await elementFile(name, bytes.file);
  const start = await elementStart(fields, layout, file, bytes.file);
  return readVoxelsOfFile(
    file,
    { ...layout, offset: 0 },
    { compression: compressed ? 'zlib' : 'none', start },
  );
}

/** The file of the voxels of a MetaImage, there or not; none where they follow the header. */
export async function elementFileOf(bytes: ByteStream): Promise<string | undefined> {
  const { fields } = parseHeader(await bytes.peek(longestHeaderBytes), bytes.file);
  const name = fields.get('ElementDataFile')!;
  return isLocal(name) ? undefined : elementFile(name, bytes.file);
}

const isLocal = (name: string) => /^LOCAL$/i.test(name);

/** Only a plain name in the header's own folder: a header from elsewhere may not point about. */
async function elementFile(name: string, headerFile: string): Promise<string> {
  if (/^[^/\\:%\0]+$/.test(name) && !/^(?:\.{1,2}|LIST(?:\s.*)?)$/i.test(name)) {
    const pathsBeside = (header: string) => [join(dirname(header), name)];
    return (await fileBeside(headerFile, pathsBeside)) ?? pathsBeside(headerFile)[0];
  }
  throw new DawsonError('unsupported-image', {
    file: headerFile,
    expected: 'an ElementDataFile that names one file in the same folder',
    found: name.slice(0, 200),
  });
}

/** HeaderSize bytes lie before the voxels; -1 says that the voxels end the file. */
async function elementStart(
  fields: ReadonlyMap<string, string>,
  { size, type }: Omit<VoxelLayout, 'offset'>,
  file: string,
  headerFile: string,
): Promise<number> {
  const start = Number(fields.get('HeaderSize') ?? 0);
  if (Number.isSafeInteger(start) && start >= 0) return start;
  if (start === -1 && !isTrue(fields, 'CompressedData')) {
    const fileBytes = await withFile(file, async (_handle, sizeBytes) => sizeBytes);
    return Math.max(0, fileBytes - voxelCount(size) * scalarBytes[type]);
  }
  throw new DawsonError('file-corrupt', {
    file: headerFile,
    expected: 'a HeaderSize that is a number of bytes',
    found: `${fields.get('HeaderSize')}`,
  });
}
