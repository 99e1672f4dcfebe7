export { Engine, nextOf, type Session } from './engine.js';
export {
  type Device,
  devices,
  type EngineSettings,
  type Tensor,
  type Tensors,
} from './engine-messages.js';
export { divisorOf, type NetworkPlan, networkPlanOf } from './network-plan.js';
export { loadPredictor, type Predictor } from './predictor.js';
export { unet, type WeightSource, weightShapes } from './unet.js';
export { initialWeights, readWeights, requireWeights, type Weights } from './weights.js';
