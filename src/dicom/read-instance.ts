import { createHash } from 'node:crypto';
import type { Attributes } from './attributes.js';
import {
  type Instance,
  type PatientDetails,
  type PixelFormat,
  type Source,
  sourceName,
} from './instance.js';
import { mostRows } from './limits.js';
import { type ParsedFile, parseDicom } from './parse.js';
import { readFrames } from './read-frames.js';
import { readProtocol } from './read-protocol.js';
import type { Refusal } from './refusal.js';
import { refused } from './refusal.js';
import type { TransferSyntax } from './transfer-syntax.js';

/** Manufacturer, (0008,0070), of everything that Dawson writes. */
export const ownManufacturer = 'Dawson';

const dicomDirectory = '1.2.840.10008.1.3.10';

/**
 * What a DICOM file says of itself.
 * @param bytes of the file: all, or its beginning up to where the pixel data begin at least
 * @returns undefined for bytes that are no DICOM, and for a DICOMDIR.
 * @throws DawsonError as {@link parseDicom}, and `file-corrupt` where study, series or instance has
 *   no identifier.
 */
export function readInstance(bytes: Uint8Array, source: Source): Instance | undefined {
  const file = sourceName(source);
  const parsed = parseDicom(bytes, file, { withPixels: false });
  if (parsed === undefined) return undefined;
  const { attributes, syntax } = parsed;
  const sopClass = attributes.text('x00080016') ?? attributes.text('x00020002') ?? '';
  if (sopClass === dicomDirectory || attributes.has('x00041220')) return undefined;
  const identifier = (tag: string, what: string) => identifierOf(attributes, tag, what, file);
  const pixels = pixelFormatOf(attributes, syntax);
  const frames = readFrames(attributes);
  const damage = pixels && damageOf(parsed, pixels, frames.length, source);
  const whole = (tag: string) => integer(attributes.decimal(tag));
  return {
    source,
    sopClass,
    sopInstance: identifier('x00080018', 'SOP Instance UID'),
    study: identifier('x0020000d', 'Study Instance UID'),
    series: identifier('x0020000e', 'Series Instance UID'),
    seriesNumber: whole('x00200011'),
    acquisitionNumber: whole('x00200012'),
    instanceNumber: whole('x00200013'),
    modality: attributes.text('x00080060') ?? '',
    studyDate: matching(attributes.text('x00080020'), /^\d{8}$/),
    seriesTime: matching(attributes.text('x00080031'), /^\d{6}/)?.slice(0, 6),
    patientHash: patientHashOf(attributes),
    isPatientKnown: isPatientKnown(attributes),
    patientDetails: patientDetailsOf(
      attributes.written('x00100010', 'PN'),
      attributes.text('x00100030'),
      attributes.text('x00100040'),
    ),
    frameOfReference: attributes.text('x00200052'),
    imagesInAcquisition: whole('x00201002'),
    own: attributes.written('x00080070') === ownManufacturer,
    protocol: readProtocol(attributes),
    ...(pixels && { pixels }),
    frames,
    ...(damage && { damage }),
  };
}

const integer = (value: number | undefined) => (Number.isInteger(value) ? value : undefined);
const matching = (text: string | undefined, pattern: RegExp) =>
  text !== undefined && pattern.test(text) ? text : undefined;

/** Digits and points: identifiers come into tables and results. */
function identifierOf(attributes: Attributes, tag: string, what: string, file: string): string {
  const uid = attributes.text(tag);
  if (uid !== undefined && /^[0-9][0-9.]{0,63}$/.test(uid)) return uid;
  throw refused({
    code: 'file-corrupt',
    file,
    expected: `a ${what}: at most 64 digits and points`,
    found: uid === undefined ? 'none' : 'another text',
  });
}

/** By the identifier; by name and date of birth where there is none. */
function patientHashOf(attributes: Attributes): string {
  const id = attributes.written('x00100020');
  const name = attributes.written('x00100010', 'PN') ?? '';
  return hashOf(id === undefined ? `${name}\n${attributes.text('x00100030') ?? ''}` : `id ${id}`);
}

/** A name alone, such as "Anonymous", is that of many. */
const isPatientKnown = (attributes: Attributes): boolean =>
  attributes.written('x00100020') !== undefined ||
  (attributes.written('x00100010', 'PN') !== undefined &&
    matching(attributes.text('x00100030'), /^\d{8}$/) !== undefined);

/** Names without the ways in which systems write them differently: case, padding, other alphabets. */
export function patientDetailsOf(
  name: string | undefined,
  birthDate: string | undefined,
  sex: string | undefined,
): PatientDetails {
  const plainName = name
    ?.split('=', 1)[0]
    .toUpperCase()
    .replace(/[\^ ]+/g, ' ')
    .trim();
  const hashed = (kind: string, text: string | undefined) =>
    text ? { [kind]: hashOf(`${kind} ${text}`) } : {};
  return {
    ...hashed('name', plainName),
    ...hashed('birthDate', matching(birthDate, /^\d{8}$/)),
    ...hashed('sex', matching(sex, /^[MFO]$/)),
  };
}

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16);

function pixelFormatOf(attributes: Attributes, syntax: TransferSyntax): PixelFormat | undefined {
  const rows = attributes.unsignedShort('x00280010');
  const columns = attributes.unsignedShort('x00280011');
  const bitsAllocated = attributes.unsignedShort('x00280100');
  if (!rows || !columns || !bitsAllocated) return undefined;
  const bitsStored = attributes.unsignedShort('x00280101') ?? bitsAllocated;
  return {
    rows,
    columns,
    bitsAllocated,
    bitsStored,
    highBit: attributes.unsignedShort('x00280102') ?? bitsStored - 1,
    signed: attributes.unsignedShort('x00280103') === 1,
    samples: attributes.unsignedShort('x00280002') ?? 1,
    photometric: attributes.text('x00280004')?.slice(0, 32) ?? '',
    inverted: attributes.text('x00280004') === 'MONOCHROME1',
    lossy: attributes.text('x00282110') === '01',
    encoding: syntax.encoding,
    syntaxName: syntax.name,
  };
}

/** Why the pixels of an object cannot be used, as far as its header and the file's length tell. */
function damageOf(
  { attributes, pixelData, syntax }: ParsedFile,
  format: PixelFormat,
  frames: number,
  source: Source,
): Refusal | undefined {
  const file = sourceName(source);
  const unsupported = (expected: string, found: string): Refusal => ({
    code: 'unsupported-image',
    file,
    expected,
    found,
  });
  const { rows, columns, bitsAllocated, bitsStored, highBit, samples, photometric } = format;
  if (frames === 0)
    return {
      code: 'file-corrupt',
      file,
      expected: 'a possible number of frames',
      found: 'another one',
    };
  if (rows > mostRows || columns > mostRows) {
    return unsupported(`at most ${mostRows} rows and columns`, `${rows} x ${columns}`);
  }
  if (samples !== 1 || !/^MONOCHROME[12]$/.test(photometric)) {
    return unsupported(
      'one number a pixel (MONOCHROME1 or MONOCHROME2)',
      `${samples} a pixel, ${/^[A-Z0-9_ ]+$/.test(photometric) ? photometric : 'unknown'}`,
    );
  }
  if (
    ![8, 16, 32].includes(bitsAllocated) ||
    bitsStored < 1 ||
    bitsStored > bitsAllocated ||
    highBit !== bitsStored - 1
  ) {
    return unsupported(
      'the lowest bits of 8, 16 or 32',
      `${bitsStored} of ${bitsAllocated} bits, the highest ${highBit}`,
    );
  }
  if (syntax.encoding === 'unsupported')
    return unsupported('an encoding that can be decoded', syntax.name);
  if (!pixelData)
    return unsupported(
      'pixel data',
      attributes.has('x7fe00008') || attributes.has('x7fe00009') ? 'floating-point ones' : 'none',
    );
  if (syntax.encoding !== 'native' || syntax.deflated) return undefined;
  const needed = (rows * columns * frames * bitsAllocated) / 8;
  const there = Math.min(pixelData.length, source.sizeBytes - pixelData.dataOffset);
  return there >= needed
    ? undefined
    : {
        code: 'file-truncated',
        file,
        expected: `${needed} bytes of pixel data`,
        found: `${Math.max(0, there)}`,
      };
}
