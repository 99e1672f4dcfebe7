import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fillSlices } from '../../src/dicom/fill-slices.js';
import { readInstance } from '../../src/dicom/read-instance.js';
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

  it('take no memory for another size than the header’s', async () => {
    const { file } = files.find(({ name }) => name.startsWith('JPEG 2000, 12'))!;
    const bytes = Buffer.from(file, 'base64');
    const at = bytes.indexOf(Buffer.from([0xff, 0x4f, 0xff, 0x51]));
    bytes.writeUInt32BE(60_000, at + 8);
    bytes.writeUInt32BE(60_000, at + 12);
    await expect(decoded(bytes)).rejects.toMatchObject({ code: 'file-corrupt' });
  });
});
