import type { Backoff } from './backoff.js';
import type { GatewayConfig } from './config.js';
import type { Journal } from './journal.js';
import type { Metrics } from './metrics.js';
import type { Queue } from './queue.js';
import type { StatePaths } from './state-folder.js';

/** What the parts of a gateway that work off its queue share. */
export interface Surroundings {
  readonly config: GatewayConfig;
  readonly paths: StatePaths;
  readonly queue: Queue;
  readonly journal: Journal;
  readonly metrics: Metrics;
  readonly backoff: Backoff;
  /** Is called when there may be something to do. */
  readonly wake: () => void;
}
