import { describe, expect, it } from 'vitest';
import {
  meanWeights,
  rulesWithoutEach,
  runName,
  segmentLeftOut,
} from '../../../../src/experiments/own-networks/real/leave-out.js';
import { judgeCase } from '../../../../src/train/choose-post-processing.js';
import { identity } from '../../../../src/volume/affine.js';
import { seededRandom } from '../../../../src/volume/random.js';
import { onGrid, type Size } from '../../../../src/volume/volume.js';

const size: Size = [300, 1, 1];
const grid = { size, affine: identity };

/** Ten places of ten voxels, real from a probability on. */
function judged(seed: number, realFrom: number) {
  const random = seededRandom(seed);
  const probability = new Float32Array(size[0]);
  const truth = new Uint8Array(size[0]);
  for (let place = 0; place < 10; place++) {
    const p = 0.2 + 0.79 * random.uniform();
    probability.fill(p, 30 * place, 30 * place + 10);
    if (p >= realFrom) truth.fill(1, 30 * place, 30 * place + 10);
  }
  return {
    judged: judgeCase(onGrid(grid, probability), onGrid(grid, truth)),
    group: `person ${seed}`,
    isReal: false,
    sliceMm: 1,
  };
}

describe('people left out', () => {
  it('have a run named after the sites and after them', () => {
    expect(runName(['/data/routine', '/data/other'], ['b', 'a'])).toBe('lesions-routine-other-b-a');
    expect(runName(['/data/routine/'], [])).toBe('lesions-routine');
  });

  it('have no part in the rule by which they are judged', () => {
    const people = [1, 2, 3, 4].map((seed) => ({ validation: judged(seed, 0.6) }));
    const others = [11, 12].map((seed) => judged(seed, 0.6));
    const rules = rulesWithoutEach(people, others);
    const changed = [{ validation: judged(1, 0.95) }, ...people.slice(1)];
    const after = rulesWithoutEach(changed, others);
    expect(after[0]).toEqual(rules[0]);
    expect(after.slice(1)).not.toEqual(rules.slice(1));
  });

  it('are all left out by some fold', async () => {
    const one = { name: 'one', site: 'here', exam: {}, experts: {} };
    await expect(
      segmentLeftOut([one] as never, [{ without: ['two'], weights: new Map() }], {} as never),
    ).rejects.toThrow('no fold leaves one out');
  });
});

describe('the mean of networks', () => {
  it('is that of each weight', () => {
    const network = (...values: number[]) =>
      new Map([['kernel', { shape: [2], data: Float32Array.from(values) }]]);
    const mean = meanWeights([network(1, -2), network(3, 4), network(2, 1)]);
    expect([...mean.get('kernel')!.data]).toEqual([2, 1].map((v) => expect.closeTo(v, 6)));
    expect(mean.get('kernel')!.shape).toEqual([2]);
  });
});
