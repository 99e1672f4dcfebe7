import type { JobFailure } from './job.js';

/** Where commands run. An engine is told what to run, and knows nothing of what for. */
export interface Engine {
  /**
   * Runs one command of Dawson's to its end.
   * @returns why it failed, or nothing where it did not; never throws for a command that fails.
   * @throws the signal's reason, when the command has ended.
   */
  run(command: readonly string[], signal?: AbortSignal): Promise<JobFailure | undefined>;
}
