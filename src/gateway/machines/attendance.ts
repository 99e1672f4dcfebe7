import type { WorkerStatus } from '../job-place.js';

/** A worker, as it stands in the table of workers. */
export interface WorkerRow {
  readonly id: string;
  readonly machine: string;
  readonly version: string;
  readonly slots: number;
  /** Names of the attempts at jobs that it has. */
  readonly tickets: readonly string[];
  /** Goes up as long as it is there. */
  readonly beats: string;
}

/**
 * Which workers are there: those whose beats went on within some time. By our own clock, between
 * looks that succeeded: clocks of other machines, and a database that was away, make nobody absent.
 */
export class Attendance {
  readonly #lostMs: number;
  readonly #seen = new Map<string, { row: WorkerRow; sinceMs: number }>();

  constructor(lostMs: number) {
    this.#lostMs = lostMs;
  }

  /** What the table says now; those that are not in it have left. */
  look(rows: readonly WorkerRow[], nowMs: number): void {
    const left = new Set(this.#seen.keys());
    for (const row of rows) {
      left.delete(row.id);
      const before = this.#seen.get(row.id);
      const sinceMs = before?.row.beats === row.beats ? before.sinceMs : nowMs;
      this.#seen.set(row.id, { row, sinceMs });
    }
    for (const id of left) this.#seen.delete(id);
  }

  /** The table could not be read meanwhile: all have their time anew. */
  startAnew(nowMs: number): void {
    for (const [id, { row }] of this.#seen) this.#seen.set(id, { row, sinceMs: nowMs });
  }

  present(nowMs: number): WorkerRow[] {
    return [...this.#seen.values()]
      .filter(({ sinceMs }) => nowMs - sinceMs < this.#lostMs)
      .map(({ row }) => row);
  }
}

export const workerStatus = ({ machine, version, slots, tickets }: WorkerRow): WorkerStatus => ({
  machine,
  version,
  running: tickets.length,
  slots,
});
