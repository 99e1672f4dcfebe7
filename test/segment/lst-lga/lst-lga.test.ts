import { describe, expect, it } from 'vitest';
import { DawsonError } from '../../../src/errors.js';
import { readVolume } from '../../../src/formats/index.js';
import type { PreparedExam } from '../../../src/preprocess/prepared-exam.js';
import { segmentLstLga } from '../../../src/segment/lst-lga/lst-lga.js';
import type { Segmentation } from '../../../src/segment/segmenter.js';
import { connectedComponents } from '../../../src/volume/components.js';
import { fillHoles } from '../../../src/volume/morphology.js';
import { countNonZero, onGrid, toFloat32, type Volume } from '../../../src/volume/volume.js';
import { describeWithData, sharedData } from '../../support/shared-data.js';
import { dice, flipped, makePhantom, someLesions } from '../phantom.js';

const found = ({ probability, rule }: Segmentation) =>
  onGrid(
    probability,
    Uint8Array.from(probability.data, (value) => (value >= rule.threshold ? 1 : 0)),
  );

/** Compared at once: Vitest looks at every voxel of its own. */
const sameBytes = (a: Volume, b: Volume) =>
  Buffer.from(a.data.buffer).equals(Buffer.from(b.data.buffer));

const mapped = (exam: PreparedExam, change: <V extends Volume>(volume: V) => V): PreparedExam => ({
  flair: change(exam.flair),
  ...(exam.t1 && { t1: change(exam.t1) }),
  brain: change(exam.brain),
});

const { exam, lesions } = makePhantom({ lesions: someLesions });
const flairAndT1 = { flair: exam.flair, t1: exam.t1, brain: exam.brain };
const reference = segmentLstLga(flairAndT1);

describe('segmentLstLga', () => {
  it('finds the lesions of a phantom with noise and shading, and nothing else', () => {
    expect(dice(found(reference), lesions)).toBeGreaterThan(0.85);
    expect(connectedComponents(found(reference), 26).count).toBe(3);
    expect(reference.notes).toEqual([]);
  });

  it('gives probabilities from 0 to 1 on the grid of the exam, 0 outside the brain', () => {
    expect(reference.probability.size).toEqual(exam.flair.size);
    expect(reference.probability.affine).toEqual(exam.flair.affine);
    const { data } = reference.probability;
    expect(data.every((value) => value >= 0 && value <= 1)).toBe(true);
    expect(data.every((value, at) => value === 0 || exam.brain.data[at] !== 0)).toBe(true);
  });

  it('finds nothing in a brain without lesions', () => {
    for (const seed of [2, 3]) {
      const healthy = makePhantom({ seed }).exam;
      expect(countNonZero(found(segmentLstLga({ ...healthy, t2: undefined })).data)).toBe(0);
      expect(countNonZero(found(segmentLstLga({ ...healthy, t1: undefined })).data)).toBe(0);
    }
  });

  it('gives the same bytes for the same exam, and leaves the exam as it is', () => {
    const before = exam.flair.data.slice();
    const again = segmentLstLga(flairAndT1);
    expect(sameBytes(again.probability, reference.probability)).toBe(true);
    expect(sameBytes(again.tissues!, reference.tissues!)).toBe(true);
    expect(sameBytes(exam.flair, onGrid(exam.flair, before))).toBe(true);
  });

  it.each([1e6, -1e6, 1e30])('finds the same with one voxel of %s, in a lesion', (value) => {
    const spoilt = (image: Volume<Float32Array>) => {
      const data = image.data.slice();
      data[lesions.data.indexOf(1)] = value;
      return onGrid(image, data);
    };
    const again = segmentLstLga({ ...flairAndT1, flair: spoilt(exam.flair), t1: spoilt(exam.t1) });
    expect(dice(found(again), found(reference))).toBeGreaterThan(0.98);
  });

  it('does not depend on the unit of the intensities', () => {
    const scaled = (factor: number) => ({
      flair: onGrid(
        exam.flair,
        exam.flair.data.map((value) => value * factor),
      ),
      t1: onGrid(
        exam.t1,
        exam.t1.data.map((value) => (value * 3) / factor),
      ),
      brain: exam.brain,
    });
    for (const factor of [1 / 300, 17]) {
      const result = segmentLstLga(scaled(factor));
      expect(dice(found(result), found(reference))).toBeGreaterThan(0.995);
    }
  });

  it('flips with the exam', () => {
    for (const axis of [0, 1, 2] as const) {
      const result = segmentLstLga(mapped(flairAndT1, (volume) => flipped(volume, axis)));
      expect(dice(flipped(found(result), axis), found(reference))).toBeGreaterThan(0.98);
    }
  });

  it('does not look outside the brain', () => {
    const withSkull = (volume: Volume<Float32Array>) =>
      onGrid(
        volume,
        volume.data.map((value, at) => (exam.brain.data[at] ? value : 500 + (at % 7))),
      );
    const result = segmentLstLga({
      flair: withSkull(exam.flair),
      t1: withSkull(exam.t1),
      brain: exam.brain,
    });
    expect(sameBytes(result.probability, reference.probability)).toBe(true);
  });

  it('finds lesions in thick slices', () => {
    const thick = makePhantom({
      size: [130, 146, 27],
      spacingMm: [1, 1, 4],
      lesions: someLesions,
    });
    const result = segmentLstLga({ ...thick.exam, t2: undefined });
    expect(dice(found(result), thick.lesions)).toBeGreaterThan(0.7);
  });

  it('finds lesions in a brain that the field of view cuts off', () => {
    const slab = makePhantom({ size: [50, 74, 20], lesions: someLesions });
    expect(slab.exam.brain.data[0 + 50 * 37]).toBe(1);
    const result = segmentLstLga({ ...slab.exam, t2: undefined });
    expect(dice(found(result), slab.lesions)).toBeGreaterThan(0.8);
  });

  it('takes the tissues from the T2 where there is no T1, and says so', () => {
    const result = segmentLstLga({ ...exam, t1: undefined });
    expect(dice(found(result), lesions)).toBeGreaterThan(0.85);
    expect(result.notes.map(({ text }) => text).join()).toMatch(/No T1: .*T2/);
  });

  it('takes the tissues from the FLAIR where there is nothing else, and says so', () => {
    const result = segmentLstLga({ flair: exam.flair, brain: exam.brain });
    expect(dice(found(result), lesions)).toBeGreaterThan(0.8);
    expect(result.notes.map(({ text }) => text).join()).toMatch(/No T1 and no T2/);
  });

  it('does not use a T2 beside a T1, and says so', () => {
    const result = segmentLstLga(exam);
    expect(sameBytes(result.probability, reference.probability)).toBe(true);
    expect(result.notes.map(({ text }) => text).join()).toMatch(/T2 is not used/);
  });

  it('finds fewer voxels with a higher kappa', () => {
    const voxels = [0.3, 0.6, 0.99].map((kappa) =>
      countNonZero(found(segmentLstLga(flairAndT1, { kappa })).data),
    );
    expect(voxels[0]).toBeGreaterThanOrEqual(voxels[1]);
    expect(voxels[1]).toBeGreaterThan(voxels[2]);
  });

  it('finds nothing in a FLAIR whose lesions are not bright, or that shows nothing', () => {
    const constant = onGrid(
      exam.flair,
      exam.flair.data.map(() => 100),
    );
    expect(countNonZero(found(segmentLstLga({ ...flairAndT1, flair: constant })).data)).toBe(0);
    const inverted = onGrid(
      exam.flair,
      exam.flair.data.map((value) => 200 - value),
    );
    const result = segmentLstLga({ ...flairAndT1, flair: inverted });
    expect(dice(found(result), lesions)).toBe(0);
  });

  it('fails with a name where there are no tissues to tell apart', () => {
    const code = (of: PreparedExam) => {
      try {
        segmentLstLga(of);
      } catch (error) {
        return error instanceof DawsonError ? error.code : error;
      }
      return 'no error';
    };
    const with_ = (volume: Volume<Float32Array>, value: number) =>
      onGrid(
        volume,
        volume.data.map(() => value),
      );
    const nothing = onGrid(exam.brain, new Uint8Array(exam.brain.data.length));
    expect(code({ ...flairAndT1, brain: nothing })).toBe('segmentation-failed');
    expect(code({ ...flairAndT1, t1: with_(exam.t1, 7) })).toBe('segmentation-failed');
    expect(code({ ...flairAndT1, t1: with_(exam.t1, 0) })).toBe('bad-intensities');
    expect(code({ ...flairAndT1, flair: with_(exam.flair, -3) })).toBe('bad-intensities');
  });

  it('refuses a kappa or a threshold that is no probability', () => {
    expect(() => segmentLstLga(flairAndT1, { kappa: 0 })).toThrow(RangeError);
    expect(() => segmentLstLga(flairAndT1, { kappa: Number.NaN })).toThrow(RangeError);
    expect(() => segmentLstLga(flairAndT1, { threshold: 1.5 })).toThrow(RangeError);
  });
});

describeWithData('segmentLstLga on patients', () => {
  it('agrees with three experts about a patient with many lesions', async () => {
    const read = async (name: string) =>
      toFloat32((await readVolume(sharedData('lesions', 'open-ms-cs-19', name))).volume);
    const [flair, t1, experts] = [
      await read('flair.nii.gz'),
      await read('t1.nii.gz'),
      await read('lesions.nii.gz'),
    ];
    const brain = fillHoles(
      onGrid(
        flair,
        Uint8Array.from(flair.data, (value) => (value === 0 ? 0 : 1)),
      ),
    );
    expect(dice(found(segmentLstLga({ flair, t1, brain })), experts)).toBeGreaterThan(0.55);
  });
});
