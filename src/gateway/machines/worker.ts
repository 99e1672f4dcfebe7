import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { isThere } from '../../formats/open-file.js';
import { version } from '../../version.js';
import type { GatewayConfig } from '../config.js';
import { dawsonSteps, type JobSteps, runJob } from '../job.js';
import { jobInput, type RunOutcome } from '../job-place.js';
import { lineOf } from '../journal.js';
import { type StatePaths, statePaths } from '../state-folder.js';
import { type Database, type DatabaseConfig, databaseReason, openDatabase } from './database.js';
import { isJobName, queueOf, readOrder } from './order.js';
import { pgBossName } from './pg-boss-queue.js';
import { longestSilenceMs, type MachineTimes, usualTimes } from './times.js';

/** What a worker does in its own way in tests, which have no minute for each job. */
export interface WorkerParts {
  readonly steps: JobSteps;
  readonly times: MachineTimes;
  /** Where the lines of the log go. */
  readonly write: (line: string) => void;
}

const usualParts: WorkerParts = {
  steps: dawsonSteps,
  times: usualTimes,
  write: (line) => void process.stdout.write(line),
};

/**
 * Takes jobs of a gateway from the queue in its PostgreSQL, runs them, and says how they ended, until
 * `signal` stops it. Images come from the gateway's folder of jobs, and results go there.
 */
export async function runWorker(
  config: GatewayConfig & DatabaseConfig,
  signal: AbortSignal,
  parts: Partial<WorkerParts> = {},
): Promise<void> {
  const worker = new Worker(config, { ...usualParts, ...parts });
  await worker.workUntil(signal);
}

interface HeldJob {
  readonly job: string;
  readonly controller: AbortController;
  /** How it ended, until that is written down; undefined while it runs. */
  outcome?: RunOutcome;
}

class Worker {
  readonly #config: GatewayConfig & DatabaseConfig;
  readonly #paths: StatePaths;
  readonly #parts: WorkerParts;
  readonly #id = randomUUID();
  /** By tickets. */
  readonly #held = new Map<string, HeldJob>();
  readonly #running = new Set<Promise<void>>();
  #database?: Database;
  #queue?: string;
  #lastBeatMs = Number.NEGATIVE_INFINITY;
  #said?: string;

  constructor(config: GatewayConfig & DatabaseConfig, parts: WorkerParts) {
    this.#config = config;
    this.#paths = statePaths(config.state);
    this.#parts = parts;
  }

  async workUntil(signal: AbortSignal): Promise<void> {
    const { lookMs } = this.#parts.times;
    const silence = setInterval(() => this.#stopWhenSilent(), lookMs);
    this.#log('worker started', { version });
    try {
      while (!signal.aborted) {
        await this.#look();
        await wait(lookMs, undefined, { signal }).catch(() => {});
      }
      for (const { controller } of this.#held.values()) controller.abort();
      await Promise.all(this.#running);
      await this.#leave();
    } finally {
      clearInterval(silence);
      await this.#database?.close();
      this.#log('worker stopped');
    }
  }

  #log(event: string, fields: Parameters<typeof lineOf>[1] = {}): void {
    this.#parts.write(lineOf(event, { machine: hostname(), ...fields }));
  }

  /** Says what keeps it from working, once. */
  #waitsFor(reason: string | undefined): void {
    if (reason !== undefined && reason !== this.#said) this.#log('worker waits', { reason });
    if (reason === undefined && this.#said !== undefined) this.#log('worker goes on');
    this.#said = reason;
  }

  async #look(): Promise<void> {
    try {
      this.#database ??= await openDatabase(this.#config);
      const isBeatDue = performance.now() - this.#lastBeatMs >= this.#parts.times.beatMs;
      if (isBeatDue) await this.#beat(this.#database);
      await this.#report(this.#database);
      if (this.#queue !== undefined) await this.#take(this.#database, this.#queue);
      this.#waitsFor(
        this.#queue === undefined
          ? `no folder of jobs of a gateway at ${this.#paths.jobs}`
          : undefined,
      );
    } catch (error) {
      this.#waitsFor(`the database of the queue is away: ${databaseReason(error)}`);
      const database = this.#database;
      this.#database = undefined;
      await database?.close();
    }
  }

  /** Says that it is there and what it has, and stops what it is not to have any more. */
  async #beat(database: Database): Promise<void> {
    const startMs = performance.now();
    const queue = await queueOf(this.#paths);
    if (this.#held.size === 0) this.#queue = queue;
    if (this.#queue === undefined) return;
    await database.query(
      `insert into dawson.gateway_workers (id, queue, version, machine, slots, tickets, beats)
       values ($1, $2, $3, $4, $5, $6, 1) on conflict (id) do update
       set queue = excluded.queue, slots = excluded.slots, tickets = excluded.tickets,
         beats = gateway_workers.beats + 1, seen = now()`,
      // Without its folder it still has its jobs, but takes no others.
      [
        ...[this.#id, this.#queue, version, hostname()],
        ...[queue === this.#queue ? this.#config.jobs.atOnce : 0, [...this.#held.keys()]],
      ],
    );
    this.#lastBeatMs = startMs;
    for (const [ticket, { controller }] of this.#held) {
      const found = await database.boss.getJobById(pgBossName(this.#queue), ticket);
      if (found?.state !== 'active') controller.abort();
    }
  }

  /** A job may have been begun elsewhere by now. */
  #stopWhenSilent(): void {
    const silentMs = performance.now() - this.#lastBeatMs;
    if (silentMs < longestSilenceMs(this.#parts.times)) return;
    for (const { controller } of this.#held.values()) controller.abort();
  }

  /** Writes down how jobs ended; what is not written down yet is not forgotten. */
  async #report(database: Database): Promise<void> {
    const ended = [...this.#held].filter(([, { outcome }]) => outcome !== undefined);
    for (const [ticket, { job, outcome }] of ended) {
      if (!outcome) continue;
      await database.boss.complete(pgBossName(this.#queue!), ticket, {
        ...outcome,
        machine: hostname(),
      });
      this.#held.delete(ticket);
      const reason = 'reason' in outcome ? outcome.reason : undefined;
      this.#log('job ended', { job, outcome: outcome.kind, reason });
    }
    if (ended.length > 0) await this.#beat(database);
  }

  async #take(database: Database, queue: string): Promise<void> {
    const free = this.#config.jobs.atOnce - this.#held.size;
    if (free <= 0 || (await queueOf(this.#paths)) !== queue) return;
    const taken = await database.boss.fetch<{ job?: unknown }>(pgBossName(queue), {
      batchSize: free,
    });
    if (taken.length === 0) return;
    for (const { id, data } of taken) {
      const job = isJobName(data?.job) ? data.job : '';
      const outcome = { kind: 'stopped' } as const;
      this.#held.set(id, { job, controller: new AbortController(), outcome });
    }
    // The gateway knows who has them before they begin.
    await this.#beat(database);
    for (const { id } of taken) this.#begin(id);
  }

  #begin(ticket: string): void {
    const held = this.#held.get(ticket)!;
    held.outcome = undefined;
    this.#log('job begun', { job: held.job });
    const running = this.#run(held.job, held.controller.signal)
      .catch((error: Error): RunOutcome => ({ kind: 'may-pass', reason: error.message }))
      .then((outcome) => {
        held.outcome = outcome;
        this.#running.delete(running);
      });
    this.#running.add(running);
  }

  async #run(job: string, signal: AbortSignal): Promise<RunOutcome> {
    if (signal.aborted) return { kind: 'stopped' };
    const { jobs } = this.#config;
    const { language, paper, rules, ...order } = await readOrder(this.#paths, job);
    const input = jobInput(this.#paths, job, order);
    const steps = this.#parts.steps(input, { ...jobs, language, paper, rules });
    const outcome = await runJob(steps, jobs, signal);
    // Images that went away with their folder say nothing of the exam.
    if (outcome.kind === 'final' && !(await isThere(this.#paths.order(job)))) {
      return { kind: 'may-pass', reason: 'The folder of the job went away.' };
    }
    return outcome;
  }

  async #leave(): Promise<void> {
    try {
      if (!this.#database) return;
      await this.#report(this.#database);
      await this.#database.query('delete from dawson.gateway_workers where id = $1', [this.#id]);
    } catch {
      // Its silence says the same, later.
    }
  }
}
