import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DawsonError } from '../../src/errors.js';
import { readTransform } from '../../src/formats/itk-transform.js';
import { readVolume } from '../../src/formats/read-volume.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { goldenNifti, goldens } from './golden-files.js';

const metaImage = (name: string) => {
  const golden = goldens.metaimage.find((image) => image.name === name)!;
  return Buffer.from(golden.files[golden.main], 'base64');
};

const originals: Readonly<Record<string, Buffer>> = {
  'NIfTI-1': goldenNifti('nifti1 LE int16'),
  'big-endian NIfTI-2': goldenNifti('nifti2 BE float32'),
  'gzipped NIfTI': gzipSync(goldenNifti('nifti1 LE int64')),
  MetaImage: metaImage('image.mha int16'),
  'compressed MetaImage': metaImage('image.mha int16 compressed'),
};

/** Bytes written over others at a place from 0 (start) to 1 (end), some with values that matter to sizes. */
interface Change {
  readonly writes: readonly { readonly at: number; readonly bytes: Uint8Array }[];
  /** The share of the file that is left. */
  readonly keep: number;
}

const changes: fc.Arbitrary<Change> = fc.record({
  writes: fc.array(
    fc.record({
      at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      bytes: fc.oneof(
        fc.uint8Array({ minLength: 1, maxLength: 8 }),
        fc.constantFrom(
          Uint8Array.of(0xff, 0x7f),
          Uint8Array.of(0, 0),
          Uint8Array.of(0xff, 0xff, 0xff, 0xff),
          Uint8Array.of(0, 0, 0xc0, 0x7f),
          Buffer.from('9999999999'),
          Buffer.from('-1'),
          Buffer.from('\n'),
        ),
      ),
    }),
    { maxLength: 6 },
  ),
  keep: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
});

function changed(original: Buffer, { writes, keep }: Change): Buffer {
  const result = Buffer.from(original);
  for (const { at, bytes } of writes) {
    const place = Math.floor(at * result.length);
    result.set(bytes.subarray(0, result.length - place), place);
  }
  return result.subarray(0, Math.ceil(keep * result.length));
}

describe('any change of a valid file', () => {
  it.each(Object.entries(originals))(
    'reads or fails in our own terms: %s',
    async (_name, original) => {
      const folder = temporaryFolder()();
      const file = join(folder, 'image');
      await fc.assert(
        fc.asyncProperty(changes, async (change) => {
          const bytes = changed(original, change);
          writeFileSync(file, bytes);
          try {
            const { volume } = await readVolume(file);
            expect(volume.data.byteLength).toBeLessThan(1100 * bytes.length);
            expect(volume.affine.every(Number.isFinite)).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(DawsonError);
          }
        }),
        { numRuns: 150, seed: 11, endOnFailure: true },
      );
      rmSync(file);
    },
  );

  it('reads or fails in our own terms: a transform', async () => {
    const file = temporaryFolder()('transform.txt');
    const original = Buffer.from(goldens.transforms[0].text);
    await fc.assert(
      fc.asyncProperty(changes, async (change) => {
        writeFileSync(file, changed(original, change));
        try {
          expect((await readTransform(file)).every(Number.isFinite)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(DawsonError);
        }
      }),
      { numRuns: 150, seed: 12, endOnFailure: true },
    );
  });
});
