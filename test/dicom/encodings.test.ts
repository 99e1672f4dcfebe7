import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fillSlices } from '../../src/dicom/fill-slices.js';
import { readInstance } from '../../src/dicom/read-instance.js';
import { DawsonError } from '../../src/errors.js';
import { temporaryFile } from '../support/temporary-folder.js';

interface Golden {
  readonly name: string;
  /** Base64. */
  readonly file: string;
  readonly pixels: number[];
}

const { files } = JSON.parse(
  readFileSync(new URL('../goldens/dicom/files.json', import.meta.url), 'utf8'),
) as { files: Golden[] };

/** All frames of a file, decoded, and how they are stored. */
async function decoded(bytes: Buffer) {
  const file = temporaryFile('image.dcm', bytes);
  const source = { file, sizeBytes: bytes.length };
  const instance = readInstance(bytes, source)!;
  const { rows, columns } = instance.pixels!;
  const volume = new Int32Array(rows * columns * instance.frames.length);
  const frames = instance.frames.map(({ number }) => ({
    number,
    slice: number - 1,
    slope: 1,
    intercept: 0,
  }));
  const { sopInstance, pixels } = instance;
  const task = { source, sopInstance, format: pixels!, frameCount: frames.length, frames };
  await fillSlices([task], volume);
  return { volume, instance };
}

describe('pixels as pydicom reads them', () => {
  it.each(files)('$name', async ({ file, pixels }) => {
    const { volume, instance } = await decoded(Buffer.from(file, 'base64'));
    expect(instance.damage).toBeUndefined();
    expect([...volume]).toEqual(pixels);
  });
});

describe('compressed frames that are damaged', () => {
  const compressed = files.filter(({ name }) => /JPEG|RLE/.test(name));

  it.each(compressed)('fail in our own terms where they are cut: $name', async ({ file }) => {
    const whole = Buffer.from(file, 'base64');
    const cut = whole.subarray(0, whole.length - 150);
    await expect(decoded(cut)).rejects.toMatchObject({
      name: 'DawsonError',
      code: expect.stringMatching(/^file-(corrupt|truncated)$/),
    });
  });

  const numRuns = Number(process.env.DAWSON_DICOM_MUTATIONS ?? 10);

  it.each(compressed)(
    'decode or fail in our own terms whatever is changed: $name',
    async ({ file }) => {
      const whole = Buffer.from(file, 'base64');
      const start = whole.indexOf(Buffer.from([0xe0, 0x7f, 0x10, 0]));
      const change = fc.record({
        at: fc.integer({ min: start, max: whole.length - 1 }),
        byte: fc.nat(255),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
          const bytes = Buffer.from(whole);
          for (const { at, byte } of changes) bytes[at] = byte;
          await decoded(bytes).catch((error) => expect(error).toBeInstanceOf(DawsonError));
        }),
        { numRuns, seed: 20_260_131 },
      );
    },
  );

  it('take no memory for another size than the header’s', async () => {
    const { file } = files.find(({ name }) => name.startsWith('JPEG 2000, 12'))!;
    const bytes = Buffer.from(file, 'base64');
    const at = bytes.indexOf(Buffer.from([0xff, 0x4f, 0xff, 0x51]));
    bytes.writeUInt32BE(60_000, at + 8);
    bytes.writeUInt32BE(60_000, at + 12);
    await expect(decoded(bytes)).rejects.toMatchObject({ code: 'file-corrupt' });
  });
});
