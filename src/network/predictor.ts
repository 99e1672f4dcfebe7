import {
  costOf,
  fastConvolutions,
  Graph,
  type GraphCost,
  preciseNorms,
  type Value,
} from '../graph/index.js';
import type { Axes3 } from '../volume/arrays.js';
import type { Engine } from './engine.js';
import type { Device } from './engine-messages.js';
import { network, weightShapes } from './network.js';
import type { NetworkPlan } from './network-plan.js';
import type { Weights } from './weights.js';

/** A trained network that is loaded. */
export interface Predictor {
  /** From [inputChannels, ...patchShape] to logits [classes, ...patchShape]. */
  predict(patch: Float32Array): Promise<Float32Array>;
  /** Gives the memory back. */
  release(): Promise<void>;
}

/** Loads a network for patches of one shape. @throws DawsonError as {@link Engine} does. */
export async function loadPredictor(
  engine: Engine,
  plan: NetworkPlan,
  weights: Weights,
  patchShape: Axes3,
): Promise<Predictor> {
  const logits = logitsOf(plan, patchShape, engine.device);
  const shape = [1, plan.inputChannels, ...patchShape];
  const fixed = Object.fromEntries([...weights].map(([name, { data }]) => [name, data]));
  const session = await engine.load({ logits }, {}, fixed);
  return {
    async predict(patch) {
      const { logits } = await session.run({ image: { shape, data: patch } }, ['logits']);
      return logits.data as Float32Array;
    },
    release: () => session.release(),
  };
}

/** What one run of a network for patches of one shape costs on the CPU; its memory includes the weights. */
export const costOfPrediction = (plan: NetworkPlan, patchShape: Axes3): GraphCost =>
  costOf([logitsOf(plan, patchShape, 'cpu')], weightShapes(plan).keys());

/** The outputs of lower resolutions only serve training: they are left out. */
function logitsOf(plan: NetworkPlan, patchShape: Axes3, device: Device): Value {
  const graph = new Graph();
  const fast = device === 'cpu' ? fastConvolutions(graph) : graph;
  // Compact networks are Dawson's own: there is no other program to agree with to the last digits.
  const g = device === 'cpu' && plan.kind !== 'compact' ? preciseNorms(fast) : fast;
  const image = graph.input('image', [1, plan.inputChannels, ...patchShape]);
  const weight = (name: string, shape: readonly number[]) => graph.input(name, shape);
  return network(g, plan, image, weight, 'prediction')[0];
}
