import { createRequire } from 'node:module';
import dimse from 'dcmjs-dimse';

// Both print what messages hold, private elements with their values among it.
dimse.log.setLevel('silent');
const library = createRequire(createRequire(import.meta.url).resolve('dcmjs-dimse'));
library('dcmjs').log.setLevel('silent');

export const { Client, Dataset, Scp, association, constants, requests, responses } = dimse;

/** PS3.4, C.2: what a data set is sent in unless something else was agreed on. */
export const explicitLittleEndian = '1.2.840.10008.1.2.1';

/**
 * A data set as the bytes that it is sent as. The library would else decode it and write it anew,
 * which loses private elements and changes the character set.
 */
export class RawDataset extends Dataset {
  readonly #bytes: Buffer;

  constructor(
    sopClass: string,
    sopInstance: string,
    transferSyntax: string,
    bytes: Buffer = Buffer.alloc(0),
  ) {
    super({ SOPClassUID: sopClass, SOPInstanceUID: sopInstance }, transferSyntax);
    this.#bytes = bytes;
  }

  override getDenaturalizedDataset(): Buffer {
    return this.#bytes;
  }
}
