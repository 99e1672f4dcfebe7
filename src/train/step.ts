import { add, Graph, gradients, inputNames, scale, type Value } from '../graph/index.js';
import {
  type Engine,
  type NetworkPlan,
  network,
  nextOf,
  type Session,
  type Tensor,
  type Tensors,
  type Weights,
} from '../network/index.js';
import type { Axes3 } from '../volume/arrays.js';
import { deepLoss, type LossSettings, truthAt } from './loss.js';
import { clipped, type OptimiserName, optimisers } from './optimiser.js';

/** All that a training step depends on beside the network. */
export interface StepSettings {
  readonly batchSize: number;
  readonly patchShape: Axes3;
  readonly loss: LossSettings;
  /** One for each resolution of the decoder, the full one first. */
  readonly levelWeights: readonly number[];
  readonly optimiser: OptimiserName;
  readonly weightDecay: number;
  /** Largest norm of all gradients together. */
  readonly clipNorm: number;
  /**
   * Where given, a running average of the weights is kept beside them, in which this is the share of
   * the old average at each step (Polyak and Juditsky 1992); validation uses it.
   */
  readonly averageDecay?: number;
}

/** A batch as the step takes it. */
export interface StepInput {
  /** [batchSize, channels, ...patchShape]. */
  readonly image: Float32Array;
  /** [batchSize, ...patchShape], classes. */
  readonly labels: Uint8Array;
  /** [batchSize, ...patchShape], how much the cross-entropy of each counts; where the loss weighs voxels. */
  readonly voxelWeights?: Float32Array;
}

/** The step as a graph: outputs by name, among them the next state. */
export function trainingGraph(
  plan: NetworkPlan,
  settings: StepSettings,
): Readonly<Record<string, Value>> {
  const g = new Graph();
  const { image, labels } = inputsOf(g, plan, settings);
  const weights: { name: string; value: Value }[] = [];
  const logits = network(g, plan, image, (name, shape) => {
    const value = g.input(name, shape);
    weights.push({ name, value });
    return value;
  });
  const { batchSize, patchShape, levelWeights } = settings;
  const voxelWeights = settings.loss.weighsVoxels
    ? g.input('voxel weights', [batchSize, 1, ...patchShape])
    : undefined;
  const loss = deepLoss(g, settings.loss, logits, labels, levelWeights, voxelWeights);
  const found = gradients(
    g,
    loss,
    weights.map(({ value }) => value),
  );
  // A resolution without weight in the loss leaves the weights of its output as they are.
  const trained = weights.flatMap((weight, i) => {
    const gradient = found[i];
    return gradient ? [{ ...weight, gradient }] : [];
  });
  const { gradients: bounded, norm } = clipped(
    g,
    trained.map(({ gradient }) => gradient),
    settings.clipNorm,
  );
  const optimiser = optimisers[settings.optimiser];
  const scalars = Object.fromEntries(
    Object.keys(optimiser.scalars(0, 0)).map((name) => [name, g.input(name, [])]),
  ) as Record<keyof ReturnType<typeof optimisers.adamw.scalars>, Value>;
  const outputs: Record<string, Value> = { loss, norm };
  for (const [i, { name, value }] of trained.entries()) {
    const memory = optimiser.memory.map((kept) => g.input(memoryName(kept, name), value.shape));
    const next = optimiser.update(
      g,
      { weight: value, gradient: bounded[i], memory },
      scalars,
      settings.weightDecay,
    );
    outputs[nextOf(name)] = next.weight;
    for (const [k, kept] of optimiser.memory.entries()) {
      outputs[nextOf(memoryName(kept, name))] = next.memory[k];
    }
    if (settings.averageDecay === undefined) continue;
    const average = g.input(averageName(name), value.shape);
    outputs[nextOf(averageName(name))] = add(
      g,
      scale(g, average, settings.averageDecay),
      scale(g, next.weight, 1 - settings.averageDecay),
    );
  }
  return outputs;
}

/**
 * The network with its loss, in which each voxel counts as 1, without training: and for each class the voxels found
 * rightly, in excess, and missed (`hits`, `excess`, `missed`), over the whole batch.
 */
export function validationGraph(
  plan: NetworkPlan,
  settings: StepSettings,
): Readonly<Record<string, Value>> {
  const g = new Graph();
  const { image, labels } = inputsOf(g, plan, settings);
  const evaluated = settings.averageDecay === undefined ? (name: string) => name : averageName;
  const logits = network(g, plan, image, (name, shape) => g.input(evaluated(name), shape));
  const loss = deepLoss(g, settings.loss, logits, labels, settings.levelWeights);
  const truth = truthAt(g, labels, logits[0]);
  const highest = g.op('ReduceMax', [logits[0]], { axes: [1], keepdims: 1 });
  const found = g.op('Cast', [g.op('Equal', [logits[0], highest])]);
  const one = g.constant(Float32Array.of(1), []);
  const count = (a: Value, b: Value) =>
    g.op('ReduceSum', [g.op('Mul', [a, b])], { axes: [0, 2, 3, 4], keepdims: 0 });
  const not = (a: Value) => g.op('Sub', [one, a]);
  return {
    loss,
    hits: count(found, truth),
    excess: count(found, not(truth)),
    missed: count(not(found), truth),
  };
}

function inputsOf(g: Graph, plan: NetworkPlan, { batchSize, patchShape }: StepSettings) {
  return {
    image: g.input('image', [batchSize, plan.inputChannels, ...patchShape]),
    labels: g.input('labels', [batchSize, 1, ...patchShape], 'uint8'),
  };
}

export const memoryName = (kept: string, weight: string): string => `${kept} of ${weight}`;
export const averageName = (weight: string): string => memoryName('average', weight);

/** Weights, what the optimiser remembers of them at the start, which is nothing, and their average. */
export function initialState(
  weights: Weights,
  { optimiser, averageDecay }: Pick<StepSettings, 'optimiser' | 'averageDecay'>,
): Tensors {
  const state: Record<string, Tensor> = {};
  for (const [name, { shape, data }] of weights) {
    state[name] = { shape, data };
    if (averageDecay !== undefined) state[averageName(name)] = { shape, data: data.slice() };
    for (const kept of optimisers[optimiser].memory) {
      state[memoryName(kept, name)] = { shape, data: new Float32Array(data.length) };
    }
  }
  return state;
}

/** What a batch says about the network as it is. */
export interface Validation {
  readonly loss: number;
  /** Voxels of the batch found rightly, in excess, and missed, by class without the background. */
  readonly hits: readonly number[];
  readonly excess: readonly number[];
  readonly missed: readonly number[];
}

/** A network that is being trained. */
export interface Trainer {
  /** @param step from 0, over the whole run @returns the loss before the step */
  step(input: StepInput, step: number, learningRate: number): Promise<number>;
  validate(input: StepInput): Promise<Validation>;
  /** Weights and memory of the optimiser. */
  readState(): Promise<Tensors>;
}

/** Loads the training step. @throws DawsonError as {@link Engine} does. */
export async function loadTrainer(
  engine: Engine,
  plan: NetworkPlan,
  settings: StepSettings,
  state: Tensors,
): Promise<Trainer> {
  const graph = trainingGraph(plan, settings);
  const isUsed = new Set(inputNames(Object.values(graph)));
  const part = (used: boolean) =>
    Object.fromEntries(Object.entries(state).filter(([name]) => isUsed.has(name) === used));
  const unused = part(false);
  const session = await engine.load(graph, part(true));
  let validation: Promise<Session> | undefined;
  return {
    async step(input, step, learningRate) {
      const scalars = optimisers[settings.optimiser].scalars(step, learningRate);
      const feeds: Record<string, Tensor> = { ...feedsOf(input, plan, settings) };
      if (settings.loss.weighsVoxels) {
        const { batchSize, patchShape } = settings;
        const data = input.voxelWeights;
        if (!data) throw new RangeError('the loss weighs voxels, and a batch has no weights');
        feeds['voxel weights'] = { shape: [batchSize, 1, ...patchShape], data };
      }
      for (const [name, value] of Object.entries(scalars)) {
        feeds[name] = { shape: [], data: Float32Array.of(value) };
      }
      const { loss } = await session.run(feeds, ['loss']);
      return loss.data[0];
    },
    async validate(input) {
      validation ??= session.loadBeside(validationGraph(plan, settings));
      const names = ['loss', 'hits', 'excess', 'missed'];
      const result = await (await validation).run(feedsOf(input, plan, settings), names);
      const foreground = (name: string) => [...result[name].data].slice(1);
      return {
        loss: result.loss.data[0],
        hits: foreground('hits'),
        excess: foreground('excess'),
        missed: foreground('missed'),
      };
    },
    readState: async () => ({ ...unused, ...(await session.readState()) }),
  };
}

/** The tensors of a batch under the names of the graphs' inputs. */
export function feedsOf(
  { image, labels }: StepInput,
  plan: NetworkPlan,
  { batchSize, patchShape }: StepSettings,
): Tensors {
  return {
    image: { shape: [batchSize, plan.inputChannels, ...patchShape], data: image },
    labels: { shape: [batchSize, 1, ...patchShape], data: labels },
  };
}
