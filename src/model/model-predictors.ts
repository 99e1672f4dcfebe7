import { basename } from 'node:path';
import {
  type Engine,
  loadPredictor,
  type Predictor,
  readWeights,
  type Weights,
} from '../network/index.js';
import type { ModelFolder } from './model-folder.js';
import type { Predict } from './sliding-window.js';

/**
 * The weights of a model's first fold.
 * @throws DawsonError `bad-model` for weights that its card does not name or that do not fit its plans.
 */
export const firstFoldOf = ({ weights: [file], network, files }: ModelFolder): Promise<Weights> =>
  readWeights(file, network, files[basename(file)].sha256);

/** The networks of a model's folds. */
export interface ModelPredictors {
  readonly folds: readonly Predict[];
  /** Loads the first of them, so that what is wrong is known before the long work. */
  loadFirst(): Promise<void>;
  /** Gives the memory of the network that is loaded back. */
  release(): Promise<void>;
}

/**
 * The folds of a model as networks. Each is loaded when it is first asked, in the place of the one
 * before: one at a time is in memory. Asked in turn for single patches, they would be loaded over
 * and over; `slideWindow` takes one after the other. Calls must not overlap.
 * @param keep hold all folds that were loaded, for several cases; their weights take memory together
 * @throws DawsonError (from a fold's first call) `bad-model` for weights that do not fit the plans;
 *   what the engine throws.
 */
export function predictorsOf(
  { weights, network, model, files }: ModelFolder,
  engine: Engine,
  { keep = false }: { readonly keep?: boolean } = {},
): ModelPredictors {
  const loaded = new Map<string, Predictor>();
  const release = async () => {
    const predictors = [...loaded.values()];
    loaded.clear();
    for (const predictor of predictors) await predictor.release();
  };
  const load = async (file: string): Promise<Predictor> => {
    const known = loaded.get(file);
    if (known) return known;
    if (!keep) await release();
    const tensors = await readWeights(file, network, files[basename(file)].sha256);
    const predictor = await loadPredictor(engine, network, tensors, model.plan.patchShape);
    loaded.set(file, predictor);
    return predictor;
  };
  const folds = weights.map(
    (file): Predict =>
      async (patch) =>
        (await load(file)).predict(patch),
  );
  const loadFirst = async () => {
    await load(weights[0]);
  };
  return { folds, loadFirst, release };
}
