export { canConvolveUpsampled, convolveUpsampled } from './convolve-upsampled.js';
export { costOf, type GraphCost } from './cost.js';
export * from './expressions.js';
export { fastConvolutions } from './fast-convolutions.js';
export { gradients } from './gradients.js';
export { Graph, inputNames, neededFor } from './graph.js';
export { operators } from './operators.js';
export { upsample } from './phases.js';
export { preciseNorms } from './precise-norms.js';
export { printGraph } from './print.js';
export { toOnnx } from './serialize.js';
export {
  bytesOf,
  type ElementType,
  type Emitter,
  elementsOf,
  type OperatorName,
  operatorNames,
  type TensorType,
  type Value,
} from './value.js';
