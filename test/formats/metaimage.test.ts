import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readVolume } from '../../src/formats/read-volume.js';
import { temporaryFile, temporaryFolder } from '../support/temporary-folder.js';
import { goldens, unpack } from './golden-files.js';

const header = (changes: Record<string, string> = {}) =>
  Object.entries({
    ObjectType: 'Image',
    NDims: '3',
    BinaryData: 'True',
    BinaryDataByteOrderMSB: 'False',
    CompressedData: 'False',
    TransformMatrix: '1 0 0 0 1 0 0 0 1',
    Offset: '0 0 0',
    ElementSpacing: '1 1 2',
    DimSize: '2 2 2',
    ElementType: 'MET_SHORT',
    ...changes,
    ElementDataFile: changes.ElementDataFile ?? 'LOCAL',
  })
    .map(([key, value]) => `${key} = ${value}\n`)
    .join('');

const voxels = Buffer.from(Int16Array.of(1, 2, 3, 4, 5, 6, 7, 8).buffer);
const image = (changes?: Record<string, string>, data: Buffer = voxels) =>
  temporaryFile('image.mha', Buffer.concat([Buffer.from(header(changes)), data]));

describe('readVolume of a MetaImage', () => {
  it.each(goldens.metaimage)('reads what SimpleITK reads: $name', async (golden) => {
    const { volume, header: none, notes } = await readVolume(unpack(golden));
    expect(volume.size).toEqual(golden.size);
    volume.affine.forEach((value, index) => {
      expect(value).toBeCloseTo(golden.affine[index], 9);
    });
    expect(Array.from(volume.data)).toEqual(golden.values);
    expect(none).toBeUndefined();
    expect(notes).toEqual([]);
  });

  it('reads big-endian voxels', async () => {
    const swapped = Buffer.from(voxels).swap16();
    const { volume } = await readVolume(image({ BinaryDataByteOrderMSB: 'True' }, swapped));
    expect(Array.from(volume.data)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('takes the frame as LPS whatever AnatomicalOrientation says', async () => {
    const { volume } = await readVolume(image({ AnatomicalOrientation: 'RAS' }));
    expect(volume.affine.slice(0, 11)).toEqual([-1, -0, -0, -0, -0, -1, -0, -0, 0, 0, 2]);
  });

  it.each(['7', '-1'])('finds voxels behind HeaderSize = %s bytes of a raw file', async (bytes) => {
    const path = temporaryFolder();
    writeFileSync(path('image.mhd'), header({ HeaderSize: bytes, ElementDataFile: 'image.raw' }));
    writeFileSync(path('image.raw'), Buffer.concat([Buffer.alloc(7, 9), voxels]));
    expect(Array.from((await readVolume(path('image.mhd'))).volume.data)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8,
    ]);
  });

  it('takes raw voxels that begin like gzip for what they are', async () => {
    const path = temporaryFolder();
    const data = Buffer.concat([Buffer.of(0x1f, 0x8b), voxels.subarray(2)]);
    writeFileSync(path('image.mhd'), header({ ElementDataFile: 'image.raw' }));
    writeFileSync(path('image.raw'), data);
    expect((await readVolume(path('image.mhd'))).volume.data[1]).toBe(2);
  });

  it.each([
    ['NDims', '4', 'unsupported-image'],
    ['ObjectType', 'Mesh', 'unsupported-image'],
    ['BinaryData', 'False', 'unsupported-image'],
    ['ElementNumberOfChannels', '3', 'unsupported-image'],
    ['ElementToIntensityFunctionSlope', '2', 'unsupported-image'],
    ['DistanceUnits', 'um', 'unsupported-image'],
    ['ElementType', 'MET_STRING', 'unsupported-image'],
    ['ElementType', 'constructor', 'unsupported-image'],
    ['ElementType', '', 'unsupported-image'],
    ['DimSize', '2 2', 'bad-geometry'],
    ['DimSize', '2 2 0', 'file-corrupt'],
    ['DimSize', '2 2 -2', 'file-corrupt'],
    ['DimSize', '2 2 2.5', 'file-corrupt'],
    ['DimSize', '1e9 1e9 1e9', 'unsupported-image'],
    ['DimSize', '20 20 20', 'file-truncated'],
    ['DimSize', '300 300 300', 'file-truncated'],
    ['DimSize', '640 640 640', 'bad-geometry'],
    ['ElementSpacing', '1 1 0', 'bad-geometry'],
    ['ElementSpacing', '1 1 nan', 'bad-geometry'],
    ['TransformMatrix', '1 0 0 1 0 0 0 0 1', 'bad-geometry'],
    ['TransformMatrix', '1 0 0', 'bad-geometry'],
    ['Offset', '0 0 Infinity', 'bad-geometry'],
    ['ElementDataFile', '../image.raw', 'unsupported-image'],
    ['ElementDataFile', '/etc/hostname', 'unsupported-image'],
    ['ElementDataFile', 'C:\\image.raw', 'unsupported-image'],
    ['ElementDataFile', '..', 'unsupported-image'],
    ['ElementDataFile', 'LIST', 'unsupported-image'],
    ['ElementDataFile', 'slice%03d.raw 1 9 1', 'unsupported-image'],
    ['ElementDataFile', 'absent.raw', 'file-not-found'],
    ['CompressedData', 'True', 'file-corrupt'],
  ])('refuses %s = %s as %s', async (key, value, code) => {
    await expect(readVolume(image({ [key]: value }))).rejects.toMatchObject({ code });
  });

  it('refuses a negative HeaderSize other than -1', async () => {
    const changes = { HeaderSize: '-2', ElementDataFile: 'image.raw' };
    await expect(readVolume(image(changes))).rejects.toMatchObject({ code: 'file-corrupt' });
  });

  it('refuses a header without an end', async () => {
    const file = temporaryFile('image.mha', 'ObjectType = Image\nNDims = 3\n');
    await expect(readVolume(file)).rejects.toMatchObject({ code: 'file-truncated' });
  });

  it('reads a header whose last line has no end', async () => {
    const path = temporaryFolder();
    writeFileSync(path('image.mhd'), header({ ElementDataFile: 'image.raw' }).trimEnd());
    writeFileSync(path('image.raw'), voxels);
    expect((await readVolume(path('image.mhd'))).volume.size).toEqual([2, 2, 2]);
  });

  it('takes the axes of ITK where the header names none, and says so', async () => {
    const bytes = readFileSync(image());
    const without = bytes.toString('latin1').replace(/(TransformMatrix|Offset) = .*\n/g, '');
    const file = temporaryFile('image.mha', Buffer.from(without, 'latin1'));
    const { volume, notes } = await readVolume(file);
    expect(volume.affine.map((value) => value + 0)).toEqual([
      ...[-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1],
    ]);
    expect(notes).toEqual([
      expect.stringContaining('no Offset'),
      expect.stringContaining('no TransformMatrix'),
    ]);
  });

  it('refuses truncated, oversized and gzipped files', async () => {
    await expect(readVolume(image({}, voxels.subarray(1)))).rejects.toMatchObject({
      code: 'file-truncated',
    });
    await expect(
      readVolume(image({}, Buffer.concat([voxels, Buffer.alloc(513)]))),
    ).rejects.toMatchObject({ code: 'file-oversized' });
    const packed = temporaryFile('image.mha.gz', gzipSync(readFileSync(image())));
    await expect(readVolume(packed)).rejects.toMatchObject({ code: 'unsupported-image' });
  });

  it('follows no chain of links that has no end', async () => {
    const path = temporaryFolder();
    writeFileSync(path('image.mhd'), header({ ElementDataFile: 'a' }));
    symlinkSync('b', path('a'));
    symlinkSync('a', path('b'));
    await expect(readVolume(path('image.mhd'))).rejects.toMatchObject({ code: 'file-not-found' });
  });
});
