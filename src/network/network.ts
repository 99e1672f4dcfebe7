import { type Emitter, Graph, type Value } from '../graph/index.js';
import { compactUnet } from './compact-unet.js';
import { divisorOf, type NetworkPlan } from './network-plan.js';
import { type Purpose, unet } from './unet.js';
import type { WeightSource } from './weight-source.js';

/**
 * A network as a graph.
 * @param image [batch, inputChannels, ...patch], the patch divisible by {@link divisorOf}
 * @returns logits [batch, classes, ...] of every resolution it gives, the full one first
 * @throws RangeError for an image of another shape.
 */
export function network(
  g: Emitter,
  plan: NetworkPlan,
  image: Value,
  weight: WeightSource,
  purpose: Purpose = 'training',
): Value[] {
  const divisor = divisorOf(plan);
  const fits = divisor.every((n, axis) => image.shape[2 + axis] % n === 0);
  if (image.shape.length !== 5 || image.shape[1] !== plan.inputChannels || !fits) {
    throw new RangeError(
      `image [${image.shape}]: expected ${plan.inputChannels} channels, and edges divisible by ${divisor}`,
    );
  }
  return plan.kind === 'compact'
    ? [compactUnet(g, plan, image, weight)]
    : unet(g, plan, image, weight, purpose);
}

/** Shapes of all weights by name, in the order of the layers. */
export function weightShapes(plan: NetworkPlan): Map<string, readonly number[]> {
  const g = new Graph();
  const shapes = new Map<string, readonly number[]>();
  const image = g.input('image', [1, plan.inputChannels, ...divisorOf(plan)]);
  network(g, plan, image, (name, shape) => {
    shapes.set(name, shape);
    return g.input(name, shape);
  });
  return shapes;
}
