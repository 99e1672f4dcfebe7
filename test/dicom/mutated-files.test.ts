import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseSeries, readDicomFolder, stackVolume } from '../../src/dicom/index.js';
import { DawsonError } from '../../src/errors.js';
import { folderOf, named, runForTests } from '../support/dicom-folder.js';
import { enhancedFile, type SeriesSpec, seriesFiles } from '../support/dicom-series.js';
import { syntaxOf } from '../support/dicom-writer.js';

const run = runForTests();
const spec: SeriesSpec = { number: 3, slices: 5, rows: 3, columns: 4, pixelMm: 2, stepMm: 3 };

/** Bytes written over others at a place from 0 (start) to 1 (end), and the share of the file that is left. */
const mutations = fc.record({
  writes: fc.array(
    fc.record({
      at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      bytes: fc.oneof(
        fc.uint8Array({ minLength: 1, maxLength: 8 }),
        fc.constantFrom(
          Uint8Array.of(0xff, 0xff, 0xff, 0xff),
          Uint8Array.of(0, 0, 0, 0),
          Uint8Array.of(0xfe, 0xff, 0x0d, 0xe0),
          Uint8Array.of(0xfe, 0xff, 0, 0xe0),
          Buffer.from('SQ\0\0'),
          Buffer.from('-1\\9e9'),
        ),
      ),
    }),
    { minLength: 1, maxLength: 6 },
  ),
  keep: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
});

describe('any change of valid files', () => {
  const numRuns = Number(process.env.DAWSON_DICOM_MUTATIONS ?? 25);
  const originals: readonly (readonly [string, Buffer[]])[] = [
    ['explicit', seriesFiles(spec)],
    ['implicit', seriesFiles(spec, { syntax: syntaxOf.implicit, undefinedLengths: true })],
    ['big endian', seriesFiles(spec, { syntax: syntaxOf.bigEndian })],
    ['deflated', seriesFiles(spec, { syntax: syntaxOf.deflated })],
    [
      'enhanced',
      [enhancedFile(spec, { undefinedLengths: true }), enhancedFile({ ...spec, number: 4 })],
    ],
  ];

  it.each(originals)('reads or fails in our own terms: %s', async (_name, files) => {
    await fc.assert(
      fc.asyncProperty(mutations, fc.nat(files.length - 1), async ({ writes, keep }, which) => {
        const bytes = Buffer.from(files[which]);
        for (const { at, bytes: written } of writes) {
          const place = Math.floor(at * bytes.length);
          bytes.set(written.subarray(0, bytes.length - place), place);
        }
        const changed = files.with(which, bytes.subarray(0, Math.ceil(keep * bytes.length)));
        try {
          const folder = await readDicomFolder(folderOf(named(changed)), run);
          for (const study of folder.studies) {
            for (const { stack } of chooseSeries(study)) await stackVolume(stack, run);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(DawsonError);
        }
      }),
      { numRuns, seed: 20_260_131 },
    );
  });
});
