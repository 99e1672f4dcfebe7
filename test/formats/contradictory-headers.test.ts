import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readLabels, readStored, readVolume, writeNifti } from '../../src/formats/index.js';
import type { NiftiHeader } from '../../src/formats/nifti-header.js';
import { voxelSizeMm } from '../../src/volume/affine.js';
import { reorient } from '../../src/volume/reorient.js';
import { sameGrid } from '../../src/volume/volume.js';
import { headerOf, niftiBytes } from '../support/make-nifti.js';
import { temporaryFile, temporaryFolder } from '../support/temporary-folder.js';

const read = (fields: Partial<NiftiHeader>, voxels?: Uint8Array) =>
  readVolume(temporaryFile('image.nii', niftiBytes(fields, voxels)));

const refusal = (found: RegExp) => ({
  code: 'bad-geometry',
  details: expect.objectContaining({ found: expect.stringMatching(found) }),
});

/** A turn by 180 degrees about an axis in the plane of y and z. */
const halfTurn = { qformCode: 1, quatern: [0, 0.021814885, 0.999762] } as const;
const unitSform = { sformCode: 1, srow: [1, 0, 0, -5, 0, 1, 0, -6, 0, 0, 1, -7] };

describe('voxel sizes of sform, qform and pixdim', () => {
  it('are those of qform and pixdim where the sform has lost its scale, which is said', async () => {
    const { volume, notes } = await read({ ...unitSform, qformCode: 1, qoffset: [1, 2, 3] });
    expect(voxelSizeMm(volume.affine)).toEqual([0.7, 0.9, 4].map(Math.fround));
    expect([3, 7, 11].map((at) => volume.affine[at])).toEqual([1, 2, 3]);
    expect(notes).toEqual([expect.stringContaining('sform states voxels of 1 x 1 x 1')]);
  });

  it('are those of the sform where pixdim was never set, which is said', async () => {
    const { volume, notes } = await read({ sformCode: 2, pixdim: [1, 1, 1, 1, 1, 1, 1, 1] });
    expect(voxelSizeMm(volume.affine)).toEqual([0.7, 0.9, 4].map(Math.fround));
    expect(notes).toEqual([expect.stringContaining('pixdim states voxels of 1 x 1 x 1')]);
  });

  it.each([
    ['with a qform', { ...unitSform, qformCode: 1, srow: [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0] }],
    ['without', unitSform],
  ])('are refused, all named, where nobody can know: %s', async (_, fields) => {
    await expect(read(fields)).rejects.toMatchObject(
      refusal(/\d x \d x \d in the sform, .* qform.*, 0.7 x 0.9 x 4 in pixdim/),
    );
  });

  it('are read in the unit of the header', async () => {
    const { volume } = await read({
      ...{ sformCode: 1, xyztUnits: 3, pixdim: [1, 700, 900, 4000, 1, 1, 1, 1] },
      srow: [700, 0, 0, 0, 0, 900, 0, 0, 0, 0, 4000, 0],
    });
    expect(voxelSizeMm(volume.affine)[2]).toBeCloseTo(4, 6);
  });

  it.each([
    ['micrometres', { sformCode: 1, xyztUnits: 3 }, /implausible 0.0007 x .* micrometres/],
    ['metres', { sformCode: 1, xyztUnits: 1 }, /implausible 700 x .* metres/],
  ])('are refused as implausible where the unit is wrong: %s', async (_, fields, found) => {
    await expect(read(fields)).rejects.toMatchObject(refusal(found));
  });
});

describe('orientations of sform and qform', () => {
  it('are one where a quaternion in single precision turns by 180 degrees', async () => {
    const [sine, cosine] = [2 * 0.021814885 * 0.999762, 1 - 2 * 0.021814885 ** 2];
    const size = { dim: [3, 320, 320, 44, 1, 1, 1, 1] };
    const qform = headerOf(niftiBytes({ ...halfTurn, ...size }));
    const srow = [-0.7, 0, 0, 0, 0, -0.9 * cosine, 4 * sine, 0, 0, 0.9 * sine, 4 * cosine, 0];
    const { affineOf } = await import('../../src/formats/nifti-affine.js');
    const grid = (header: NiftiHeader) => ({
      size: [320, 320, 44] as const,
      affine: affineOf(header, 'image.nii').affine,
    });
    const sform = headerOf(niftiBytes({ sformCode: 1, srow, ...size }));
    expect(sameGrid(grid(qform), grid(sform))).toBe(true);
  });

  it('are said to differ where they do', async () => {
    const { notes } = await read({ ...halfTurn, sformCode: 1 });
    expect(notes).toEqual([expect.stringContaining('sform and qform place the image differently')]);
  });

  it('are none where the codes are not of the standard, which is said', async () => {
    const { notes } = await read({ sformCode: 77 });
    expect(notes).toEqual([
      expect.stringContaining('sform_code 77'),
      expect.stringContaining('neither sform nor qform'),
    ]);
  });
});

describe('an image that is turned and written again', () => {
  async function turned(fields: Partial<NiftiHeader>): Promise<Buffer> {
    const { volume, header, ...stored } = await readStored(
      temporaryFile('image.nii', niftiBytes(fields)),
    );
    const file = temporaryFolder()('turned.nii');
    const { formCodeOf } = await import('../../src/formats/index.js');
    await writeNifti(file, reorient(volume, 'LPS'), { formCode: formCodeOf(header), stored });
    return readFileSync(file);
  }

  it.each([
    [1, 1],
    [4, 4],
    // Without a code it would be laid as it lay before.
    [0, 2],
  ])('keeps the code of its place: %i gives %i', async (sformCode, expected) => {
    expect(headerOf(await turned({ sformCode })).sformCode).toBe(expected);
  });

  it('keeps type, slope and intercept', async () => {
    const written = await turned({ sformCode: 1, sclSlope: 0.25, sclInter: -3 });
    expect(headerOf(written)).toMatchObject({ datatype: 2, sclSlope: 0.25, sclInter: -3 });
    expect(written[352 + 3 + 8]).toBe(0); // first voxel: right and anterior become left and posterior
  });

  it('has three dimensions, though it had a fourth of length 1', async () => {
    const { volume, header } = await read({ sformCode: 1, dim: [4, 4, 3, 2, 1, 1, 1, 1] });
    const file = temporaryFolder()('mask.nii');
    await writeNifti(file, volume, { like: header });
    expect(headerOf(readFileSync(file)).dim[0]).toBe(3);
  });
});

describe('values', () => {
  const bytesOf = (values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
  const ramp = Array.from({ length: 24 }, (_, voxel) => voxel / 2);

  it('that are not finite are 0, counted and said', async () => {
    const values = ramp.with(3, Number.NaN).with(5, Number.NEGATIVE_INFINITY);
    const fields = { sformCode: 1, datatype: 16, bitpix: 32 };
    const { volume, replacedVoxels, notes } = await read(fields, bytesOf(values));
    expect([volume.data[3], volume.data[5], volume.data[7]]).toEqual([0, 0, 3.5]);
    expect(replacedVoxels).toBe(2);
    expect(notes).toEqual([expect.stringContaining('2 of 24 voxels')]);
  });

  it('beside whole numbers are labels after rescaling, others stay', async () => {
    const file = temporaryFile(
      'labels.nii',
      niftiBytes({ sformCode: 1, sclSlope: 1 / 3, datatype: 2 }),
    );
    const { data } = (await readLabels(file)).volume;
    expect([data[3], data[21]]).toEqual([1, 7]);
    expect(data[4]).toBeCloseTo(4 / 3, 6);
  });

  it('that slope 0 leaves as they are do without the intercept, which is said', async () => {
    const { volume, notes } = await read({ sformCode: 1, sclSlope: 0, sclInter: 10 });
    expect(volume.data[1]).toBe(1);
    expect(notes).toEqual([expect.stringContaining('scl_inter 10 is not added')]);
  });
});
