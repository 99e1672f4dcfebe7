/** How workers and gateway keep an eye on each other. */
export interface MachineTimes {
  /** How often either looks for something to do. */
  readonly lookMs: number;
  /** How often a worker says that it is there. */
  readonly beatMs: number;
  /**
   * A worker that has not said so for as long is gone, and its jobs begin again elsewhere. It has
   * stopped them before: see {@link longestSilenceMs}.
   */
  readonly lostMs: number;
}

export const usualTimes: MachineTimes = { lookMs: 500, beatMs: 5000, lostMs: 60_000 };

/**
 * A worker that could not say for as long that it is there stops what it runs: by the time at which
 * it is taken for lost, and its jobs are begun elsewhere, they have ended.
 */
export const longestSilenceMs = ({ lostMs }: MachineTimes) => (2 / 3) * lostMs;
