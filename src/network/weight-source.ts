import type { Value } from '../graph/index.js';

/** Gives the value that holds a weight; called once for each weight, in the order of the layers. */
export type WeightSource = (name: string, shape: readonly number[]) => Value;
