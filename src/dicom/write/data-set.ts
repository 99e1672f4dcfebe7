import { version } from '../../version.js';
import { type Keyword, tags } from './tags.js';

/** Texts, numbers, bytes, or the items of a sequence; an empty text or list is an empty value. */
export type Value = string | number | readonly (string | number)[] | Uint8Array;

/** Elements by keyword; what is undefined is not written. */
export type DataSet = { readonly [keyword in Keyword]?: Value | readonly DataSet[] };

/** Explicit VR Little Endian. */
const transferSyntax = '1.2.840.10008.1.2.1';

/** Names this way of writing; of the UUID 3c5b22a7-5b0e-4a3e-9d52-6a1f0c5d7e10. */
const implementationClass = '2.25.80226881622431697192734601990931054096';

/** These have a length of four bytes behind two of zero. */
const longLengths: readonly string[] = ['OB', 'SQ', 'UT'];
const widths: Readonly<Record<string, number>> = { US: 2, UL: 4, AT: 4 };

/** A data set as a file: preamble, file meta information, elements in the order of their tags. */
export function dicomFile(dataSet: DataSet): Buffer {
  const { SOPClassUID, SOPInstanceUID } = dataSet;
  const header = partTenHeader(String(SOPClassUID), String(SOPInstanceUID), transferSyntax);
  return Buffer.concat([header, encodeElements(dataSet)]);
}

/** What goes before the data set in a file (PS3.10): preamble and file meta information. */
export function partTenHeader(
  sopClass: string,
  sopInstance: string,
  transferSyntax: string,
): Buffer {
  const meta = encodeElements({
    FileMetaInformationVersion: Uint8Array.of(0, 1),
    MediaStorageSOPClassUID: sopClass,
    MediaStorageSOPInstanceUID: sopInstance,
    TransferSyntaxUID: transferSyntax,
    ImplementationClassUID: implementationClass,
    ImplementationVersionName: `DAWSON_${version}`.slice(0, 16),
  });
  const length = Buffer.from([2, 0, 0, 0, 0x55, 0x4c, 4, 0, 0, 0, 0, 0]);
  length.writeUInt32LE(meta.length, 8);
  const preamble = Buffer.concat([Buffer.alloc(128), Buffer.from('DICM')]);
  return Buffer.concat([preamble, length, meta]);
}

/** The elements of a data set or an item, in Explicit VR Little Endian; texts in UTF-8. */
export function encodeElements(dataSet: DataSet): Buffer {
  const written = (Object.keys(dataSet) as Keyword[]).filter((key) => dataSet[key] !== undefined);
  written.sort((a, b) => (tags[a][0] < tags[b][0] ? -1 : 1));
  return Buffer.concat(written.flatMap((keyword) => elementParts(keyword, dataSet[keyword]!)));
}

function elementParts(keyword: Keyword, value: Value | readonly DataSet[]): Buffer[] {
  const [tag, vr] = tags[keyword];
  const bytes =
    vr === 'SQ' ? itemsBytes(value as readonly DataSet[]) : valueBytes(vr, value as Value);
  const isLong = longLengths.includes(vr);
  const header = Buffer.alloc(isLong ? 12 : 8);
  tagBytes(tag).copy(header);
  header.write(vr, 4, 'latin1');
  if (isLong) header.writeUInt32LE(bytes.length, 8);
  else header.writeUInt16LE(bytes.length, 6);
  return [header, bytes];
}

function itemsBytes(items: readonly DataSet[]): Buffer {
  return Buffer.concat(
    items.flatMap((item) => {
      const body = encodeElements(item);
      const header = Buffer.alloc(8);
      tagBytes('fffee000').copy(header);
      header.writeUInt32LE(body.length, 4);
      return [header, body];
    }),
  );
}

/** Padded to an even length: identifiers and bytes by zero, other texts by a space. */
function valueBytes(vr: string, value: Value): Buffer {
  if (value instanceof Uint8Array) return padded(Buffer.from(value), 0);
  const values = typeof value === 'string' || typeof value === 'number' ? [value] : value;
  const width = widths[vr];
  if (width === undefined) {
    const texts = values.map((one) => (typeof one === 'number' ? decimalText(one) : one));
    return padded(Buffer.from(texts.join('\\'), 'utf8'), vr === 'UI' ? 0 : 32);
  }
  if (vr === 'AT') return Buffer.concat(values.map((tag) => tagBytes(String(tag))));
  const bytes = Buffer.alloc(width * values.length);
  for (const [at, number] of values.entries()) bytes.writeUIntLE(Number(number), width * at, width);
  return bytes;
}

function padded(bytes: Buffer, by: number): Buffer {
  return bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.of(by)]);
}

/** The group, then the element, each little endian. */
const tagBytes = (tag: string) => Buffer.from(tag, 'hex').swap16();

const longestDecimal = 16;

/** A number as a decimal text (DS, IS) of at most 16 characters, with as many digits as fit. */
export function decimalText(value: number): string {
  let text = String(value);
  for (let digits = 15; text.length > longestDecimal; digits--) {
    text = String(Number(value.toPrecision(digits)));
  }
  return text;
}
