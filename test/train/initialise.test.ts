import { describe, expect, it } from 'vitest';
import { compactImages } from '../../src/model/compact-plans.js';
import { initialWeights, type NetworkPlan } from '../../src/network/index.js';
import { startingWeights } from '../../src/train/initialise.js';
import { readPretrained } from '../../src/train/start-training.js';
import { seededRandom } from '../../src/volume/random.js';

const plan: NetworkPlan = {
  kind: 'compact',
  inputChannels: 2,
  classes: 2,
  features: [4, 4],
  normEpsilon: 1e-5,
};
const pretrained = {
  network: { ...plan, inputChannels: 3 },
  weights: initialWeights({ ...plan, inputChannels: 3 }, seededRandom(1)),
  channelNames: ['FLAIR', 'T2', 'T1'],
};
/** The weights of one channel in the first convolution. */
const channelOf = (weights: typeof pretrained.weights, channel: number) => {
  const { shape, data } = weights.get('stem.weight')!;
  return Array.from({ length: shape[0] }, (_, output) => {
    const start = (output * shape[1] + channel) * 8;
    return Array.from(data.subarray(start, start + 8));
  });
};

describe('startingWeights of a compact network', () => {
  const started = (network: NetworkPlan, channels: readonly string[]) =>
    startingWeights(network, channels, seededRandom(2), pretrained);

  it('takes channels by their names, and starts unknown ones at 0', () => {
    const weights = started(plan, ['t1', 'PD']);
    expect(channelOf(weights, 0)).toEqual(channelOf(pretrained.weights, 2));
    expect(
      channelOf(weights, 1)
        .flat()
        .every((value) => value === 0),
    ).toBe(true);
    expect(weights.get('head.weight')).toBe(pretrained.weights.get('head.weight'));
  });

  it('starts the outputs of other classes fresh', () => {
    const weights = started({ ...plan, classes: 3 }, ['FLAIR', 'T1']);
    expect(weights.get('head.weight')!.shape).toEqual([4, 3, 2, 2, 2]);
    expect(Array.from(weights.get('head.bias')!.data)).toEqual([0, -3, -3]);
  });

  it('starts a branch at full resolution that it did not have with no say', () => {
    const weights = started({ ...plan, fineFeatures: 4 }, ['FLAIR', 'T1']);
    expect(weights.get('fine.head.weight')!.data.every((value) => value === 0)).toBe(true);
    expect(weights.get('fine.stem.weight')!.data.some((value) => value !== 0)).toBe(true);
    expect(weights.get('head.weight')).toBe(pretrained.weights.get('head.weight'));
  });

  it('takes the channels of a branch at full resolution by their names, too', () => {
    const network = { ...plan, fineFeatures: 4 };
    const weights = startingWeights(network, ['T1', 'FLAIR'], seededRandom(2), {
      network,
      weights: initialWeights(network, seededRandom(3)),
      channelNames: ['FLAIR', 'T1'],
    });
    const trained = initialWeights(network, seededRandom(3)).get('fine.stem.weight')!.data;
    expect(weights.get('fine.stem.weight')!.data.subarray(0, 27)).toEqual(trained.subarray(27, 54));
  });

  it('refuses a network of another width', () => {
    const wide = { ...plan, features: [8, 8] };
    expect(() => started(wide, ['FLAIR', 'T1'])).toThrow(/to start from with stem.weight/);
  });
});

describe('the network that comes with Dawson', () => {
  it('is what a compact training is planned for', async () => {
    const { channelNames, plans, network } = await readPretrained('lesions');
    expect(channelNames).toEqual(['flair', 't2', 't1']);
    expect(plans).toMatchObject({ configurations: { '3d_fullres': compactImages } });
    expect(network.kind).toBe('compact');
  });
});
