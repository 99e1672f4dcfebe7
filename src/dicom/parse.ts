import { inflateRawSync } from 'node:zlib';
import dicomParser, { type ByteArrayParser, type DataSet, type Element } from 'dicom-parser';
import { DawsonError } from '../errors.js';
import { Attributes } from './attributes.js';
import { largestInflatedBytes, mostElements } from './limits.js';
import { refused } from './refusal.js';
import { syntaxes, type TransferSyntax } from './transfer-syntax.js';

export const pixelDataTag = 'x7fe00010';

/** A file's attributes, how it is written, and where its pixel data begin. */
export interface ParsedFile {
  readonly attributes: Attributes;
  readonly syntax: TransferSyntax;
  readonly syntaxUid: string;
  /** The element of the pixel data; absent where there is none. */
  readonly pixelData?: Element;
}

/**
 * Parses the bytes of a DICOM file: Part 10, or a bare data set of which the first element is of
 * group 0008. Without `withPixels` it stops where the pixel data begin, of which then only length
 * and place are known; so the beginning of a file is enough.
 * @param file name for messages
 * @returns undefined where the bytes are no DICOM at all.
 * @throws DawsonError `file-corrupt` where the elements contradict each other or the file ends
 *   within one, `file-oversized` for more elements or more deflated bytes than an image has,
 *   `unsupported-image` for an unknown transfer syntax.
 */
export function parseDicom(
  bytes: Uint8Array,
  file: string,
  { withPixels }: { withPixels: boolean },
): ParsedFile | undefined {
  const start = startOf(bytes);
  if (start === undefined) return undefined;
  try {
    const { name, at } =
      start === 'part-10' ? metaInformation(bytes) : { name: bareSyntax(bytes), at: 0 };
    const syntax = syntaxes.get(name);
    if (syntax === undefined) {
      throw refused({
        code: 'unsupported-image',
        file,
        expected: 'a transfer syntax of the DICOM standard',
        found: name === '' ? 'none named' : `“${name.slice(0, 64)}”`,
      });
    }
    const plain = syntax.deflated ? inflated(bytes, at) : bytes;
    return { ...elementsFrom(plain, at, syntax, withPixels), syntaxUid: name };
  } catch (error) {
    throw parsingFailure(error, file);
  }
}

/** Whether bytes are a DICOM file, or begin with an element of group 0008 of little endian order. */
function startOf(bytes: Uint8Array): 'part-10' | 'bare' | undefined {
  const text = (from: number, to: number) =>
    Buffer.from(bytes.subarray(from, to)).toString('latin1');
  if (text(128, 132) === 'DICM') return 'part-10';
  const isIdentifying = bytes.length > 16 && bytes[0] === 8 && bytes[1] === 0 && bytes[3] === 0;
  return isIdentifying && [0, 1, 5, 8].includes(bytes[2]) ? 'bare' : undefined;
}

/** With explicit value representations two letters follow the first tag. */
const bareSyntax = (bytes: Uint8Array) =>
  bytes[4] >= 65 && bytes[5] >= 65 ? '1.2.840.10008.1.2.1' : '1.2.840.10008.1.2';

/** The name of the transfer syntax, and where the data set behind the file meta information begins. */
function metaInformation(bytes: Uint8Array): { name: string; at: number } {
  const stream = new dicomParser.ByteStream(
    counting(dicomParser.littleEndianByteArrayParser),
    bytes,
    132,
  );
  const elements: Record<string, Element> = {};
  let at = stream.position;
  while (at + 8 <= bytes.length && bytes[at] === 2 && bytes[at + 1] === 0) {
    const element = dicomParser.readDicomElementExplicit(stream, []);
    elements[element.tag] = element;
    at = stream.position;
  }
  return { name: new Attributes(bytes, elements, true).text('x00020010') ?? '', at };
}

function elementsFrom(
  bytes: Uint8Array,
  at: number,
  syntax: TransferSyntax,
  withPixels: boolean,
): Omit<ParsedFile, 'syntaxUid'> {
  const parser = syntax.bigEndian
    ? dicomParser.bigEndianByteArrayParser
    : dicomParser.littleEndianByteArrayParser;
  const stream = new dicomParser.ByteStream(counting(parser), bytes, at);
  const elements: Record<string, Element> = {};
  const dataSet = { elements, warnings: [], byteArray: bytes } as unknown as DataSet;
  const parse = syntax.implicit
    ? dicomParser.parseDicomDataSetImplicit
    : dicomParser.parseDicomDataSetExplicit;
  parse(dataSet, stream, bytes.length, { untilTag: withPixels ? '' : pixelDataTag });
  const attributes = new Attributes(bytes, elements, !syntax.bigEndian);
  return { attributes, syntax, pixelData: elements[pixelDataTag] };
}

/** A reader of numbers that gives up where a file has more tags than any image: each is read as two. */
function counting(parser: ByteArrayParser): ByteArrayParser {
  let reads = 0;
  return {
    ...parser,
    readUint16: (bytes, position) => {
      if (++reads > 4 * mostElements) throw new TooMuch(`more than ${mostElements} elements`);
      return parser.readUint16(bytes, position);
    },
  };
}

class TooMuch extends Error {}

/** The bytes with what follows `at` inflated; no more than {@link largestInflatedBytes}. */
function inflated(bytes: Uint8Array, at: number): Uint8Array {
  const rest = inflateRawSync(bytes.subarray(at), { maxOutputLength: largestInflatedBytes });
  const plain = new Uint8Array(at + rest.length);
  plain.set(bytes.subarray(0, at));
  plain.set(rest, at);
  return plain;
}

/** dicom-parser throws texts; nested items that never end use up the stack. */
function parsingFailure(error: unknown, file: string): unknown {
  if (error instanceof DawsonError) return error;
  if (
    error instanceof TooMuch ||
    (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
  ) {
    return refused({
      code: 'file-oversized',
      file,
      expected: `at most ${mostElements} elements and ${largestInflatedBytes} inflated bytes`,
      found: error instanceof TooMuch ? error.message : 'deflated data that grow beyond that',
    });
  }
  const known = typeof error === 'string' || error instanceof RangeError || isZlib(error);
  return known
    ? refused({
        code: 'file-corrupt',
        file,
        expected: 'DICOM elements that follow each other to the end of the file',
        found: 'lengths that lead beyond it, or items that never end',
      })
    : error;
}

const isZlib = (error: unknown) => String((error as NodeJS.ErrnoException).code).startsWith('Z_');
