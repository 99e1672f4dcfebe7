import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readDicomFolder, type Stack, stackVolume } from '../../src/dicom/index.js';
import { applyToPoint } from '../../src/volume/affine.js';
import { folderOf, named, runForTests } from '../support/dicom-folder.js';
import {
  enhancedFile,
  madeValue,
  type SeriesSpec,
  seriesFiles,
  sliceElements,
} from '../support/dicom-series.js';
import { type DicomElements, dicomBytes, syntaxOf } from '../support/dicom-writer.js';

const run = runForTests();
const spec: SeriesSpec = { number: 3, slices: 5, rows: 3, columns: 4, pixelMm: 2, stepMm: 3 };

async function stacksIn(files: Readonly<Record<string, Uint8Array>>): Promise<readonly Stack[]> {
  const { studies } = await readDicomFolder(folderOf(files), run);
  return studies[0].series[0].stacks;
}

const volumeOf = async (files: Readonly<Record<string, Uint8Array>>) =>
  stackVolume((await stacksIn(files))[0], run);

/** Pixel data of two bytes a pixel. */
const words = (values: readonly number[]) => new Uint8Array(Uint16Array.from(values).buffer);

describe('a stack as a volume', () => {
  it('has columns, rows and slices, sorted by position whatever their names and numbers', async () => {
    const shuffled = [3, 0, 4, 2, 1].map((slice) => seriesFiles(spec)[slice]);
    const { volume, frames } = await volumeOf(named(shuffled));
    expect(volume.size).toEqual([4, 3, 5]);
    expect(volume.data).toBeInstanceOf(Uint16Array);
    for (const [column, row, slice] of [
      [0, 0, 0],
      [3, 0, 1],
      [1, 2, 4],
    ]) {
      expect(volume.data[column + 4 * (row + 3 * slice)]).toBe(madeValue(column, row, slice));
    }
    expect(frames.map(({ sopInstance }) => sopInstance)).toEqual(
      [1, 2, 3, 4, 5].map((number) => `1.2.3.3.${number}`),
    );
  });

  it('lies where its positions say, RAS where they are LPS', async () => {
    const { volume } = await volumeOf(named(seriesFiles({ ...spec, plane: 'sagittal' })));
    // Rows run to the back, columns to the feet, slices to the right.
    expect(applyToPoint(volume.affine, [0, 0, 0])).toEqual([60, 60, -60]);
    expect(applyToPoint(volume.affine, [1, 0, 0])).toEqual([60, 58, -60]);
    expect(applyToPoint(volume.affine, [0, 1, 0])).toEqual([60, 60, -62]);
    expect(applyToPoint(volume.affine, [0, 0, 1])).toEqual([63, 60, -60]);
  });

  it.each(Object.entries(syntaxOf).slice(0, 4))(
    'is the same from every way of writing: %s',
    async (_name, syntax) => {
      for (const undefinedLengths of [false, true]) {
        const { volume } = await volumeOf(named(seriesFiles(spec, { syntax, undefinedLengths })));
        const usual = await volumeOf(named(seriesFiles(spec)));
        const bytes = Buffer.from(volume.data.buffer);
        if (syntax === syntaxOf.bigEndian) bytes.swap16();
        expect(bytes).toEqual(Buffer.from(usual.volume.data.buffer));
        expect(volume.affine).toEqual(usual.volume.affine);
      }
    },
  );

  it('is the same from an enhanced object, with the frame that each slice is of', async () => {
    const classic = await volumeOf(named(seriesFiles(spec)));
    for (const undefinedLengths of [false, true]) {
      const enhanced = await volumeOf({ one: enhancedFile(spec, { undefinedLengths }) });
      expect(enhanced.volume).toEqual(classic.volume);
      // Frame f holds slice 7 (f - 1) modulo 5.
      expect(enhanced.frames.map(({ frame }) => frame)).toEqual([1, 4, 2, 5, 3]);
    }
  });

  it('reads stored bits with their sign, and passes over what lies above them', async () => {
    const signed = {
      '00280101': ['US', 12],
      '00280102': ['US', 11],
      '00280103': ['US', 1],
      '7fe00010': ['OW', words([0xf800, 0x07ff, 0x0fff, 0xa001, 0, 0, 0, 0, 0, 0, 0, 1])],
    } as const;
    const { volume } = await volumeOf(named(seriesFiles({ ...spec, elements: signed })));
    expect(volume.data).toBeInstanceOf(Int16Array);
    expect([...volume.data.slice(0, 4)]).toEqual([-2048, 2047, -1, 1]);
  });

  it('rescales each frame by its own slope and intercept', async () => {
    const ofSlice = (slice: number) =>
      ({ '00281052': ['DS', -5], '00281053': ['DS', slice + 0.5] }) as const;
    const { volume } = await volumeOf(named(seriesFiles({ ...spec, ofSlice })));
    expect(volume.data).toBeInstanceOf(Float32Array);
    expect(volume.data[12 * 2 + 1]).toBe(2.5 * madeValue(1, 0, 2) - 5);
  });

  it('is turned back where larger numbers are darker', async () => {
    const inverted = { '00280004': ['CS', 'MONOCHROME1'] } as const;
    const { volume } = await volumeOf(named(seriesFiles({ ...spec, elements: inverted })));
    const { volume: plain } = await volumeOf(named(seriesFiles(spec)));
    const most = madeValue(3, 2, 4);
    expect([...volume.data]).toEqual([...plain.data].map((value) => most - value));
    expect(volume.data).toBeInstanceOf(Uint16Array);
    const signed = { ...inverted, '00280103': ['US', 1] } as const;
    const { volume: wide } = await volumeOf(
      named(
        seriesFiles({
          ...spec,
          elements: signed,
          ofSlice: () => ({ '7fe00010': ['OW', words([0x8000, 0x7fff, ...Array(10).fill(0)])] }),
        }),
      ),
    );
    expect([...wide.data.subarray(0, 3)]).toEqual([65535, 0, 32767]);
  });

  it('has a hash that tells files, not their names', async () => {
    const files = seriesFiles(spec);
    const { sha256 } = await volumeOf(named(files));
    const renamed = await volumeOf(named([...files].reverse(), 'other'));
    expect(renamed.sha256).toBe(sha256);
    const expected = createHash('sha256');
    for (const file of files) expected.update(createHash('sha256').update(file).digest());
    expect(sha256).toBe(expected.digest('hex'));
  });

  it('reads files without preamble', async () => {
    for (const syntax of [syntaxOf.implicit, syntaxOf.explicit]) {
      const { volume } = await volumeOf(named(seriesFiles(spec, { syntax, bare: true })));
      expect(volume.data[13]).toBe(madeValue(1, 0, 1));
    }
  });
});

describe('a stack that is no volume', () => {
  const altered = (slice: number, elements: DicomElements) =>
    seriesFiles({ ...spec, slices: 8, ofSlice: (at) => (at === slice ? elements : {}) });
  const position = (mm: readonly number[]): DicomElements => ({ '00200032': ['DS', mm] });

  it.each([
    [
      'a gap',
      seriesFiles({ ...spec, slices: 8 }).filter((_, at) => at !== 4),
      /6.000 mm between -51.00 and -45.00 mm.*1 missing/,
    ],
    [
      'two at one place',
      [
        ...seriesFiles(spec),
        dicomBytes({ ...sliceElements(spec, 2), '00080018': ['UI', '1.2.3.3.77'] }),
      ],
      /two at -54.00 mm/,
    ],
    ['one beside its place', altered(3, position([-57, -60, -51])), /one beside its place/],
    [
      'gantry tilt',
      seriesFiles({ ...spec, ofSlice: (at) => position([-60, -60 - at, -60 + 3 * at]) }),
      /gantry tilt of 18.4 degrees/,
    ],
    ['a missing position', altered(3, { '00200032': ['DS', ''] }), /a slice without/],
    [
      'a position that is no number',
      altered(3, { '00200032': ['DS', '1\\2\\x'] }),
      /a slice without/,
    ],
    [
      'impossible directions',
      seriesFiles({ ...spec, elements: { '00200037': ['DS', [1, 0, 0, 1, 0, 0]] } }),
      /rows and columns at right angles/,
    ],
    [
      'an impossible spacing',
      seriesFiles({ ...spec, elements: { '00280030': ['DS', [0, 2]] } }),
      /pixel spacing of 0.01/,
    ],
    [
      'two frames of reference',
      altered(3, { '00200052': ['UI', '1.9'] }),
      /one frame of reference/,
    ],
    ['a single slice', seriesFiles({ ...spec, slices: 1 }), /two slices or more/],
    [
      'colours',
      seriesFiles({ ...spec, elements: { '00280002': ['US', 3], '00280004': ['CS', 'RGB'] } }),
      /MONOCHROME2.*3 a pixel, RGB/,
    ],
    [
      'bright and dark exchanged in some slices',
      altered(3, { '00280004': ['CS', 'MONOCHROME1'] }),
      /one form of pixels/,
    ],
    [
      'a hostile photometric',
      seriesFiles({ ...spec, elements: { '00280004': ['CS', '<b>\u001b[2J'] } }),
      /1 a pixel, unknown/,
    ],
    [
      'bits beyond the allocated',
      seriesFiles({ ...spec, elements: { '00280101': ['US', 17] } }),
      /17 of 16 bits/,
    ],
    ['a mosaic', seriesFiles({ ...spec, imageType: 'ORIGINAL\\PRIMARY\\M\\MOSAIC' }), /a mosaic/],
    [
      'an encoding without decoder',
      seriesFiles(spec, { syntax: '1.2.840.10008.1.2.4.51' }),
      /JPEG extended/,
    ],
    [
      'too many rows',
      seriesFiles({ ...spec, elements: { '00280010': ['US', 60000] } }),
      /60000 x 4/,
    ],
    [
      'an impossible number of frames',
      seriesFiles({ ...spec, elements: { '00280008': ['IS', -3] } }),
      /number of frames/,
    ],
    [
      'cut pixel data',
      seriesFiles(spec).map((bytes) => bytes.subarray(0, bytes.length - 4)),
      /24 bytes of pixel data; found 20/,
    ],
  ] as const)('is refused, and the place is named: %s', async (_name, files, found) => {
    const [stack] = await stacksIn(named(files as readonly Buffer[]));
    expect(stack.layout).toBeUndefined();
    await expect(stackVolume(stack, run)).rejects.toMatchObject({
      name: 'DawsonError',
      message: expect.stringMatching(found),
      details: { file: expect.stringContaining('image-0') },
    });
  });

  it('is two where acquisitions were repeated', async () => {
    const again: SeriesSpec = {
      ...spec,
      elements: { '00200012': ['IS', 2] },
      ofSlice: (at) => ({ '00080018': ['UI', `1.2.3.3.${at + 50}`] }),
    };
    const first = { ...spec, elements: { '00200012': ['IS', 1] } } as const;
    const stacks = await stacksIn(named([...seriesFiles(first), ...seriesFiles(again)]));
    expect(stacks.map(({ layout }) => layout?.size)).toEqual([
      [4, 3, 5],
      [4, 3, 5],
    ]);
  });

  it('is several by echo, orientation, image type and component', async () => {
    const others: SeriesSpec[] = [
      { ...spec, te: 20 },
      { ...spec, te: 90 },
      { ...spec, te: 20, plane: 'coronal' },
      { ...spec, te: 20, imageType: 'ORIGINAL\\PRIMARY\\P' },
    ];
    const files = others.flatMap((other, index) =>
      seriesFiles({
        ...other,
        ofSlice: (at) => ({ '00080018': ['UI', `1.2.3.3.${100 * index + at}`] }),
      }),
    );
    const stacks = await stacksIn(named(files));
    expect(stacks.map(({ number, layout }) => [number, layout?.size[2]])).toEqual(
      [1, 2, 3, 4].map((number) => [number, 5]),
    );
  });
});
