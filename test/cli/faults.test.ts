import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readNifti, readVolume } from '../../src/formats/index.js';
import { reorient } from '../../src/volume/reorient.js';
import { sameGrid } from '../../src/volume/volume.js';
import { dawson, temporaryFolder } from '../support/dawson.js';
import { describeWithData, sharedData } from '../support/shared-data.js';

const folder = temporaryFolder();
const out = (name: string) => join(folder, name);
const fault = (...name: string[]) => sharedData('faults', ...name);

/** The result of a command that has to succeed. */
async function result(...args: string[]) {
  const { exitCode, stdout, stderr } = await dawson([...args, '--json']);
  expect([exitCode, stderr]).toEqual([0, '']);
  return JSON.parse(stdout);
}

const evaluated = (reference: string, prediction: string) =>
  result('evaluate', '--reference', fault(reference), '--prediction', fault(prediction));

describeWithData('files that others wrote', () => {
  it('are measured in the voxel size of two of three fields where the sform lost its scale', async () => {
    const { volumes, notes } = await evaluated(
      'sform_scale_lost.nii.gz',
      'pred_sform_scale_lost.nii.gz',
    );
    expect(volumes.referenceMl).toBeCloseTo(0.51, 3);
    expect(notes).toHaveLength(2);
    expect((await result('info', fault('sform_scale_lost.nii.gz'))).voxelSizeMm[2]).toBe(3);
  });

  it('are refused where the unit makes voxels of a micrometre', async () => {
    const { exitCode, stderr } = await dawson([
      ...['evaluate', '--reference', fault('ref_1um.nii.gz')],
      ...['--prediction', fault('pred_1um.nii.gz')],
    ]);
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining('implausible 0.001 x')]);
  });

  it.each([
    ['a quaternion of half a turn', 'tilt_sform.nii.gz', 'tilt_qform.nii.gz', 1, 0],
    ['noise of 0.0001 in the affine', 'ref.nii.gz', 'pred_noise_0.0001.nii.gz', 0.733, 1],
    ['sform against qform', 'real_nib.nii.gz', 'real_qonly.nii.gz', 1, 1],
    ['labels of 32 bits with a slope', 'ref_scaled_i32.nii.gz', 'pred.nii.gz', 0.733, 0],
  ])('lie on one grid in spite of %s', async (_, reference, prediction, dice, noted) => {
    const { dsc, notes } = await evaluated(reference, prediction);
    expect(dsc).toBeCloseTo(dice, 3);
    expect(notes).toHaveLength(noted);
  });

  it('are found in a folder by every ending that is read', async () => {
    const { cases } = await result(
      ...['evaluate', '--references', fault('mixed_folder', 'references')],
      ...['--predictions', fault('mixed_folder', 'predictions'), '--out', out('mixed')],
    );
    expect(cases).toBe(2);
    expect((await readVolume(fault('noeol.mhd'))).volume.size).toEqual([64, 64, 24]);
    const img = await dawson(['info', fault('mixed_folder', 'references', 'b.img')]);
    expect([img.exitCode, img.stderr]).toEqual([3, expect.stringContaining('.hdr')]);
  });

  it('are turned with type, scaling and codes as they are, and the note of info', async () => {
    const turn = (name: string) =>
      result('reorient', fault(name), '--to', 'LPS', '--out', out(`turned-${name}`));
    const { notes } = await turn('h_noform.nii.gz');
    expect(notes).toEqual((await result('info', fault('h_noform.nii.gz'))).notes);
    const turned = await readNifti(out('turned-h_noform.nii.gz'));
    // With codes 0 readers would lay it as they laid the first one, mirrored.
    expect([turned.header.sformCode, turned.header.qformCode]).toEqual([2, 2]);
    const noform = await readVolume(fault('h_noform.nii.gz'));
    const inMemory = reorient(noform.volume, 'LPS');
    expect([...turned.volume.data]).toEqual([...inMemory.data]);
    expect(sameGrid(turned.volume, inMemory)).toBe(true);
    await turn('ref_scaled_i32.nii.gz');
    const scaled = (await readNifti(out('turned-ref_scaled_i32.nii.gz'))).header;
    const before = (await readNifti(fault('ref_scaled_i32.nii.gz'))).header;
    for (const field of ['datatype', 'sclSlope', 'sclInter', 'sformCode'] as const) {
      expect([field, scaled[field]]).toEqual([field, before[field]]);
    }
  });

  describe('with values that are no numbers', () => {
    let transform: string;
    beforeAll(() => {
      transform = out('shift.txt');
      writeFileSync(
        transform,
        '#Insight Transform File V1.0\n#Transform 0\n' +
          'Transform: AffineTransform_double_3_3\n' +
          'Parameters: 1 0 0 0 1 0 0 0 1 2 0 0\nFixedParameters: 0 0 0\n',
      );
    });

    it('are registered', async () => {
      const { notes, fixedToMoving } = await result(
        ...['register', '--fixed', fault('head.nii.gz'), '--moving', fault('head_nanbg.nii.gz')],
        ...['--dof', '6', '--out', out('registered.nii.gz')],
      );
      expect(notes).toEqual([expect.stringContaining('80119 of 118272 voxels were infinite')]);
      expect(Math.hypot(fixedToMoving[3], fixedToMoving[7], fixedToMoving[11])).toBeLessThan(1);
    });

    it('are resampled by cubic splines', async () => {
      const { notes } = await result(
        ...['apply-transform', fault('head_nanbg.nii.gz'), '--grid', fault('head.nii.gz')],
        ...['--transform', transform, '--interpolation', 'cubic', '--out', out('cubic.nii.gz')],
      );
      expect(notes).toHaveLength(1);
      expect((await readVolume(out('cubic.nii.gz'))).replacedVoxels).toBe(0);
    });

    it('are counted by info', async () => {
      const info = await result('info', fault('head_fewnan.nii.gz'));
      expect(info).toMatchObject({ nonFiniteVoxels: 3, minimum: 0, maximum: 200 });
    });
  });

  it('are never overwritten', async () => {
    const image = out('image.nii.gz');
    copyFileSync(fault('head.nii.gz'), image);
    const before = readFileSync(image);
    const commands = [
      ['extract-brain', image, '--out', image],
      ['extract-brain', image, '--out', out('x.nii.gz'), '--anatomy', image],
      ['reorient', image, '--to', 'LPS', '--out', image],
      [
        'register',
        '--fixed',
        image,
        '--moving',
        fault('head.nii.gz'),
        '--dof',
        '6',
        '--out',
        image,
      ],
      ['segment', '--flair', image, '--out', folder],
    ];
    for (const command of commands) {
      const { exitCode, stderr } = await dawson(command);
      expect([command[0], exitCode, stderr]).toEqual([
        command[0],
        5,
        expect.stringContaining('the input'),
      ]);
    }
    expect(readFileSync(image).equals(before)).toBe(true);
    const twice = await dawson([
      ...['register', '--fixed', image, '--moving', fault('head.nii.gz'), '--dof', '6'],
      ...['--out', out('f.nii.gz'), '--transform', out('f.nii.gz')],
    ]);
    expect(twice.exitCode).toBe(2);
    expect(existsSync(out('f.nii.gz'))).toBe(false);
  });
});
