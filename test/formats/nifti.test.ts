import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readNifti, readStored, writeNifti } from '../../src/formats/index.js';
import { parseHeader } from '../../src/formats/nifti-header.js';
import type { Mat4 } from '../../src/volume/affine.js';
import { sameGrid, type Volume, type VoxelData } from '../../src/volume/volume.js';
import { temporaryFile, temporaryFolder } from '../support/temporary-folder.js';
import { goldenNifti, goldens, unpack } from './golden-files.js';

const size = [4, 3, 2] as const;
const oblique: Mat4 = [
  -0.9, 0.1, 0.2, 10.5, 0.12, 1.1, -0.3, -20.25, 0.15, 0.25, 3.1, 30.125, 0, 0, 0, 1,
];

describe('readNifti', () => {
  it.each(goldens.nifti)('reads what nibabel reads: $name', async (golden) => {
    const { volume, notes } = await readNifti(unpack(golden));
    expect(volume.size).toEqual(golden.size);
    volume.affine.forEach((value, index) => {
      expect(value).toBeCloseTo(golden.affine[index], 5);
    });
    if (golden.name.includes('scl_slope')) {
      expect(volume.data).toBeInstanceOf(Float32Array);
      golden.values.forEach((value, voxel) => {
        expect(volume.data[voxel]).toBeCloseTo(value, 4);
      });
    } else {
      expect(Array.from(volume.data)).toEqual(golden.values);
    }
    const noted = [
      ...(/sform and qform/.test(golden.name) ? ['mm apart: the sform is taken'] : []),
      ...(/qform/.test(golden.name) ? [] : ['degrees off right angles']),
    ];
    expect(notes).toEqual(noted.map((text) => expect.stringContaining(text)));
  });

  it.each([
    ['uint8', Uint8Array],
    ['int8', Int8Array],
    ['uint16', Uint16Array],
    ['int16', Int16Array],
    ['uint32', Uint32Array],
    ['int32', Int32Array],
    ['uint64', Float64Array],
    ['int64', Float64Array],
    ['float32', Float32Array],
    ['float64', Float64Array],
  ])('keeps the type of unscaled values: %s', async (name, type) => {
    for (const order of ['LE', 'BE']) {
      const file = temporaryFile('image.nii', goldenNifti(`nifti1 ${order} ${name}`));
      expect((await readNifti(file)).volume.data).toBeInstanceOf(type);
    }
  });

  it('reads 128-bit floats as doubles', async () => {
    const bytes = Buffer.concat([
      goldenNifti('nifti1 LE float64').subarray(0, 352),
      Buffer.alloc(24 * 16),
    ]);
    bytes.writeInt16LE(1536, 70);
    // Top 16 bits (sign and exponent), then the next 16 of the fraction: 1, -2.5, infinity, 1e-5000.
    [
      [0x3fff, 0],
      [0xc000, 0x4000],
      [0x7fff, 0],
      [0x0001, 0],
    ].forEach(([top, next], voxel) => {
      bytes.writeUInt16LE(top, 352 + 16 * voxel + 14);
      bytes.writeUInt16LE(next, 352 + 16 * voxel + 12);
    });
    const { data } = (await readStored(temporaryFile('image.nii', bytes))).volume;
    expect(Array.from(data.subarray(0, 5))).toEqual([1, -2.5, Number.POSITIVE_INFINITY, 0, 0]);
  });

  it.each([
    [1, 1000],
    [2, 1],
    [3, 0.001],
  ])('turns lengths in xyzt_units %i into mm', async (units, mm) => {
    const bytes = Buffer.from(goldenNifti('nifti1 LE int16'));
    bytes[123] = units + 8;
    const scale = (at: number) => bytes.writeFloatLE(bytes.readFloatLE(at) / mm, at);
    for (let at = 280; at < 328; at += 4) scale(at);
    for (const at of [80, 84, 88]) scale(at);
    const { volume } = await readNifti(temporaryFile('image.nii', bytes));
    volume.affine.forEach((value, index) => {
      expect(value).toBeCloseTo(oblique[index], 4);
    });
  });

  it('places an image without sform and qform by its voxel sizes, and says so', async () => {
    const bytes = Buffer.from(goldenNifti('nifti1 LE int16'));
    bytes.writeInt32LE(0, 252);
    [0.5, 0.75, 3].forEach((mm, axis) => {
      bytes.writeFloatLE(mm, 80 + 4 * axis);
    });
    const { volume, notes } = await readNifti(temporaryFile('image.nii', bytes));
    // As nibabel: 4 x 3 x 2 voxels around the origin.
    const expected = [-0.5, 0, 0, 0.75, 0, 0.75, 0, -0.75, 0, 0, 3, -1.5, 0, 0, 0, 1];
    expect(volume.affine).toEqual(expected);
    expect(notes).toEqual([expect.stringContaining('neither sform nor qform')]);
  });

  it.each([0, Number.NaN, Number.POSITIVE_INFINITY])(
    'takes scl_slope %d as no scaling',
    async (slope) => {
      const bytes = Buffer.from(goldenNifti('nifti1 LE int16'));
      bytes.writeFloatLE(slope, 112);
      const { data } = (await readNifti(temporaryFile('image.nii', bytes))).volume;
      expect(data).toBeInstanceOf(Int16Array);
    },
  );

  it('scales 32-bit integers in double precision', async () => {
    const bytes = Buffer.from(goldenNifti('nifti1 LE int32'));
    bytes.writeFloatLE(0.5, 112);
    bytes.writeFloatLE(1, 116);
    const { data } = (await readNifti(temporaryFile('image.nii', bytes))).volume;
    expect(data).toBeInstanceOf(Float64Array);
    expect(data[1]).toBe((2 ** 31 - 1) / 2 + 1);
  });

  it('reads voxels behind header extensions', async () => {
    const plain = goldenNifti('nifti1 LE int16');
    const bytes = Buffer.concat([plain.subarray(0, 352), Buffer.alloc(64, 7), plain.subarray(352)]);
    bytes.writeFloatLE(352 + 64, 108);
    const { data } = (await readNifti(temporaryFile('image.nii', bytes))).volume;
    expect(data[3]).toBe(15);
  });

  it('passes over the padding of a block, and says so', async () => {
    const bytes = Buffer.concat([goldenNifti('nifti1 LE int16'), Buffer.alloc(512)]);
    const { notes } = await readNifti(temporaryFile('image.nii', bytes));
    expect(notes).toContain('512 bytes behind the last voxel were passed over');
  });
});

describe('writeNifti', () => {
  const types: readonly (new (values: number[]) => VoxelData)[] = [
    Uint8Array,
    Int8Array,
    Uint16Array,
    Int16Array,
    Uint32Array,
    Int32Array,
    Float32Array,
    Float64Array,
  ];
  const ramp = Array.from({ length: 24 }, (_, voxel) => voxel);

  it.each(types)('writes what it reads back: %o', async (type) => {
    const file = temporaryFolder()('image.nii.gz');
    const data = new type(ramp);
    await writeNifti(file, { data, size, affine: oblique });
    const { volume } = await readNifti(file);
    expect(volume.data).toStrictEqual(data);
    expect(sameGrid(volume, { size, affine: oblique }, 1e-5)).toBe(true);
  });

  it('gives the same bytes for the same volume, without time or system', async () => {
    const path = temporaryFolder();
    const volume: Volume = { data: new Float32Array(ramp), size, affine: oblique };
    await writeNifti(path('a.nii.gz'), volume);
    await writeNifti(path('b.nii.gz'), volume);
    const bytes = readFileSync(path('a.nii.gz'));
    expect(bytes.equals(readFileSync(path('b.nii.gz')))).toBe(true);
    expect(Array.from(bytes.subarray(3, 8))).toEqual([0, 0, 0, 0, 0]);
    expect(bytes[9]).toBe(255);
  });

  it.each(goldens.nifti.filter(({ main }) => main === 'image.nii'))(
    'copies the grid of another header exactly: $name',
    async (golden) => {
      const { volume, header } = await readNifti(unpack(golden));
      const file = temporaryFolder()('mask.nii');
      const mask = { ...volume, data: new Uint8Array(24).fill(1) };
      await writeNifti(file, mask, { like: header });
      const written = await readNifti(file);
      const { version, pixdim, dimInfo, xyztUnits, qformCode, sformCode } = header;
      const dim = [3, ...header.dim.slice(1, 4), 1, 1, 1, 1];
      const { quatern, qoffset, srow } = header;
      expect(written.header).toMatchObject({
        ...{ version, dim, pixdim, dimInfo, xyztUnits, qformCode, sformCode },
        ...{ quatern, qoffset, srow },
        ...{
          datatype: 2,
          bitpix: 8,
          sclSlope: 1,
          sclInter: 0,
          descrip: 'Dawson',
          singleFile: true,
        },
      });
      expect(written.volume.affine).toEqual(volume.affine);
    },
  );

  it('writes any affine as sform, and one with axes at right angles as the same qform', async () => {
    const path = temporaryFolder();
    const unit = fc.double({ min: -1, max: 1, noNaN: true });
    const length = fc.double({ min: 0.1, max: 6, noNaN: true });
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(unit, unit, unit, unit).filter((q) => Math.hypot(...q) > 0.01),
        fc.tuple(length, length, length),
        fc.boolean(),
        async (quaternion, sizes, flip) => {
          const affine = rotationAndScale(quaternion, sizes, flip);
          await writeNifti(path('image.nii'), { data: new Uint8Array(24), size, affine });
          const bytes = readFileSync(path('image.nii'));
          expect(parseHeader(bytes)!.header).toMatchObject({ qformCode: 1, sformCode: 1 });
          expect(sameGrid((await readNifti(path('image.nii'))).volume, { size, affine })).toBe(
            true,
          );
          bytes.writeInt16LE(0, 254);
          const qformOnly = temporaryFile('qform.nii', bytes);
          // The fourth number of a single-precision quaternion, sqrt(1 - b² - c² - d²), is known
          // only to 3e-4 where it is near 0.
          const fromQform = (await readNifti(qformOnly)).volume;
          expect(sameGrid(fromQform, { size, affine }, 0.03)).toBe(true);
        },
      ),
      { numRuns: 50, seed: 7, endOnFailure: true },
    );
  });

  it('writes no qform where the axes are not at right angles', async () => {
    const file = temporaryFolder()('image.nii');
    await writeNifti(file, { data: new Uint8Array(24), size, affine: oblique });
    expect((await readNifti(file)).header).toMatchObject({ qformCode: 0, sformCode: 1 });
  });

  it('writes NIfTI-2 where a length does not fit NIfTI-1', async () => {
    const file = temporaryFolder()('image.nii');
    const data = new Uint8Array(40000);
    await writeNifti(file, { data, size: [40000, 1, 1], affine: oblique });
    const { header, volume } = await readNifti(file);
    expect(header.version).toBe(2);
    expect(volume.size).toEqual([40000, 1, 1]);
  });

  it('refuses a name that is not NIfTI’s', async () => {
    await expect(
      writeNifti('mask.png', { data: new Uint8Array(24), size, affine: oblique }),
    ).rejects.toMatchObject({ code: 'usage' });
  });

  it('refuses a volume on another grid than that of the header', async () => {
    const { header } = await readNifti(temporaryFile('a.nii', goldenNifti('nifti1 LE int16')));
    const moved = oblique.map((value, index) =>
      index === 3 ? value + 1 : value,
    ) as unknown as Mat4;
    const file = temporaryFolder()('mask.nii');
    await expect(
      writeNifti(file, { data: new Uint8Array(24), size, affine: moved }, { like: header }),
    ).rejects.toBeInstanceOf(RangeError);
  });
});

function rotationAndScale(
  quaternion: readonly number[],
  [sx, sy, sz]: readonly number[],
  flip: boolean,
): Mat4 {
  const norm = Math.hypot(...quaternion);
  const [a, b, c, d] = quaternion.map((value) => value / norm);
  const z = flip ? -sz : sz;
  return [
    ...[
      sx * (a * a + b * b - c * c - d * d),
      sy * 2 * (b * c - a * d),
      z * 2 * (b * d + a * c),
      12,
    ],
    ...[
      sx * 2 * (b * c + a * d),
      sy * (a * a + c * c - b * b - d * d),
      z * 2 * (c * d - a * b),
      -7,
    ],
    ...[sx * 2 * (b * d - a * c), sy * 2 * (c * d + a * b), z * (a * a + d * d - b * b - c * c), 3],
    ...[0, 0, 0, 1],
  ] as unknown as Mat4;
}
