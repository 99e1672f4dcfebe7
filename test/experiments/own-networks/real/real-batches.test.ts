import { describe, expect, it } from 'vitest';
import { makeRealBatch } from '../../../../src/experiments/own-networks/real/real-batches.js';
import { trainingCase } from '../../../../src/experiments/own-networks/real/training-case.js';
import type { PreparedExam } from '../../../../src/preprocess/prepared-exam.js';
import { outsideLabel } from '../../../../src/segment/nnunet/preprocess.js';
import type { StepInput } from '../../../../src/train/step.js';
import { seededRandom } from '../../../../src/volume/random.js';
import {
  type Grid,
  onesWhere,
  onGrid,
  type Size,
  voxelCount,
} from '../../../../src/volume/volume.js';

const grid: Grid = {
  size: [40, 44, 12] as Size,
  affine: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 4, 0, 0, 0, 0, 1],
};

/** A brain of noise in slices of 4 mm with one bright lesion, one of two slices. */
function drawnCase(name: string, site: string, withT2: boolean) {
  const random = seededRandom(name.length);
  const [nx, ny] = grid.size;
  const at = (voxel: number) =>
    [voxel % nx, Math.floor(voxel / nx) % ny, Math.floor(voxel / (nx * ny))] as const;
  const numbers = new Float32Array(voxelCount(grid.size));
  const brain = onesWhere(numbers, (_, voxel) => {
    const [x, y, z] = at(voxel);
    return Math.hypot((x - 20) / 15, (y - 22) / 17, (z - 6) / 5) < 1;
  });
  const experts = onesWhere(numbers, (_, voxel) => {
    const [x, y, z] = at(voxel);
    return Math.hypot(x - 14, y - 22) < 5 && (z === 5 || z === 6);
  });
  const image = () =>
    onGrid(
      grid,
      numbers.map((_, voxel) => 100 + 10 * random.normal() + 60 * experts[voxel]),
    );
  const exam: PreparedExam = {
    flair: image(),
    ...(withT2 && { t2: image() }),
    t1: image(),
    brain: onGrid(grid, brain),
  };
  return { name, site, exam, experts: onGrid(grid, experts) };
}

const prepared = [
  drawnCase('one', 'here', true),
  drawnCase('two', 'here', true),
  drawnCase('three', 'there', false),
];
const cases = prepared.map(trainingCase);
const settings = { batchSize: 4, edgeVoxels: 40, seed: 7 };
const voxels = settings.edgeVoxels ** 3;

describe('a real exam for training', () => {
  const [{ labels, image, shape, present, sliceMm, lesionVoxels, lesionStarts }] = cases;

  it('has voxels of 1 mm, the slices as measured and its lesion with its volume', () => {
    expect(labels).toHaveLength(shape[0] * shape[1] * shape[2]);
    expect(image).toHaveLength(3 * labels.length);
    expect(sliceMm).toBe(4);
    expect([...lesionStarts]).toEqual([0, lesionVoxels.length]);
    const truthMm3 = 4 * prepared[0].experts.data.reduce((sum, value) => sum + value, 0);
    expect(lesionVoxels.length / truthMm3).toBeGreaterThan(0.9);
    expect(lesionVoxels.length / truthMm3).toBeLessThan(1.15);
    expect(lesionVoxels.every((at) => labels[at] === 1)).toBe(true);
  });

  it('is 0 and marked as outside where the brain is not, and says which sequences it has', () => {
    expect(labels.every((label, at) => label !== outsideLabel || image[at] === 0)).toBe(true);
    expect(labels[0]).toBe(outsideLabel);
    expect(present).toEqual([true, true, true]);
    expect(cases[2].present).toEqual([true, false, true]);
  });
});

describe('batches of real patches', () => {
  it('are the same for the same index, and others for another', () => {
    const bytes = (batch: StepInput) =>
      Buffer.concat(
        [batch.image, batch.labels, batch.voxelWeights!].map((part) => Buffer.from(part.buffer)),
      );
    const batch = bytes(makeRealBatch(cases, settings, 3));
    expect(batch.equals(bytes(makeRealBatch(cases, settings, 3)))).toBe(true);
    expect(batch.equals(bytes(makeRealBatch(cases, settings, 4)))).toBe(false);
    expect(batch.equals(bytes(makeRealBatch(cases, { ...settings, seed: 8 }, 3)))).toBe(false);
  });

  it('show what the loss needs: finite images, labels of 0 and 1, weights from 1 on', () => {
    const { image, labels, voxelWeights } = makeRealBatch(cases, settings, 0);
    expect(image).toHaveLength(4 * 3 * voxels);
    expect(image.every(Number.isFinite)).toBe(true);
    expect(labels.every((label) => label <= 1)).toBe(true);
    expect(voxelWeights!.every((weight) => weight >= 1)).toBe(true);
  });

  it('teach nothing where nobody knows', () => {
    const unknown = { ...prepared[0].experts, data: prepared[0].experts.data.map((on) => 1 - on) };
    const taught = makeRealBatch([trainingCase({ ...prepared[0], unknown })], settings, 0);
    const known = makeRealBatch([cases[0]], settings, 0);
    expect(taught.image).toEqual(known.image);
    expect(taught.labels).toEqual(known.labels);
    const asItShould = taught.voxelWeights!.every((weight, at) => {
      const outside = taught.image[3 * Math.floor(at / voxels) * voxels + (at % voxels)] === 0;
      return outside || weight === (taught.labels[at] === 1 ? known.voxelWeights![at] : 0);
    });
    expect(asItShould).toBe(true);
  });

  it('show each site as often, lesions in half of them and more, and no sequence that is missing', () => {
    let [withLesion, withoutT2, all] = [0, 0, 0];
    for (let index = 0; index < 30; index++) {
      const { image, labels } = makeRealBatch(cases, settings, index);
      for (let place = 0; place < settings.batchSize; place++, all++) {
        const from = place * 3 * voxels;
        if (labels.subarray(place * voxels, (place + 1) * voxels).includes(1)) withLesion++;
        if (image.subarray(from + voxels, from + 2 * voxels).every((value) => value === 0))
          withoutT2++;
        expect(image.subarray(from, from + voxels).some((value) => value !== 0)).toBe(true);
      }
    }
    expect(withLesion / all).toBeGreaterThan(0.4);
    // Half are of the site without T2; of the rest some are shown without it.
    expect(withoutT2 / all).toBeGreaterThan(0.5);
    expect(withoutT2 / all).toBeLessThan(0.8);
  });
});
