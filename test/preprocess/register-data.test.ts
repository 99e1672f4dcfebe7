import { expect, it } from 'vitest';
import { DawsonError } from '../../src/errors.js';
import { readTransform, readVolume } from '../../src/formats/index.js';
import { register } from '../../src/preprocess/register.js';
import { applyToPoint, multiply } from '../../src/volume/affine.js';
import { reorient } from '../../src/volume/reorient.js';
import type { Volume } from '../../src/volume/volume.js';
import { describeWithData, sharedData } from '../support/shared-data.js';
import { worstErrorMm } from './phantom-head.js';

const volume = async (...path: string[]) => (await readVolume(sharedData(...path))).volume;

describeWithData('register, on clinical images', () => {
  it.each([
    ['rigid', 6],
    ['rigid', 12],
    ['affine', 12],
  ] as const)(
    'recovers a head after a known %s motion, with %i degrees of freedom',
    async (kind, dof) => {
      const truth = await readTransform(sharedData('registration', `moved-t1-${kind}-truth.txt`));
      const { fixedToMoving } = register(
        await volume('exams/open-ms-04/study1/t1.nii.gz'),
        await volume(`registration/moved-t1-${kind}.nii.gz`),
        { dof },
      );
      expect(worstErrorMm(fixedToMoving, truth)).toBeLessThan(0.5);
    },
  );

  it('finds a T2 whose head is turned by 17 degrees to the FLAIR of one exam', async () => {
    const exam = 'exams/tcga-fg-6692';
    const { sharpness, fixedToMoving } = register(
      await volume(exam, 'flair.nii.gz'),
      await volume(exam, 't2.nii.gz'),
      { dof: 6 },
    );
    expect(sharpness).toBeGreaterThan(0.25);
    expect((Math.atan2(fixedToMoving[4], fixedToMoving[0]) * 180) / Math.PI).toBeCloseTo(17, 0);
  });

  it('registers a T1 to a FLAIR of which only a slab of 30 mm was taken', async () => {
    const flair = reorient(await volume('exams/open-ms-03/study2/flair.nii.gz'));
    const [nx, ny] = flair.size;
    const [first, slices] = [25, 10];
    const slab: Volume = {
      data: flair.data.slice(nx * ny * first, nx * ny * (first + slices)),
      size: [nx, ny, slices],
      affine: multiply(flair.affine, [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, first, 0, 0, 0, 1]),
    };
    const t1 = await volume('exams/open-ms-03/study2/t1.nii.gz');
    const { fixedToMoving } = register(slab, t1, { dof: 6 });
    const truth = register(flair, t1, { dof: 6 }).fixedToMoving;
    const middle = applyToPoint(slab.affine, [nx / 2, ny / 2, slices / 2]);
    const [p, q] = [applyToPoint(fixedToMoving, middle), applyToPoint(truth, middle)];
    expect(Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2])).toBeLessThan(0.5);
  });

  it('refuses the FLAIR and the T1 of two people', async () => {
    const flair = await volume('exams/open-ms-03/study2/flair.nii.gz');
    const t1 = await volume('exams/open-ms-04/study1/t1.nii.gz');
    expect(() => register(flair, t1, { dof: 12 })).toThrow(DawsonError);
  });
});
