export { type Check, checkGateway, checkWorker, isShared } from './check.js';
export { type GatewayConfig, readConfig } from './config.js';
export { askGateway } from './control.js';
export { exampleConfig } from './example-config.js';
export { type GatewayParts, runGateway } from './gateway.js';
export { runWorker, type WorkerParts } from './machines/worker.js';
export { statePaths } from './state-folder.js';
export type { GatewayStatus } from './status.js';
