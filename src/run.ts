import type { Progress, Stage } from './stage.js';
import { WorkerPool } from './workers.js';

/** How a piece of long work is run. */
export interface Run {
  /** The threads in which numeric work is done. */
  readonly pool: WorkerPool;
  /** Runs each named part of the work, and may show and time it. */
  readonly stage: Stage;
  /** Stops the work, which then fails with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Is told how much of the work is done, where that is counted. */
  readonly onProgress?: Progress;
}

/** As much of a {@link Run} as its caller cares about; without any, work is silent in threads of its own. */
export type RunOptions = Partial<Run>;

const silent: Stage = (_name, work) => work(() => {});

/**
 * Does work with what was given and the defaults for what was not; a pool made here ends with it.
 * @throws the signal's reason where it stopped the work before it began; what the work throws.
 */
export async function withRun<T>(options: RunOptions, work: (run: Run) => Promise<T>): Promise<T> {
  options.signal?.throwIfAborted();
  const { pool = new WorkerPool(), stage = silent } = options;
  try {
    return await work({ ...options, pool, stage });
  } finally {
    if (!options.pool) await pool.close();
  }
}

/**
 * {@link withRun} for work that leaves nothing behind: it fails at once when the signal stops it,
 * also while it reads a file or ends a thread, and what it was doing ends by itself.
 */
export function withRunStoppedAtOnce<T>(
  options: RunOptions,
  work: (run: Run) => Promise<T>,
): Promise<T> {
  return withRun(options, (run) => {
    const { signal } = run;
    if (!signal) return work(run);
    return new Promise<T>((resolve, reject) => {
      const stop = () => reject(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      work(run)
        .then(resolve, reject)
        .finally(() => signal.removeEventListener('abort', stop));
    });
  });
}
