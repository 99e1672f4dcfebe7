import { convertBytes } from 'dicom-character-set';
import type { Element } from 'dicom-parser';
import { longestTextBytes } from './limits.js';

/**
 * The attributes of a data set or of an item of a sequence, by tag (`xggggeeee`). A value that is
 * absent, empty, too long or of another form is undefined: who asks decides whether it matters.
 */
export class Attributes {
  readonly bytes: Uint8Array;
  readonly elements: Readonly<Record<string, Element | undefined>>;
  readonly #littleEndian: boolean;
  readonly #view: DataView;
  readonly #characterSet: string;

  constructor(
    bytes: Uint8Array,
    elements: Readonly<Record<string, Element | undefined>>,
    littleEndian: boolean,
    outerCharacterSet = '',
  ) {
    this.bytes = bytes;
    this.elements = elements;
    this.#littleEndian = littleEndian;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#characterSet = this.text('x00080005', { whole: true }) ?? outerCharacterSet;
  }

  has(tag: string): boolean {
    return this.elements[tag] !== undefined;
  }

  /** A text in the repertoire of ASCII, without padding; its first value unless `whole`. */
  text(tag: string, { whole = false } = {}): string | undefined {
    const bytes = this.#valueOf(tag);
    if (bytes === undefined) return undefined;
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
    const value = (whole ? text : text.split('\\', 1)[0]).replace(/[\0 ]+$/, '').trimStart();
    return value === '' ? undefined : value;
  }

  /** The values of a text, without padding; none where there is no text. */
  texts(tag: string): string[] {
    const text = this.text(tag, { whole: true });
    return text === undefined ? [] : text.split('\\').map((value) => value.trim());
  }

  /** A text that people wrote, in the character set of the file, without control characters. */
  written(tag: string, vr: 'LO' | 'PN' = 'LO'): string | undefined {
    const bytes = this.#valueOf(tag);
    if (bytes === undefined) return undefined;
    const text = decodeText(bytes, this.#characterSet, vr)
      .replace(/\p{Cc}+/gu, ' ')
      .trim();
    return text === '' ? undefined : text;
  }

  /** Decimal texts as numbers; undefined where one of them is none. */
  decimals(tag: string): number[] | undefined {
    const texts = this.texts(tag);
    const numbers = texts.map((text) => (text === '' ? Number.NaN : Number(text)));
    return numbers.length > 0 && numbers.every(Number.isFinite) ? numbers : undefined;
  }

  decimal(tag: string): number | undefined {
    return this.decimals(tag)?.[0];
  }

  unsignedShort(tag: string): number | undefined {
    const at = this.#placeOf(tag, 2);
    return at === undefined ? undefined : this.#view.getUint16(at, this.#littleEndian);
  }

  unsignedLong(tag: string): number | undefined {
    const at = this.#placeOf(tag, 4);
    return at === undefined ? undefined : this.#view.getUint32(at, this.#littleEndian);
  }

  /** Double precision numbers; undefined where one is not finite. */
  doubles(tag: string): number[] | undefined {
    const at = this.#placeOf(tag, 8);
    if (at === undefined) return undefined;
    const count = Math.floor(Math.min(this.elements[tag]!.length, longestTextBytes) / 8);
    const values = Array.from({ length: count }, (_, index) =>
      this.#view.getFloat64(at + 8 * index, this.#littleEndian),
    );
    return values.every(Number.isFinite) ? values : undefined;
  }

  double(tag: string): number | undefined {
    return this.doubles(tag)?.[0];
  }

  /** The items of a sequence; none where there is no sequence. */
  items(tag: string): Attributes[] {
    return (this.elements[tag]?.items ?? []).flatMap(({ dataSet }) =>
      dataSet
        ? [new Attributes(this.bytes, dataSet.elements, this.#littleEndian, this.#characterSet)]
        : [],
    );
  }

  /** The first item of a sequence. */
  item(tag: string): Attributes | undefined {
    return this.items(tag)[0];
  }

  #placeOf(tag: string, bytes: number): number | undefined {
    const element = this.elements[tag];
    if (element === undefined || element.length < bytes) return undefined;
    return element.dataOffset + bytes <= this.bytes.length ? element.dataOffset : undefined;
  }

  #valueOf(tag: string): Uint8Array | undefined {
    const element = this.elements[tag];
    if (element === undefined || element.items) return undefined;
    const { dataOffset, length } = element;
    const fits = length > 0 && length <= longestTextBytes;
    return fits && dataOffset + length <= this.bytes.length
      ? this.bytes.subarray(dataOffset, dataOffset + length)
      : undefined;
  }
}

/** Bytes that are not in the character set become �; a set that nobody knows is read as Latin-1. */
function decodeText(bytes: Uint8Array, characterSet: string, vr: 'LO' | 'PN'): string {
  for (const name of [characterSet, 'ISO_IR 100']) {
    try {
      return convertBytes(name, bytes, { vr });
    } catch {
      // The next one knows every byte.
    }
  }
  return '';
}
