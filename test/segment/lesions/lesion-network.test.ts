import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { argmax } from '../../../src/model/lesion-rule.js';
import { firstFoldOf } from '../../../src/model/model-predictors.js';
import { openModel } from '../../../src/model/open-model.js';
import { ownModels, writeOwnModel } from '../../../src/model/own-model.js';
import { type CompactUnetPlan, initialWeights } from '../../../src/network/index.js';
import { predictLesions } from '../../../src/segment/lesions/lesion-network.js';
import {
  lesionNetworkInput,
  normalizedIntensities,
} from '../../../src/segment/lesions/lesion-network-input.js';
import type { Mat4 } from '../../../src/volume/affine.js';
import { seededRandom } from '../../../src/volume/random.js';
import { onGrid, type Size, type Volume } from '../../../src/volume/volume.js';
import { WorkerPool } from '../../../src/workers.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const pool = new WorkerPool(1);
afterAll(() => pool.close());

const size: Size = [20, 24, 18];
const [nx, ny, nz] = size;
const whole = { size, affine: [1, 0, 0, -9.25, 0, 1, 0, 3.5, 0, 0, 1, 40, 0, 0, 0, 1] as Mat4 };

/** A box of brain inside of air. */
const inBrain = (at: number) => {
  const [i, j, k] = [at % nx, Math.floor(at / nx) % ny, Math.floor(at / (nx * ny))];
  return i >= 4 && i < 16 && j >= 5 && j < 20 && k >= 3 && k < 15;
};
function phantom(seed: number): Volume<Float32Array> {
  const random = seededRandom(seed);
  return onGrid(
    whole,
    Float32Array.from({ length: nx * ny * nz }, () => 500 + 100 * random.normal()),
  );
}
const brain = onGrid(
  whole,
  Uint8Array.from({ length: nx * ny * nz }, (_, at) => (inBrain(at) ? 1 : 0)),
);

describe('lesionNetworkInput', () => {
  it('copies an exam in voxels of 1 mm, in deviations of its brain, with 0 around it', () => {
    const flair = phantom(1);
    const { grid, data } = lesionNetworkInput({ flair, brain });
    const voxels = grid.size[0] * grid.size[1] * grid.size[2];
    const values = data.subarray(0, voxels).filter((value) => value !== 0);
    expect(values).toHaveLength(12 * 15 * 12);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    expect([mean, variance]).toEqual([expect.closeTo(0, 4), expect.closeTo(1, 4)]);
    // The order of brightness of its own voxels: nothing was interpolated.
    const own = flair.data.filter((_, at) => inBrain(at));
    expect(values.indexOf(Math.max(...values))).toBe(own.indexOf(Math.max(...own)));
    expect(data.subarray(voxels).every((value) => value === 0)).toBe(true);
  });

  it('does not depend on the unit of the intensities', () => {
    const flair = phantom(2);
    const other = onGrid(
      whole,
      flair.data.map((value) => 0.01 * value + 7),
    );
    const [a, b] = [flair, other].map((image) => lesionNetworkInput({ flair: image, brain }).data);
    expect(Math.max(...a.map((value, at) => Math.abs(value - b[at])))).toBeLessThan(1e-3);
  });

  it.each([1e6, -1e6, 1e30])('is hardly changed by one voxel of %s', (value) => {
    const flair = phantom(2);
    const place = brain.data.indexOf(1) + 3 + nx * (4 + ny * 3);
    const spoilt = onGrid(whole, flair.data.slice());
    spoilt.data[place] = value;
    const [a, b] = [flair, spoilt].map((image) => lesionNetworkInput({ flair: image, brain }).data);
    const changes = a.map((normal, at) => Math.abs(normal - b[at])).sort();
    expect(changes.at(-1)).toBeGreaterThan(3);
    // One of 2160 voxels at 15 standard deviations.
    expect(changes.at(-2)).toBeLessThan(0.3);
  });

  it('takes the 1st to the 99th percentile where most of the brain has one intensity', () => {
    const flair = onGrid(
      whole,
      phantom(2).data.map((value, at) => (at % 3 ? 500 : value)),
    );
    const spoilt = onGrid(whole, flair.data.slice());
    spoilt.data[brain.data.indexOf(1)] = 1e30;
    const { data } = lesionNetworkInput({ flair: spoilt, brain });
    expect(data.filter((value) => Math.abs(value) > 0.5).length).toBeGreaterThan(100);
  });

  it('fails for an exam without a brain', () => {
    const none = onGrid(whole, new Uint8Array(brain.data.length));
    expect(() => lesionNetworkInput({ flair: phantom(3), brain: none })).toThrow(
      'expected a brain to look for lesions in; found an empty brain mask',
    );
  });

  it('fails for a sequence that shows one intensity or nothing of the brain', () => {
    const constant = (value: number) =>
      onGrid(whole, new Float32Array(brain.data.length).fill(value));
    const flat = constant(5);
    flat.data[brain.data.indexOf(1)] = 1e6;
    expect(() => lesionNetworkInput({ flair: flat, brain })).toThrow(
      'expected a FLAIR with different intensities in the brain; found the intensity 5 nearly everywhere',
    );
    expect(() => lesionNetworkInput({ flair: phantom(3), t1: constant(0), brain })).toThrow(
      'expected a T1 with different intensities in the brain; found no voxel of it there',
    );
  });

  it('makes nothing of a patch without contrast', () => {
    const flat = Float32Array.of(5, 5, 5);
    expect([...normalizedIntensities(flat, Uint8Array.of(1, 1, 0), { mean: 5, sd: 0 })]).toEqual([
      0, 0, 0,
    ]);
  });
});

describe('predictLesions', () => {
  it('brings probabilities to the grid of the exam, 0 outside of the brain', async () => {
    const flair = phantom(4);
    const probability = await predictLesions(
      { flair, brain },
      async (patch) => {
        // Logits of a network that finds what is brighter than the mean.
        const voxels = patch.length / 3;
        const scores = new Float32Array(2 * voxels);
        for (let at = 0; at < voxels; at++) scores[voxels + at] = 10 * patch[at];
        return scores;
      },
      { pool },
    );
    expect(probability.size).toEqual(size);
    const mean = 500;
    for (let at = 0; at < flair.data.length; at++) {
      if (!inBrain(at)) expect(probability.data[at]).toBe(0);
      else if (flair.data[at] > mean + 30) expect(probability.data[at]).toBeGreaterThan(0.8);
      else if (flair.data[at] < mean - 30) expect(probability.data[at]).toBeLessThan(0.2);
    }
  });
});

describe('a network of a folder', () => {
  const plan: CompactUnetPlan = {
    kind: 'compact',
    inputChannels: 3,
    classes: 2,
    features: [4, 8],
    normEpsilon: 1e-5,
  };
  const weights = initialWeights(plan, seededRandom(1));
  const rule = { ...argmax, threshold: 0.4, minimumVolumeMm3: 6 };
  const card = { name: 'small', version: '1', rule, training: { steps: 3 } };
  async function written(): Promise<string> {
    const folder = temporaryFolder()('network');
    await writeOwnModel(folder, card, weights, { ...ownModels.lesions, plan });
    return folder;
  }

  it('is read as it was written, to half precision', async () => {
    const opened = await openModel(await written());
    expect(opened.card).toMatchObject(card);
    expect(opened.network).toEqual(plan);
    expect(opened.model).toMatchObject({
      channelNames: ['flair', 't2', 't1'],
      optionalChannels: ['t2', 't1'],
      plan: { input: 'brain', patchShape: [64, 64, 64] },
    });
    const found = await firstFoldOf(opened);
    for (const [name, { data }] of weights) {
      const largest = Math.max(...data.map(Math.abs));
      const error = Math.max(...found.get(name)!.data.map((v, i) => Math.abs(v - data[i])));
      expect(error).toBeLessThanOrEqual(largest / 2048);
    }
  });

  it('is refused when its weights or its plans were changed', async () => {
    const changed = await written();
    const bytes = readFileSync(join(changed, 'fold_0.safetensors'));
    bytes[bytes.length - 1] ^= 1;
    writeFileSync(join(changed, 'fold_0.safetensors'), bytes);
    await expect(openModel(changed)).rejects.toMatchObject({ code: 'bad-model' });

    const longer = await written();
    appendFileSync(join(longer, 'fold_0.safetensors'), 'x');
    await expect(openModel(longer)).rejects.toMatchObject({ code: 'bad-model' });

    const other = await written();
    const file = join(other, 'plans.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"brain"', '"nnunet"'));
    await expect(openModel(other)).rejects.toMatchObject({ code: 'bad-model' });
  });
});
