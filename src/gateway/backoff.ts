const longestWaitMs = 15 * 60_000;

/**
 * When what failed is tried again: after a first wait, and twice as long after each later failure. By
 * {@link performance.now}, so that a clock that is set does not matter; after a start all is tried at
 * once.
 */
export class Backoff {
  readonly #firstWaitMs: number;
  readonly #waiting = new Map<string, { failures: number; untilMs: number }>();

  constructor(firstWaitMs: number) {
    this.#firstWaitMs = firstWaitMs;
  }

  isDue(key: string): boolean {
    return performance.now() >= (this.#waiting.get(key)?.untilMs ?? 0);
  }

  failed(key: string): void {
    const failures = this.#waiting.get(key)?.failures ?? 0;
    const waitMs = Math.min(longestWaitMs, this.#firstWaitMs * 2 ** Math.min(failures, 30));
    this.#waiting.set(key, { failures: failures + 1, untilMs: performance.now() + waitMs });
  }

  /** @returns whether it waited for its time */
  forget(key: string): boolean {
    const waited = !this.isDue(key);
    this.#waiting.delete(key);
    return waited;
  }
}
