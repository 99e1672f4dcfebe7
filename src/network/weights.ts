import { DawsonError } from '../errors.js';
import {
  parseSafetensors,
  readSafetensorsBytes,
  type WeightTensor,
} from '../formats/safetensors.js';
import { sha256Of } from '../formats/sha256.js';
import { elementsOf } from '../graph/index.js';
import type { Random } from '../volume/random.js';
import { leakySlope } from './layer-kinds.js';
import { weightShapes } from './network.js';
import type { NetworkPlan } from './network-plan.js';

/** The weights of a network by their names in PyTorch. */
export type Weights = ReadonlyMap<string, WeightTensor>;

/**
 * Fresh weights as nnU-Net has them: convolutions from a normal distribution of variance
 * 2 / ((1 + slope^2) inputs of one output) (He et al. 2015, arXiv 1502.01852), biases 0, instance
 * norm 1 and 0; the last norm of a residual block 0 and 0, so that the block starts as the identity.
 * A compact network starts with every class but the background rare, its branch at full resolution
 * with no say.
 */
export function initialWeights(plan: NetworkPlan, random: Random): Weights {
  const weights = new Map<string, WeightTensor>();
  for (const [name, shape] of weightShapes(plan)) {
    const data = new Float32Array(elementsOf(shape));
    if (shape.length === 5) {
      const deviation = Math.sqrt(2 / ((1 + leakySlope ** 2) * elementsOf(shape.slice(1))));
      for (let i = 0; i < data.length; i++) data[i] = deviation * random.normal();
    } else if (/norm\.weight$/.test(name) && !/blocks\.\d+\.conv2\.norm/.test(name)) {
      data.fill(1);
    }
    weights.set(name, { shape, data });
  }
  // An equal share of all voxels for each class is a long way from the truth.
  if (plan.kind === 'compact') weights.get('head.bias')!.data.fill(-3, 1);
  weights.get('fine.head.weight')?.data.fill(0);
  return weights;
}

/**
 * The weights of a network from a safetensors file.
 * @param sha256 of the file, where it is known which one it is to be
 * @throws DawsonError `file-not-found`; `bad-model` for a damaged file or another one, or one whose
 *   names or shapes are not those of the plan, or that holds numbers that are not finite.
 */
export async function readWeights(
  file: string,
  plan: NetworkPlan,
  sha256?: string,
): Promise<Weights> {
  const bytes = await readSafetensorsBytes(file);
  if (sha256 !== undefined && sha256Of(bytes) !== sha256) {
    throw new DawsonError('bad-model', {
      file,
      expected: 'the weights that the description of the model names',
      found: 'other contents',
    });
  }
  return requireWeights(parseSafetensors(bytes, file).tensors, plan, file);
}

const divergedAdvice =
  'Its training has diverged: take an earlier checkpoint of it, or train with a smaller learning rate.';

const otherNetworkAdvice =
  'These are weights of another network than plans.json describes: take both from the same training.';

/**
 * Weights with the names and shapes of a network, and no others.
 * @param file name for messages
 * @throws DawsonError `bad-model` for weights of another network, or that are not finite.
 */
export function requireWeights(tensors: Weights, plan: NetworkPlan, file: string): Weights {
  const fail = (expected: string, found: string, advice = otherNetworkAdvice): never => {
    throw new DawsonError('bad-model', { file, expected, found, advice });
  };
  const shapes = weightShapes(plan);
  const weights = new Map<string, WeightTensor>();
  for (const [name, shape] of shapes) {
    const tensor = tensors.get(name) ?? fail(`the weight ${name}`, 'none of this name');
    if (String(tensor.shape) !== String(shape)) {
      fail(`${name} of shape [${shape}]`, `[${tensor.shape}]`);
    }
    if (!tensor.data.every(Number.isFinite)) {
      fail(`finite numbers in ${name}`, 'others', divergedAdvice);
    }
    weights.set(name, tensor);
  }
  const unknown = [...tensors.keys()].filter((name) => !shapes.has(name));
  if (unknown.length > 0) fail('the weights of the plan only', unknown.slice(0, 3).join(', '));
  return weights;
}
