import type { Element } from 'dicom-parser';
import { version } from '../../version.js';
import { inWorker } from '../../workers.js';
import type { Attributes } from '../attributes.js';
import { type Source, sourceName } from '../instance.js';
import { type ParsedFile, parseDicom, pixelDataTag } from '../parse.js';
import { SourceReader } from '../read-source.js';
import { refused } from '../refusal.js';
import { code } from '../write/codes.js';
import { type DataSet, dicomHeader } from '../write/data-set.js';
import { uidOf } from '../write/identifiers.js';
import { type Keyword, tags } from '../write/tags.js';
import { emptied, identifiers, removed, replaced } from './basic-profile.js';

/** In place of an identifier: the same for the same one, so that references stay. */
export const deidentifiedUid = (uid: string): string => uidOf('deidentified', uid);

/** What the values of action D become, by value representation; those of sequences are looked through. */
const dummies: Readonly<Record<string, string>> = {
  AE: 'ANONYMOUS',
  AS: '000Y',
  CS: 'ANONYMOUS',
  DA: '19000101',
  DT: '19000101000000',
  LO: 'ANONYMOUS',
  LT: 'ANONYMOUS',
  PN: 'ANONYMOUS',
  SH: 'ANONYMOUS',
  ST: 'ANONYMOUS',
  TM: '000000',
  UC: 'ANONYMOUS',
  UR: 'http://anonymous.invalid',
  UT: 'ANONYMOUS',
};

/** What a de-identified object says of itself (PS3.15, E.1.1). */
const method: DataSet = {
  PatientIdentityRemoved: 'YES',
  DeidentificationMethod: `Dawson ${version}`,
  DeidentificationMethodCodeSequence: [
    code('113100', 'DCM', 'Basic Application Confidentiality Profile'),
  ],
  LongitudinalTemporalInformationModified: 'REMOVED',
};

/** Definitions by the standard that are no identifiers of anybody: SOP classes, transfer syntaxes. */
const standardRoot = '1.2.840.10008.';

export interface DeidentifiedFile {
  readonly bytes: Uint8Array;
  readonly sopInstance: string;
  readonly series: string;
}

/**
 * The bytes of an image without what could tell whose it is, by the Basic Application
 * Confidentiality Profile of PS3.15; pixels stay as they are. For worker threads.
 * @throws DawsonError as reading and parsing a file, and `unsupported-image` where texts are burned
 *   into the pixels.
 */
export function deidentifyFile(source: Source): Promise<DeidentifiedFile> {
  return SourceReader.with(async (reader) => {
    const file = sourceName(source);
    const parsed = parseDicom(await reader.read(source), file, { withPixels: true })!;
    if (parsed.attributes.text('x00280301') === 'YES') {
      throw refused({
        code: 'unsupported-image',
        file,
        expected: 'an image without texts in its pixels, which cannot be taken out',
        found: 'one whose header says that it has some (Burned In Annotation)',
      });
    }
    const uid = (tag: string) => deidentifiedUid(parsed.attributes.text(tag) ?? '');
    return {
      bytes: deidentified(parsed),
      sopInstance: uid('x00080018'),
      series: uid('x0020000e'),
    };
  });
}

export const deidentifyFileInWorker = inWorker<typeof deidentifyFile>(
  import.meta.url,
  'deidentifyFile',
);

function deidentified({ attributes, syntax, syntaxUid }: ParsedFile): Uint8Array {
  // What was deflated is inflated by now.
  const writer = new Writer(attributes.bytes, {
    implicit: syntax.implicit ?? false,
    bigEndian: syntax.bigEndian ?? false,
    patientId: `DAWSON-${deidentifiedUid(attributes.text('x0020000d') ?? '').slice(5, 15)}`,
  });
  const data = writer.dataSet(attributes, method);
  const header = dicomHeader({
    sopClass: attributes.text('x00080016') ?? '',
    sopInstance: deidentifiedUid(attributes.text('x00080018') ?? ''),
    syntax: syntax.deflated ? '1.2.840.10008.1.2.1' : syntaxUid,
  });
  return Buffer.concat([header, data]);
}

interface Form {
  readonly implicit: boolean;
  readonly bigEndian: boolean;
  readonly patientId: string;
}

const undefinedLength = 0xffffffff;
const longLengths = ['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV'];

/** Writes elements of a file again, in its own way of writing. */
class Writer {
  readonly #bytes: Uint8Array;
  readonly #form: Form;

  constructor(bytes: Uint8Array, form: Form) {
    this.#bytes = bytes;
    this.#form = form;
  }

  /** @param added elements put over those of the file */
  dataSet(attributes: Attributes, added: DataSet = {}): Buffer {
    const kept = new Map<string, Buffer>();
    for (const [tag, element] of Object.entries(attributes.elements)) {
      const bytes = element && this.#element(tag.slice(1), element, attributes);
      if (bytes) kept.set(tag.slice(1), bytes);
    }
    return inOrder(new Map([...kept, ...this.#own(added)]));
  }

  /** Undefined for what goes. */
  #element(tag: string, element: Element, attributes: Attributes): Buffer | undefined {
    const vr = element.vr ?? '';
    // UN: in explicit files a value, or items, of a form that nobody knows.
    if (isUnwanted(tag) || removed.has(tag) || vr === 'UN') return undefined;
    if (emptied.has(tag)) return this.#whole(tag, vr, Buffer.alloc(0));
    if (element.items) {
      const items = attributes.items(`x${tag}`).map((item) => this.#item(this.dataSet(item)));
      return this.#whole(tag, 'SQ', Buffer.concat(items));
    }
    if (`x${tag}` === pixelDataTag && element.fragments) return this.#fragments(element);
    if (identifiers.has(tag)) return this.#text(tag, 'UI', mapped(attributes.texts(`x${tag}`)));
    const replacement = replaced.get(tag);
    if (replacement !== undefined) return this.#replaced(tag, replacement, attributes);
    const { dataOffset, length } = element;
    return this.#whole(tag, vr, this.#bytes.subarray(dataOffset, dataOffset + length));
  }

  #replaced(tag: string, vr: string, attributes: Attributes): Buffer {
    if (tag === '00100020') return this.#text(tag, vr, this.#form.patientId);
    if (vr === 'UI') return this.#text(tag, vr, mapped(attributes.texts(`x${tag}`)));
    const dummy = dummies[vr];
    return dummy === undefined ? this.#whole(tag, vr, Buffer.alloc(2)) : this.#text(tag, vr, dummy);
  }

  #text(tag: string, vr: string, text: string): Buffer {
    const padding = text.length % 2 === 0 ? '' : vr === 'UI' ? '\0' : ' ';
    return this.#whole(tag, vr, Buffer.from(text + padding, 'latin1'));
  }

  #whole(tag: string, vr: string, value: Uint8Array): Buffer {
    return Buffer.concat([this.#header(tag, vr, value.length), value]);
  }

  #item(body: Buffer): Buffer {
    return Buffer.concat([this.#mark('fffee000', body.length), body]);
  }

  /** Compressed frames, as they are. */
  #fragments({ tag, basicOffsetTable = [], fragments = [] }: Element): Buffer {
    const table = Buffer.alloc(4 * basicOffsetTable.length);
    for (const [at, offset] of basicOffsetTable.entries()) table.writeUInt32LE(offset, 4 * at);
    const items = fragments.map(({ position, length }) =>
      this.#item(Buffer.from(this.#bytes.subarray(position, position + length))),
    );
    const header = this.#header(tag.slice(1), 'OB', undefinedLength);
    return Buffer.concat([header, this.#item(table), ...items, this.#mark('fffee0dd', 0)]);
  }

  /** Elements of our own in the file's way of writing: texts, and items of such. */
  #own(dataSet: DataSet): Map<string, Buffer> {
    const keywords = Object.keys(dataSet) as Keyword[];
    return new Map(
      keywords.map((keyword) => {
        const [tag, vr] = tags[keyword];
        const value = dataSet[keyword];
        if (!Array.isArray(value)) return [tag, this.#text(tag, vr, String(value))];
        const items = (value as DataSet[]).map((item) => this.#item(inOrder(this.#own(item))));
        return [tag, this.#whole(tag, vr, Buffer.concat(items))];
      }),
    );
  }

  #header(tag: string, vr: string, length: number): Buffer {
    if (this.#form.implicit) return this.#mark(tag, length);
    const isLong = longLengths.includes(vr);
    const header = Buffer.alloc(isLong ? 12 : 8);
    this.#mark(tag, isLong ? 0 : length).copy(header, 0, 0, 4);
    header.write(vr, 4, 'latin1');
    const view = new DataView(header.buffer, header.byteOffset, header.length);
    if (isLong) view.setUint32(8, length, !this.#form.bigEndian);
    else view.setUint16(6, length, !this.#form.bigEndian);
    return header;
  }

  /** A tag and a length of four bytes. */
  #mark(tag: string, length: number): Buffer {
    const mark = Buffer.alloc(8);
    const view = new DataView(mark.buffer, mark.byteOffset, 8);
    const little = !this.#form.bigEndian;
    view.setUint16(0, Number.parseInt(tag.slice(0, 4), 16), little);
    view.setUint16(2, Number.parseInt(tag.slice(4), 16), little);
    view.setUint32(4, length, little);
    return mark;
  }
}

/** Private groups, lengths of groups, curves, overlays, padding; file meta information is written anew. */
function isUnwanted(tag: string): boolean {
  const group = Number.parseInt(tag.slice(0, 4), 16);
  return (
    group % 2 === 1 ||
    group < 8 ||
    tag.endsWith('0000') ||
    (group >= 0x5000 && group <= 0x501e) ||
    (group >= 0x6000 && group <= 0x601e) ||
    group >= 0xfffc
  );
}

/** Elements by tag, in the order of their tags. */
const inOrder = (elements: ReadonlyMap<string, Buffer>): Buffer =>
  Buffer.concat([...elements.keys()].sort().map((tag) => elements.get(tag)!));

const mapped = (uids: readonly string[]) =>
  uids.map((uid) => (uid.startsWith(standardRoot) ? uid : deidentifiedUid(uid))).join('\\');
