// Writes DICOM files as other programs do: for exams that are made, never for results of Dawson.

export const explicit = '1.2.840.10008.1.2.1';
export const implicit = '1.2.840.10008.1.2';

const longLengths = ['OB', 'OW', 'SQ', 'UN', 'UT'];
const undefinedLength = 0xffffffff;

/**
 * The bytes of a file of Part 10, little endian.
 * @param elements value representation and value by tag (`ggggeeee`): a text, numbers, bytes, or the
 *   items of a sequence
 * @param syntax UID of the transfer syntax; compressed ones are written with explicit representations
 * @param fragments of compressed pixel data, one a frame, in place of the element
 */
export function fileBytes(elements, { syntax = explicit, fragments } = {}) {
  const meta = encoded(
    {
      '00020001': ['OB', Buffer.from([0, 1])],
      '00020002': ['UI', elements['00080016'][1]],
      '00020003': ['UI', elements['00080018'][1]],
      '00020010': ['UI', syntax],
      '00020012': ['UI', '1.2.840.99.1'],
    },
    false,
  );
  const length = encoded({ '00020000': ['UL', meta.length] }, false);
  const data = encoded(elements, syntax === implicit);
  const start = [Buffer.alloc(128), Buffer.from('DICM'), length, meta, data];
  return Buffer.concat(fragments ? [...start, encapsulated(fragments)] : start);
}

function encoded(elements, isImplicit) {
  const tags = Object.keys(elements).sort();
  return Buffer.concat(
    tags.flatMap((tag) => {
      const [vr, value] = elements[tag];
      const bytes = vr === 'SQ' ? itemsBytes(value, isImplicit) : valueBytes(vr, value);
      return [header(tag, vr, bytes.length, isImplicit), bytes];
    }),
  );
}

const itemsBytes = (items, isImplicit) =>
  Buffer.concat(
    items.flatMap((item) => {
      const body = encoded(item, isImplicit);
      return [header('fffee000', '', body.length, true), body];
    }),
  );

function encapsulated(fragments) {
  const parts = [Buffer.alloc(0), ...fragments.map((bytes) => evened(Buffer.from(bytes), 0))];
  return Buffer.concat([
    header('7fe00010', 'OB', undefinedLength, false),
    ...parts.flatMap((bytes) => [header('fffee000', '', bytes.length, true), bytes]),
    header('fffee0dd', '', 0, true),
  ]);
}

function header(tag, vr, length, isImplicit) {
  const isLong = isImplicit || longLengths.includes(vr);
  const bytes = Buffer.alloc(!isImplicit && isLong ? 12 : 8);
  bytes.writeUInt16LE(Number.parseInt(tag.slice(0, 4), 16), 0);
  bytes.writeUInt16LE(Number.parseInt(tag.slice(4), 16), 2);
  if (!isImplicit) bytes.write(vr, 4, 'latin1');
  if (isLong) bytes.writeUInt32LE(length, bytes.length - 4);
  else bytes.writeUInt16LE(length, 6);
  return bytes;
}

function valueBytes(vr, value) {
  if (value instanceof Uint8Array) return evened(Buffer.from(value), 0);
  const values = Array.isArray(value) ? value : [value];
  const width = { US: 2, UL: 4, FD: 8 }[vr];
  if (width === undefined) {
    const texts = values.map((one) => (typeof one === 'number' ? decimalText(one) : one));
    return evened(Buffer.from(texts.join('\\'), 'utf8'), vr === 'UI' ? 0 : 32);
  }
  const bytes = Buffer.alloc(width * values.length);
  for (const [at, number] of values.entries()) {
    if (vr === 'FD') bytes.writeDoubleLE(number, width * at);
    else bytes.writeUIntLE(number, width * at, width);
  }
  return bytes;
}

const evened = (bytes, padding) =>
  bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.of(padding)]);

/** With as many digits as fit: decimal texts have 16 characters at most. */
function decimalText(value) {
  let text = String(value);
  for (let digits = 15; text.length > 16; digits--)
    text = String(Number(value.toPrecision(digits)));
  return text;
}

/** Where the slices of a volume lie, as DICOM says it: LPS mm. */
export function placeOf({ affine }) {
  const lps = (column) => [-affine[column], -affine[4 + column], affine[8 + column]];
  const length = (column) => Math.hypot(...lps(column));
  const unit = (column) => lps(column).map((mm) => mm / length(column));
  return {
    orientation: [...unit(0), ...unit(1)],
    /** Between rows, then between columns. */
    spacing: [length(1), length(0)],
    stepMm: length(2),
    positionOf: (slice) => lps(3).map((mm, axis) => mm + slice * lps(2)[axis]),
  };
}
