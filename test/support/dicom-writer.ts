import { deflateRawSync } from 'node:zlib';

/** A value of an element: a text, numbers, bytes, or the items of a sequence. */
export type DicomValue =
  | string
  | number
  | readonly number[]
  | Uint8Array
  | readonly DicomElements[];

/** Elements by tag (`ggggeeee`), each with its value representation. */
export type DicomElements = Readonly<Record<string, readonly [vr: string, value: DicomValue]>>;

export interface DicomOptions {
  /** UID of the transfer syntax; explicit little endian where it is not given. */
  readonly syntax?: string;
  /** Compressed pixel data: fragments, behind a table of offsets. */
  readonly fragments?: readonly Uint8Array[];
  readonly offsets?: readonly number[];
  /** Sequences and items without lengths, ended by delimiters. */
  readonly undefinedLengths?: boolean;
  /** Without preamble and file meta information. */
  readonly bare?: boolean;
}

export const syntaxOf = {
  implicit: '1.2.840.10008.1.2',
  explicit: '1.2.840.10008.1.2.1',
  deflated: '1.2.840.10008.1.2.1.99',
  bigEndian: '1.2.840.10008.1.2.2',
  rle: '1.2.840.10008.1.2.5',
  jpegLossless: '1.2.840.10008.1.2.4.70',
  jpegLs: '1.2.840.10008.1.2.4.80',
  jpeg2000: '1.2.840.10008.1.2.4.90',
} as const;

const longLengths = ['OB', 'OW', 'OF', 'OD', 'SQ', 'UN', 'UT'];
const undefinedLength = 0xffffffff;

/** The bytes of a DICOM file, as small as it can be. */
export function dicomBytes(elements: DicomElements, options: DicomOptions = {}): Buffer {
  const { syntax = syntaxOf.explicit, bare = false, fragments, offsets = [] } = options;
  const encoder = new Encoder(syntax, options.undefinedLengths ?? false);
  const parts = [encoder.elements(elements)];
  if (fragments) parts.push(encoder.encapsulated(fragments, offsets));
  const data = Buffer.concat(parts);
  if (bare) return data;
  const meta = new Encoder(syntaxOf.explicit, false).elements({
    '00020002': ['UI', textOf(elements['00080016'])],
    '00020003': ['UI', textOf(elements['00080018'])],
    '00020010': ['UI', syntax],
  });
  const body = syntax === syntaxOf.deflated ? deflateRawSync(data) : data;
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), meta, body]);
}

const textOf = (element: DicomElements[string] | undefined) => String(element?.[1] ?? '');

class Encoder {
  readonly #implicit: boolean;
  readonly #bigEndian: boolean;
  readonly #undefinedLengths: boolean;

  constructor(syntax: string, undefinedLengths: boolean) {
    this.#implicit = syntax === syntaxOf.implicit;
    this.#bigEndian = syntax === syntaxOf.bigEndian;
    this.#undefinedLengths = undefinedLengths;
  }

  elements(elements: DicomElements): Buffer {
    const tags = Object.keys(elements).sort();
    return Buffer.concat(tags.map((tag) => this.#element(tag, ...elements[tag])));
  }

  encapsulated(fragments: readonly Uint8Array[], offsets: readonly number[]): Buffer {
    const table = Buffer.alloc(4 * offsets.length);
    for (const [at, offset] of offsets.entries()) table.writeUInt32LE(offset, 4 * at);
    return Buffer.concat([
      this.#header('7fe00010', 'OB', undefinedLength),
      ...[table, ...fragments].flatMap((bytes) => {
        const even = evened(bytes, 0);
        return [this.#mark('fffee000', even.length), even];
      }),
      this.#mark('fffee0dd', 0),
    ]);
  }

  #element(tag: string, vr: string, value: DicomValue): Buffer {
    if (vr === 'SQ') return this.#sequence(tag, value as readonly DicomElements[]);
    const bytes = this.#value(vr, value);
    return Buffer.concat([this.#header(tag, vr, bytes.length), bytes]);
  }

  #sequence(tag: string, items: readonly DicomElements[]): Buffer {
    const open = this.#undefinedLengths;
    const written = items.map((item) => {
      const body = this.elements(item);
      return open
        ? Buffer.concat([this.#mark('fffee000', undefinedLength), body, this.#mark('fffee00d', 0)])
        : Buffer.concat([this.#mark('fffee000', body.length), body]);
    });
    const body = Buffer.concat(written);
    return open
      ? Buffer.concat([this.#header(tag, 'SQ', undefinedLength), body, this.#mark('fffee0dd', 0)])
      : Buffer.concat([this.#header(tag, 'SQ', body.length), body]);
  }

  #value(vr: string, value: DicomValue): Buffer {
    if (value instanceof Uint8Array)
      return evened(value, vr === 'UI' || vr.startsWith('O') ? 0 : 32);
    if (typeof value === 'string') return evened(Buffer.from(value), vr === 'UI' ? 0 : 32);
    const numbers = typeof value === 'number' ? [value] : (value as readonly number[]);
    const width = { US: 2, SS: 2, UL: 4, FD: 8 }[vr];
    if (width === undefined) return evened(Buffer.from(numbers.join('\\')), 32);
    const bytes = Buffer.alloc(width * numbers.length);
    for (const [at, number] of numbers.entries()) this.#write(bytes, vr, number, width * at);
    return bytes;
  }

  #write(bytes: Buffer, vr: string, number: number, at: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const little = !this.#bigEndian;
    if (vr === 'US') view.setUint16(at, number, little);
    else if (vr === 'SS') view.setInt16(at, number, little);
    else if (vr === 'UL') view.setUint32(at, number, little);
    else view.setFloat64(at, number, little);
  }

  #header(tag: string, vr: string, length: number): Buffer {
    if (this.#implicit) return this.#mark(tag, length);
    const long = longLengths.includes(vr);
    const header = Buffer.alloc(long ? 12 : 8);
    this.#tag(tag).copy(header);
    header.write(vr, 4, 'latin1');
    const view = new DataView(header.buffer, header.byteOffset, header.length);
    if (long) view.setUint32(8, length, !this.#bigEndian);
    else view.setUint16(6, length, !this.#bigEndian);
    return header;
  }

  /** A tag and a length of four bytes. */
  #mark(tag: string, length: number): Buffer {
    const mark = Buffer.alloc(8);
    this.#tag(tag).copy(mark);
    new DataView(mark.buffer, mark.byteOffset, 8).setUint32(4, length, !this.#bigEndian);
    return mark;
  }

  #tag(tag: string): Buffer {
    const bytes = Buffer.alloc(4);
    const view = new DataView(bytes.buffer, bytes.byteOffset, 4);
    view.setUint16(0, Number.parseInt(tag.slice(0, 4), 16), !this.#bigEndian);
    view.setUint16(2, Number.parseInt(tag.slice(4), 16), !this.#bigEndian);
    return bytes;
  }
}

function evened(bytes: Uint8Array, padding: number): Buffer {
  return bytes.length % 2 === 0
    ? Buffer.from(bytes)
    : Buffer.concat([bytes, Buffer.from([padding])]);
}
