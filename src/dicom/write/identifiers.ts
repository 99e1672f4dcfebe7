import { createHash } from 'node:crypto';
import { type DataSet, encodeElements } from './data-set.js';

/** An identifier under the root of UUIDs (PS3.5, B.2): the same for the same texts. */
export function uidOf(...texts: readonly string[]): string {
  const hash = createHash('sha256')
    .update(JSON.stringify(['dawson', ...texts]))
    .digest();
  // Version 8 and variant 1 of RFC 9562: the other bits are the program's own.
  hash[6] = (hash[6] & 0x0f) | 0x80;
  hash[8] = (hash[8] & 0x3f) | 0x80;
  return `2.25.${BigInt(`0x${hash.toString('hex', 0, 16)}`)}`;
}

/**
 * Objects as one new series. Its identifier and theirs follow from all that they hold: the same
 * objects have the same identifiers, and other ones have others.
 */
export function asSeries(objects: readonly DataSet[]): DataSet[] {
  const hashes = objects.map((object) =>
    createHash('sha256').update(encodeElements(object)).digest('hex'),
  );
  const series = uidOf('series', ...hashes);
  return objects.map((object, at) => ({
    ...object,
    SeriesInstanceUID: series,
    SOPInstanceUID: uidOf('instance', series, `${at}`, hashes[at]),
  }));
}
