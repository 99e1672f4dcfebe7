import { describe, expect, it } from 'vitest';
import { writeSafetensors } from '../../src/formats/safetensors.js';
import {
  compactArchitecture,
  Engine,
  initialWeights,
  loadPredictor,
  networkPlanOf,
  readWeights,
} from '../../src/network/index.js';
import { seededRandom } from '../../src/volume/random.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { goldenBatch, goldenNetwork, relativeError } from './golden-networks.js';

const residual = goldenNetwork('residual-isotropic');
const plain = goldenNetwork('plain-isotropic');

describe('initialWeights', () => {
  const weights = initialWeights(residual.plan, seededRandom(5));
  const spread = (name: string) => {
    const { data } = weights.get(name)!;
    return Math.sqrt(data.reduce((sum, value) => sum + value ** 2, 0) / data.length);
  };

  it('draws convolutions with the variance of He et al.', () => {
    const squares = [...weights.values()].flatMap(({ shape, data }) => {
      const inputs = shape.slice(1).reduce((product, n) => product * n, 1);
      const variance = 2 / ((1 + 0.01 ** 2) * inputs);
      return shape.length === 5 ? Array.from(data, (value) => value ** 2 / variance) : [];
    });
    const mean = squares.reduce((sum, value) => sum + value, 0) / squares.length;
    // Thousands of values: four standard errors of the mean of squares.
    expect(Math.abs(mean - 1)).toBeLessThan(4 * Math.sqrt(2 / squares.length));
  });

  it('starts residual blocks as the identity, and normalisations as they are', () => {
    expect(spread('encoder.stages.1.blocks.1.conv2.norm.weight')).toBe(0);
    expect(spread('encoder.stages.1.blocks.1.conv1.norm.weight')).toBe(1);
    expect(spread('encoder.stages.1.blocks.1.conv1.norm.bias')).toBe(0);
    expect(spread('decoder.stages.0.convs.0.norm.weight')).toBe(1);
  });

  it('gives the same weights for the same seed', () => {
    expect(initialWeights(residual.plan, seededRandom(5))).toEqual(weights);
    expect(initialWeights(residual.plan, seededRandom(6))).not.toEqual(weights);
  });
});

describe('readWeights', () => {
  const written = async (tensors: typeof plain.weights) => {
    const file = temporaryFolder()('fold_0.safetensors');
    await writeSafetensors(file, { tensors, metadata: {} });
    return file;
  };

  it('reads the weights of its plan', async () => {
    expect(await readWeights(await written(plain.weights), plain.plan)).toEqual(plain.weights);
  });

  it.each([
    ['of another network', new Map(residual.weights)],
    ['with one that is missing', new Map([...plain.weights].slice(1))],
    [
      'with one too many',
      new Map([...plain.weights, ['more', { shape: [], data: Float32Array.of(1) }]]),
    ],
    [
      'that are not finite',
      new Map(
        [...plain.weights].map(([n, w]) => [n, { ...w, data: w.data.map(() => Number.NaN) }]),
      ),
    ],
  ])('refuses weights %s', async (_, tensors) => {
    const file = await written(tensors);
    await expect(readWeights(file, plain.plan)).rejects.toMatchObject({ code: 'bad-model' });
  });

  it('says of numbers that are not finite that the training has diverged, not to copy them again', async () => {
    const [[name, first], ...others] = plain.weights;
    const data = first.data.map(() => Number.NaN);
    const file = await written(new Map([[name, { ...first, data }], ...others]));
    const advice = expect.stringContaining('diverged');
    await expect(readWeights(file, plain.plan)).rejects.toMatchObject({ details: { advice } });
  });
});

describe('loadPredictor', () => {
  it('gives the logits of full resolution for one patch', async () => {
    const engine = new Engine({ device: 'cpu', threads: 1 });
    const { plan, weights, patch, tensors } = plain;
    const predictor = await loadPredictor(engine, plan, weights, patch);
    const { image } = goldenBatch(patch, 0);
    const logits = await predictor.predict(image.slice(0, image.length / 2));
    const expected = tensors.get('logits 0')!.data.subarray(0, Math.ceil(logits.length / 5));
    expect(
      relativeError(
        logits.filter((_, i) => i % 5 === 0),
        expected,
      ),
    ).toBeLessThan(1e-4);
    await engine.close();
  });
});

describe('networkPlanOf', () => {
  const sizes = { inputChannels: 1, classes: 2 };
  const read = (change: (kwargs: Record<string, unknown>) => void) => () => {
    const architecture = structuredClone(plain.architecture) as {
      arch_kwargs: Record<string, unknown>;
    };
    change(architecture.arch_kwargs);
    return networkPlanOf({ configurations: { c: { architecture } } }, 'c', sizes, 'plans.json');
  };

  it.each<[string, (kwargs: Record<string, unknown>) => void, RegExp]>([
    ['a field that is missing', (kwargs) => delete kwargs.strides, /strides/],
    ['another dimension', (kwargs) => (kwargs.conv_op = 'torch.nn.modules.conv.Conv1d'), /conv_op/],
    [
      'kernels of another dimension',
      (kwargs) => (kwargs.conv_op = 'torch.nn.modules.conv.Conv2d'),
      /2 axes in kernel_sizes/,
    ],
    [
      'lists of different lengths',
      (kwargs) => (kwargs.features_per_stage = [8]),
      /features_per_stage/,
    ],
    [
      'more features than any network',
      (kwargs) => (kwargs.features_per_stage = [1e9, 1, 1]),
      /features/,
    ],
    [
      'an even kernel',
      (kwargs) =>
        (kwargs.kernel_sizes = [
          [2, 2, 2],
          [3, 3, 3],
          [3, 3, 3],
        ]),
      /odd/,
    ],
    ['another norm', (kwargs) => (kwargs.norm_op = 'torch.nn.LayerNorm3d'), /norm_op/],
  ])('refuses %s and names it', (_, change, name) => {
    expect(read(change)).toThrow(
      expect.objectContaining({ code: 'bad-model', message: expect.stringMatching(name) }),
    );
  });

  it.each([
    ['without', {}],
    ['with', { fineFeatures: 4 }],
  ])(
    'reads a compact network %s work at full resolution, and refuses what is malformed',
    (_, fine) => {
      const fields = { features: [4, 8], ...fine, normEpsilon: 1e-5 };
      const written = compactArchitecture(fields);
      const readCompact = (arch_kwargs: unknown) => {
        const architecture = { ...written, arch_kwargs };
        return networkPlanOf({ configurations: { c: { architecture } } }, 'c', sizes, 'plans.json');
      };
      expect(readCompact(written.arch_kwargs)).toEqual({ kind: 'compact', ...sizes, ...fields });
      const wrong = { ...written.arch_kwargs, features_per_stage: [1e9] };
      expect(() => readCompact(wrong)).toThrow(/features_per_stage/);
      const none = { ...written.arch_kwargs, fine_features: 0 };
      expect(() => readCompact(none)).toThrow(/fine_features/);
      expect(() => readCompact(undefined)).toThrow(expect.objectContaining({ code: 'bad-model' }));
    },
  );

  it.each([[undefined], [null], [{}], [{ configurations: [] }], ['c']])('refuses %s', (plans) => {
    expect(() => networkPlanOf(plans, 'c', sizes, 'plans.json')).toThrow(
      expect.objectContaining({ code: 'bad-model' }),
    );
  });
});
