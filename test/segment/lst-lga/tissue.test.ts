import { describe, expect, it } from 'vitest';
import { csf, gm, segmentTissues, wm } from '../../../src/segment/lst-lga/tissue.js';
import {
  classDensity,
  fitTissueMixture,
  type RankedPriors,
} from '../../../src/segment/lst-lga/tissue-mixture.js';
import { gaussianSmooth } from '../../../src/volume/gaussian.js';
import { seededRandom } from '../../../src/volume/random.js';
import { onGrid } from '../../../src/volume/volume.js';
import { dice, flipped, makePhantom, someLesions } from '../phantom.js';

const { exam, tissues } = makePhantom({ lesions: someLesions, noise: 4, shading: 0.25 });

describe('segmentTissues', () => {
  it('tells CSF, grey and white matter apart in a shaded, noisy T1 and T2', () => {
    for (const [image, contrast] of [
      [exam.t1, 'T1'],
      [exam.t2, 'T2'],
    ] as const) {
      const { labels } = segmentTissues(image, exam.brain, contrast);
      for (const tissue of [csf, gm, wm]) {
        expect(dice(labels, tissues, (value) => value === tissue)).toBeGreaterThan(0.9);
      }
    }
  });

  it('labels the brain and nothing else, with a continuous label from 1 to 3', () => {
    const { labels, content } = segmentTissues(exam.t1, exam.brain, 'T1');
    const isRight = (inside: number, at: number) =>
      inside === 0
        ? labels.data[at] === 0 && content.data[at] === 0
        : labels.data[at] !== 0 && content.data[at] >= 1 && content.data[at] <= 3;
    expect(exam.brain.data.every(isRight)).toBe(true);
    expect([...labels.names.keys()]).toEqual([1, 2, 3]);
  });

  it('gives a voxel that holds half of two tissues a label between them', () => {
    const clean = makePhantom({ noise: 0.5, shading: 0 });
    const image = { ...clean.exam.t1, data: clean.exam.t1.data.slice() };
    const [nx, ny, nz] = image.size;
    // In the middle of the white matter, under the ventricles, a slab of the mean of white and grey.
    const half: number[] = [];
    for (let i = 26; i < 40; i++) {
      for (let j = 30; j < 44; j++) half.push(i + nx * (j + ny * (Math.floor(nz / 2) - 8)));
    }
    for (const voxel of half) image.data[voxel] = 95;
    const { content } = segmentTissues(image, clean.exam.brain, 'T1');
    const mean = half.reduce((sum, voxel) => sum + content.data[voxel], 0) / half.length;
    expect(mean).toBeGreaterThan(2.35);
    expect(mean).toBeLessThan(2.65);
  });

  it('flips with the image', () => {
    const straight = segmentTissues(exam.t1, exam.brain, 'T1').labels;
    const mirrored = segmentTissues(flipped(exam.t1, 0), flipped(exam.brain, 0), 'T1').labels;
    for (const tissue of [csf, gm, wm]) {
      expect(dice(flipped(mirrored, 0), straight, (value) => value === tissue)).toBeGreaterThan(
        0.99,
      );
    }
  });

  it('finds the CSF in a FLAIR with the help of an atlas, and does not claim to separate grey from white matter', () => {
    const blurred = (tissue: number) =>
      gaussianSmooth(
        onGrid(
          tissues,
          Float32Array.from(tissues.data, (value) => (value === tissue ? 1 : 0)),
        ),
        5,
      );
    const { labels, separatesGreyFromWhite } = segmentTissues(exam.flair, exam.brain, 'FLAIR', {
      gm: blurred(gm),
      wm: blurred(wm),
    });
    expect(separatesGreyFromWhite).toBe(false);
    expect(dice(labels, tissues, (value) => value === csf)).toBeGreaterThan(0.9);
  });

  it('fails with a name when the image is the same everywhere', () => {
    const flat = { ...exam.t1, data: exam.t1.data.map(() => 42) };
    expect(() => segmentTissues(flat, exam.brain, 'T1')).toThrow(
      expect.objectContaining({ code: 'segmentation-failed' }),
    );
  });
});

describe('fitTissueMixture', () => {
  const random = seededRandom(5);
  /** 20 % of 30 +- 5, 45 % of 80 +- 4, 25 % of 110 +- 3, 5 % each mixed, 1 % of vessels. */
  const sample = Float32Array.from({ length: 200_000 }, () => {
    const draw = random.uniform();
    const normal = (mean: number, deviation: number) => mean + deviation * random.normal();
    if (draw < 0.2) return normal(30, 5);
    if (draw < 0.65) return normal(80, 4);
    if (draw < 0.9) return normal(110, 3);
    const fraction = random.uniform();
    if (draw < 0.945) return normal(30 + 50 * fraction, 4);
    if (draw < 0.99) return normal(80 + 30 * fraction, 3);
    return 200 * random.uniform();
  });
  const mixture = fitTissueMixture(sample, new Uint8Array(sample.length).fill(1))!;

  it('recovers the means, deviations and shares that intensities were drawn from', () => {
    const expected = [
      [30, 5, 0.2],
      [80, 4, 0.45],
      [110, 3, 0.25],
    ];
    mixture.tissues.forEach(({ mean, standardDeviation, weight }, k) => {
      expect(Math.abs(mean - expected[k][0])).toBeLessThan(0.5);
      expect(Math.abs(standardDeviation - expected[k][1])).toBeLessThan(0.5);
      expect(Math.abs(weight - expected[k][2])).toBeLessThan(0.03);
    });
    for (const weight of mixture.mixedWeights) expect(Math.abs(weight - 0.045)).toBeLessThan(0.03);
    expect(mixture.outlierWeight).toBeLessThan(0.03);
  });

  it('has class densities that integrate to 1', () => {
    for (let k = 0; k < 5; k++) {
      let sum = 0;
      for (let intensity = -50; intensity < 250; intensity += 0.1) {
        sum += 0.1 * classDensity(mixture.tissues, k, intensity);
      }
      expect(sum).toBeCloseTo(1, 3);
    }
  });

  it('learns with priors what the histogram alone does not show', () => {
    // Two tissues one deviation apart make one peak; where each is expected is known to 9 in 10.
    const count = 90_000;
    const values = new Float32Array(count);
    const priors = [0, 1, 2].map(() => new Float32Array(count)) as unknown as RankedPriors;
    for (let voxel = 0; voxel < count; voxel++) {
      const tissue = voxel % 3;
      values[voxel] = [20, 92, 100][tissue] + 8 * random.normal();
      const expected = random.uniform() < 0.9 ? tissue : random.integer(3);
      for (let k = 0; k < 3; k++) priors[k][voxel] = k === expected ? 0.9 : 0.05;
    }
    const { tissues } = fitTissueMixture(values, new Uint8Array(count).fill(1), priors)!;
    expect(Math.abs(tissues[0].mean - 20)).toBeLessThan(1);
    expect(Math.abs(tissues[1].mean - 92)).toBeLessThan(2);
    expect(Math.abs(tissues[2].mean - 100)).toBeLessThan(2);
  });

  it('is null where there is nothing to tell apart', () => {
    const one = new Uint8Array(100).fill(1);
    expect(fitTissueMixture(new Float32Array(100).fill(3), one)).toBeNull();
    expect(fitTissueMixture(Float32Array.from(one.keys()), new Uint8Array(100))).toBeNull();
  });
});
