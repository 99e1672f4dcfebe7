import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DawsonError } from '../../src/errors.js';
import { readNifti } from '../../src/formats/index.js';
import { openModel } from '../../src/model/open-model.js';
import { ownModels, writeOwnModel } from '../../src/model/own-model.js';
import { type CompactUnetPlan, initialWeights } from '../../src/network/index.js';
import { openAnatomyNetwork } from '../../src/preprocess/anatomy-network.js';
import {
  anatomyFromScores,
  anatomyNetworkInput,
  scaledIntensities,
} from '../../src/preprocess/anatomy-network-input.js';
import { findHead } from '../../src/preprocess/find-head.js';
import { applyToPoint, type Mat4 } from '../../src/volume/affine.js';
import { anatomyLabel, anatomyNames } from '../../src/volume/anatomy-labels.js';
import { gridAround } from '../../src/volume/grid-around.js';
import { seededRandom } from '../../src/volume/random.js';
import { type Grid, nonZeroVolumeMl, onGrid, voxelCount } from '../../src/volume/volume.js';
import { WorkerPool } from '../../src/workers.js';
import { demoExam } from '../support/dawson.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const engine = { device: 'cpu', threads: 1 } as const;
const pool = new WorkerPool(1);
afterAll(() => pool.close());

/** Values by the place of a voxel, RAS mm. */
const drawn = (grid: Grid, value: (x: number, y: number, z: number) => number) => {
  const [nx, ny] = grid.size;
  return Float32Array.from({ length: voxelCount(grid.size) }, (_, at) => {
    const row = Math.floor(at / nx);
    return value(...applyToPoint(grid.affine, [at % nx, row % ny, Math.floor(row / ny)]));
  });
};
const scaled = (mm: readonly number[], origin: readonly number[]): Mat4 =>
  [
    ...[mm[0], 0, 0, origin[0]],
    ...[0, mm[1], 0, origin[1]],
    ...[0, 0, mm[2], origin[2], 0, 0, 0, 1],
  ] as unknown as Mat4;

describe('the input of the anatomy network', () => {
  it('is in parts of the brightest intensities, at most twice as much', () => {
    const image = Float32Array.from({ length: 1000 }, (_, at) => (at === 999 ? 1e6 : at % 101));
    const values = scaledIntensities(image);
    expect(values[50]).toBeCloseTo(0.5, 1);
    expect(values[999]).toBe(2);
    expect([...scaledIntensities(new Float32Array(8))]).toEqual(Array(8).fill(0));
  });

  it('shows the brain of the atlas with a margin, wherever the image lies', () => {
    const atlasGrid = { size: [20, 20, 20] as const, affine: scaled([8, 8, 8], [-76, -76, -76]) };
    const brain = onGrid(
      atlasGrid,
      drawn(atlasGrid, (x, y, z) => (Math.hypot(x, y, z) < 50 ? 1 : 0)),
    );
    const grid = { size: [90, 100, 50] as const, affine: scaled([2, 2, 4], [210, 200, -400]) };
    const image = onGrid(
      grid,
      drawn(grid, (x) => x),
    );
    const toAtlas: Mat4 = [1, 0, 0, -300, 0, 1, 0, -300, 0, 0, 1, 300, 0, 0, 0, 1];
    const input = anatomyNetworkInput(image, brain, toAtlas);
    const middle = applyToPoint(
      input.affine,
      input.size.map((n) => (n - 1) / 2) as unknown as [number, number, number],
    );
    for (const [axis, at] of [300, 300, -300].entries()) expect(middle[axis]).toBeCloseTo(at, 5);
    for (const n of input.size) expect(n).toBe((2 * (44 + 16)) / 2 + 1);
  });
});

describe('an atlas that lies wrongly', () => {
  it('is told from its size, before memory is asked for', () => {
    const grid = { size: [20, 20, 20] as const, affine: scaled([8, 8, 8], [-76, -76, -76]) };
    const brain = onGrid(grid, new Float32Array(8000).fill(1));
    for (const factor of [0.3, 1e-6, 1e-300]) {
      expect(() => anatomyNetworkInput(brain, brain, scaled([1, factor, 1], [0, 0, 0]))).toThrow(
        expect.objectContaining({ code: 'brain-not-found' }),
      );
    }
  });
});

describe('an atlas that lies where the image shows nothing', () => {
  it('gives an error, no input of 0', () => {
    const grid = { size: [20, 20, 20] as const, affine: scaled([8, 8, 8], [-76, -76, -76]) };
    const image = onGrid(grid, new Float32Array(8000));
    image.data.fill(500, 7900);
    const brain = onGrid(grid, new Float32Array(8000));
    brain.data.fill(1, 0, 5);
    expect(() => anatomyNetworkInput(image, brain, scaled([1, 1, 1], [0, 0, 0]))).toThrow(
      'expected different intensities where the brain is expected; found the intensity 0 everywhere',
    );
  });
});

describe('the grid of a network', () => {
  it('has voxels of the mask on its own and holds all of it', () => {
    const grid = { size: [9, 8, 7] as const, affine: scaled([1, 1, 1], [-3, 5, 0.5]) };
    const mask = onGrid(
      grid,
      Uint8Array.from({ length: 504 }, () => 1),
    );
    expect(gridAround(mask, 1, 2)).toEqual({
      size: [13, 12, 11],
      affine: scaled([1, 1, 1], [-5, 3, -1.5]),
    });
    expect(gridAround(mask, 2, 2).size).toEqual([7, 7, 6]);
  });
});

describe('anatomy from scores', () => {
  const grid = { size: [60, 64, 58] as const, affine: scaled([2, 2, 2], [-59, -63, -57]) };
  const voxels = voxelCount(grid.size);
  const scoresOf = (label: (x: number, y: number, z: number) => number) => {
    const labels = drawn(grid, label);
    const scores = new Float32Array((anatomyNames.size + 1) * voxels).fill(-6);
    for (let at = 0; at < voxels; at++) scores[labels[at] * voxels + at] = 6;
    return scores;
  };
  const image = { size: [110, 120, 30] as const, affine: scaled([1.1, 1.1, 4], [-60, -66, -58]) };

  it('gives brain and labels on the grid of the image, without far specks', () => {
    const { brain, labels } = anatomyFromScores(
      scoresOf((x, y, z) => {
        const r = Math.hypot(x, y, z);
        if (r < 12) return anatomyLabel.ventricles;
        if (r < 48) return anatomyLabel.whiteMatter;
        return Math.hypot(x - 56, y - 56, z - 50) < 6 ? anatomyLabel.cortex : anatomyLabel.outside;
      }),
      grid,
      image,
    );
    expect(brain.size).toEqual(image.size);
    // What is nearly as likely brain as not counts: the outline lies a quarter of a mm further out.
    expect(nonZeroVolumeMl(brain)).toBeCloseTo((4 / 3) * Math.PI * 4.83 ** 3, -1);
    const radius = drawn(image, (x, y, z) => Math.hypot(x, y, z));
    const labelsWhere = (isIn: (mm: number) => boolean) =>
      new Set(labels.data.filter((_, at) => isIn(radius[at])));
    expect(labelsWhere((mm) => mm < 9)).toEqual(new Set([anatomyLabel.ventricles]));
    expect(labelsWhere((mm) => mm > 15 && mm < 45)).toEqual(new Set([anatomyLabel.whiteMatter]));
    expect(labelsWhere((mm) => mm > 51)).toEqual(new Set([0]));
  });

  it('refuses what is no brain', () => {
    for (const radius of [20, 0]) {
      const scores = scoresOf((x, y, z) => (Math.hypot(x, y, z) < radius ? anatomyLabel.csf : 0));
      expect(() => anatomyFromScores(scores, grid, image)).toThrow(
        expect.objectContaining({ code: 'brain-not-found' }),
      );
    }
  });
});

describe('the anatomy network', () => {
  const image = (() => {
    const grid = { size: [64, 72, 60] as const, affine: scaled([2.5, 2.5, 2.5], [-80, -90, -75]) };
    return onGrid(
      grid,
      drawn(grid, (x, y, z) => (Math.hypot(x, y, z) < 60 ? 100 + (y % 9) : 2)),
    );
  })();
  const identity = scaled([1, 1, 1], [0, 0, 0]);

  it('is absent where its folder is', async () => {
    const folder = join(temporaryFolder()('none'), 'anatomy');
    expect(existsSync(folder)).toBe(false);
    expect(await openAnatomyNetwork(engine, folder)).toBeUndefined();
  });

  it('runs, and says brain-not-found where it sees none', async () => {
    const plan: CompactUnetPlan = {
      kind: 'compact',
      inputChannels: 1,
      classes: anatomyNames.size + 1,
      features: [4, 4, 4, 4],
      normEpsilon: 1e-5,
    };
    const weights = initialWeights(plan, seededRandom(3));
    weights.get('head.bias')!.data.fill(-20, 1);
    const folder = temporaryFolder()('anatomy');
    const card = { name: 'small', version: '1', training: {} };
    await writeOwnModel(folder, card, weights, { ...ownModels.anatomy, plan });
    const network = await openAnatomyNetwork(engine, folder);
    await expect(
      network!.findAnatomy(
        image,
        onGrid(image, new Float32Array(image.data.length).fill(1)),
        identity,
        { pool },
      ),
    ).rejects.toMatchObject({
      code: 'brain-not-found',
    });
    await expect(openModel(folder)).rejects.toMatchObject({ code: 'bad-model' });
    const file = join(folder, 'model.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"training"', '"trained"'));
    await expect(openAnatomyNetwork(engine, folder)).rejects.toMatchObject({
      code: 'bad-model',
    });
  });

  it('leaves the brain to classical methods where it sees none', async () => {
    const found = await findHead(
      await demoFlair(),
      false,
      { pool },
      {
        model,
        findAnatomy: async () => {
          throw new DawsonError('brain-not-found', { expected: 'a brain', found: '3 ml' });
        },
      },
    );
    expect(found.note?.text).toMatch(/saw no brain \(3 ml\)/);
    expect(found.anatomy).toBeUndefined();
    expect(nonZeroVolumeMl(found.brain)).toBeGreaterThan(900);
  });

  it('only tells the parts of a brain that somebody extracted', async () => {
    const whole = await demoFlair();
    const { brain } = await findHead(whole, false, { pool });
    const extracted = onGrid(
      whole,
      Float32Array.from(whole.data, (value, at) => (brain.data[at] ? Math.max(1, value) : 0)),
    );
    const labels = { ...brain, names: anatomyNames };
    const nothing = onGrid(whole, new Uint8Array(whole.data.length));
    const found = await findHead(
      extracted,
      true,
      { pool },
      {
        model,
        findAnatomy: async () => ({ brain: nothing, labels }),
      },
    );
    expect(Buffer.compare(found.brain.data, brain.data)).toBe(0);
    expect(found.anatomy).toBe(labels);
    expect(found.note).toBeUndefined();
  });
});

const model = { name: 'stand-in', version: '1', sha256: '0' };
const demoFlair = async () => (await readNifti(demoExam('flair'))).volume;
