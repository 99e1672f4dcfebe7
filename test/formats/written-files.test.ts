import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readNifti, writeNifti } from '../../src/formats/index.js';
import { writeTransform } from '../../src/formats/itk-transform.js';
import { applyToPoint, type Vec3 } from '../../src/volume/affine.js';
import { likeImages, transforms, volumes } from '../goldens/formats/written-files.js';
import { temporaryFile, temporaryFolder } from '../support/temporary-folder.js';
import { goldenNifti } from './golden-files.js';

/** What nibabel and SimpleITK read of a file that Dawson wrote. */
interface ReadNifti {
  readonly name: string;
  readonly bytes: string;
  readonly class: string;
  readonly dtype: string;
  readonly units: readonly string[];
  readonly values: readonly number[];
  readonly affine: readonly number[];
  readonly sformCode: number;
  readonly qformCode: number;
  readonly qform: readonly number[] | null;
  readonly itkAffine: readonly number[] | null;
}

const goldens: {
  readonly nifti: readonly ReadNifti[];
  readonly transforms: readonly {
    readonly name: string;
    readonly bytes: string;
    readonly lps: readonly (readonly [Vec3, Vec3])[];
  }[];
} = JSON.parse(readFileSync(new URL('../goldens/formats/written.json', import.meta.url), 'utf8'));
function expectClose(actual: readonly number[], expected: readonly number[], digits: number) {
  expect(actual.length).toBe(expected.length);
  actual.forEach((value, index) => {
    expect(value).toBeCloseTo(expected[index], digits);
  });
}

const golden = (name: string) => goldens.nifti.find((read) => read.name === name)!;

describe('files that Dawson writes', () => {
  it.each(Object.keys(volumes))(
    'nibabel and SimpleITK read as they were meant: %s',
    async (name) => {
      const volume = volumes[name];
      const read = golden(name);
      const file = temporaryFolder()(name);
      await writeNifti(file, volume);
      expect(readFileSync(file, 'base64')).toBe(read.bytes);
      expect(read).toMatchObject({ class: 'Nifti1Image', dtype: name.replace('.nii', '') });
      expect(read).toMatchObject({ units: ['mm', 'unknown'], sformCode: 1 });
      expect(read.values).toEqual(Array.from(volume.data));
      expectClose(read.affine, volume.affine, 5);
      if (name === 'uint16.nii') {
        expect(read.qformCode).toBe(0);
      } else {
        expect(read.qformCode).toBe(1);
        expectClose(read.qform!, volume.affine, 5);
        expectClose(read.itkAffine!, volume.affine, 5);
      }
    },
  );

  it.each(Object.keys(likeImages))(
    'nibabel finds on the very grid of the original: %s',
    async (name) => {
      const input = temporaryFile('input.nii', goldenNifti(likeImages[name]));
      const { volume, header } = await readNifti(input);
      const mask = { ...volume, data: Uint8Array.from(volume.data, (_, voxel) => voxel % 2) };
      const file = temporaryFolder()(name);
      await writeNifti(file, mask, { like: header });
      const read = golden(name);
      expect(readFileSync(file, 'base64')).toBe(read.bytes);
      expectClose(read.affine, volume.affine, 12);
      expect(read).toMatchObject({
        class: `Nifti${header.version}Image`,
        dtype: 'uint8',
        values: Array.from(mask.data),
        sformCode: header.sformCode,
        qformCode: header.qformCode,
      });
    },
  );

  it.each(goldens.transforms)('SimpleITK maps points as meant: $name', async (read) => {
    const file = temporaryFolder()(read.name);
    await writeTransform(file, transforms[read.name]);
    expect(readFileSync(file, 'base64')).toBe(read.bytes);
    for (const [[x, y, z], [u, v, w]] of read.lps) {
      expectClose(applyToPoint(transforms[read.name], [-x, -y, z]), [-u, -v, w], 9);
    }
  });
});
