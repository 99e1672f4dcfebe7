import { readFileSync } from 'node:fs';
import { parseSafetensors, type WeightTensor } from '../../src/formats/safetensors.js';
import {
  type NetworkPlan,
  networkPlanOf,
  type Weights,
  weightShapes,
} from '../../src/network/index.js';

/** The networks of test/goldens/network/make.py, with its formulas for weights, images and labels. */

type Triple = readonly [number, number, number];

interface GoldenCase {
  readonly architecture: unknown;
  readonly patch: Triple;
  readonly loss: 'dice-and-cross-entropy' | 'dice' | 'tversky';
  readonly batch_dice: boolean;
  readonly optimiser: 'sgd' | 'adamw';
  readonly clip: number;
  readonly losses: readonly number[];
}

const folder = new URL('../goldens/network/', import.meta.url);
const description: { readonly cases: Readonly<Record<string, GoldenCase>> } = JSON.parse(
  readFileSync(new URL('cases.json', folder), 'utf8'),
);
export const goldenNames = Object.keys(description.cases);
export const batchSize = 2;

export function goldenNetwork(name: string) {
  const golden = description.cases[name];
  const plans = { configurations: { golden: { architecture: golden.architecture } } };
  const sizes = { inputChannels: 2, classes: 3 };
  const plan = networkPlanOf(plans, 'golden', sizes, 'cases.json');
  const { tensors } = parseSafetensors(readFileSync(new URL(`${name}.safetensors`, folder)), name);
  return { ...golden, plan, tensors, weights: goldenWeights(plan) };
}

export function goldenWeights(plan: NetworkPlan): Weights {
  const shapes = [...weightShapes(plan)].sort(([a], [b]) => (a < b ? -1 : 1));
  return new Map(
    shapes.map(([name, shape], seed): [string, WeightTensor] => {
      const perOutput = shape.slice(1).reduce((product, n) => product * n, 1);
      const count = shape[0] * perOutput;
      const data = Float32Array.from({ length: count }, (_, i) => {
        const value = Math.fround(Math.sin(12.9898 * (i + 1) + 78.233 * (seed + 1)));
        if (shape.length === 5) return value * Math.sqrt(2 / perOutput) * 1.2;
        return name.endsWith('norm.weight') ? 1 + 0.2 * value : 0.1 * value;
      });
      return [name, { shape, data }];
    }),
  );
}

export function goldenBatch(patch: Triple, step: number) {
  const voxels = patch[0] * patch[1] * patch[2];
  const image = new Float32Array(batchSize * 2 * voxels);
  const labels = new Uint8Array(batchSize * voxels);
  const { sin, cos } = Math;
  for (let sample = 0; sample < batchSize; sample++) {
    const phase = 0.7 * sample + 0.3 * step;
    for (let at = 0; at < voxels; at++) {
      // A single slice lies in the middle.
      const d = patch[0] === 1 ? 0.5 : Math.floor(at / (patch[1] * patch[2])) / patch[0];
      const h = (Math.floor(at / patch[2]) % patch[1]) / patch[1];
      const w = (at % patch[2]) / patch[2];
      image[2 * sample * voxels + at] = sin(6 * d + 4 * h + phase) + cos(5 * w - phase);
      image[(2 * sample + 1) * voxels + at] = cos(3 * d - 5 * h + 2 * phase) * sin(4 * w + phase);
      const distance =
        (d - 0.5) ** 2 + (h - 0.4 - 0.1 * sample) ** 2 + (w - 0.5 + 0.05 * step) ** 2;
      labels[sample * voxels + at] = (distance < 0.15 ? 1 : 0) + (distance < 0.06 ? 1 : 0);
    }
  }
  return { image, labels };
}

const normOf = (values: ArrayLike<number>) => Math.hypot(...Array.from(values));

/** Norm of the difference, relative to that of the expected values but not less than `floor`. */
export function relativeError(found: ArrayLike<number>, expected: ArrayLike<number>, floor = 0) {
  const difference = Array.from(expected, (value, i) => found[i] - value);
  if (found.length !== expected.length) return Number.NaN;
  return normOf(difference) / Math.max(normOf(expected), floor);
}
