import { Graph, inputNames } from '../graph/index.js';
import type { Engine } from './engine.js';
import type { Axes3, NetworkPlan } from './network-plan.js';
import { unet } from './unet.js';
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
  const g = new Graph();
  const shape = [1, plan.inputChannels, ...patchShape];
  const [logits] = unet(g, plan, g.input('image', shape), (name, of) => g.input(name, of));
  // The outputs of lower resolutions only serve training.
  const needed = new Set(inputNames([logits]));
  const state = Object.fromEntries([...weights].filter(([name]) => needed.has(name)));
  const session = await engine.load({ logits }, state);
  return {
    async predict(patch) {
      const { logits } = await session.run({ image: { shape, data: patch } }, ['logits']);
      return logits.data as Float32Array;
    },
    release: () => session.release(),
  };
}
