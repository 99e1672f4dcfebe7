export { Engine, nextOf, type Session } from './engine.js';
export {
  type Device,
  devices,
  type EngineSettings,
  type Tensor,
  type Tensors,
} from './engine-messages.js';
export { network, weightShapes } from './network.js';
export {
  type CompactUnetPlan,
  compactArchitecture,
  compactNetworkClass,
  divisorOf,
  importedFields,
  levelsOf,
  type NetworkPlan,
  networkPlanOf,
  type UnetPlan,
  usualLayers,
  usualSliceLayers,
} from './network-plan.js';
export { costOfPrediction, loadPredictor, type Predictor } from './predictor.js';
export { sigmoid, softmax } from './softmax.js';
export type { WeightSource } from './weight-source.js';
export { initialWeights, readWeights, requireWeights, type Weights } from './weights.js';
