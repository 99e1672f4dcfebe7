import type { Server } from 'node:http';
import type { Run } from '../run.js';
import { WorkerPool } from '../workers.js';
import type { Archive } from './archive/archive.js';
import { dicomwebArchive } from './archive/dicomweb-archive.js';
import { dimseArchive } from './archive/dimse-archive.js';
import { Backoff } from './backoff.js';
import { clearOld } from './clearing.js';
import type { GatewayConfig } from './config.js';
import { serveControls } from './control.js';
import { Deliverer } from './deliverer.js';
import { EarlierExams } from './earlier-exams.js';
import { imageSink } from './image-sink.js';
import { Intake } from './intake.js';
import { dawsonSteps, type JobSteps } from './job.js';
import { type JobPlace, jobsHere } from './job-place.js';
import { JobRunner } from './job-runner.js';
import { Journal } from './journal.js';
import { HandedOutJobs } from './machines/handed-out-jobs.js';
import { type MachineTimes, usualTimes } from './machines/times.js';
import { Metrics } from './metrics.js';
import { servePage } from './page-server.js';
import { Pollers } from './polls/pollers.js';
import { type JobRow, Queue } from './queue.js';
import { listenForExams } from './receiver.js';
import { clearUnfinished, freeGiB, openStateFolder, type StatePaths } from './state-folder.js';
import { type GatewayStatus, statusOf } from './status.js';
import type { Surroundings } from './surroundings.js';
import { versionOfStudy } from './version-of-study.js';
import { WatchedFolders } from './watched-folders.js';

/** What a gateway does in its own way in tests, which have no minute for each job. */
export interface GatewayParts {
  /** How the result of an exam is made. */
  readonly steps: JobSteps;
  /** How long a failed job or delivery waits for its second attempt. */
  readonly firstWaitMs: number;
  readonly times: MachineTimes;
  /** Where the lines of the log go. */
  readonly write?: (line: string) => void;
}

const usualParts: GatewayParts = {
  steps: dawsonSteps,
  firstWaitMs: 10_000,
  times: usualTimes,
};
const lookMs = 200;
const clearMs = 10 * 60_000;

/**
 * Runs a gateway until `signal` stops it: exams that come are analysed, and their results delivered.
 * What is under way when the process ends, in whatever way, is taken up by the next one.
 * @throws DawsonError where it cannot start, or go on: a port is taken, the state belongs to another
 *   gateway.
 */
export async function runGateway(
  config: GatewayConfig,
  signal: AbortSignal,
  parts: Partial<GatewayParts> = {},
): Promise<void> {
  const paths = await openStateFolder(config.state);
  const gateway = new Gateway(config, paths, { ...usualParts, ...parts });
  try {
    await gateway.start();
    await new Promise<void>((resolve, reject) => {
      gateway.mustEnd = reject;
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
  } finally {
    await gateway.stop();
  }
}

/** The parts of a gateway, and what ends them again, in the order in which they were begun. */
class Gateway {
  /** Ends it for a reason that lies outside. */
  mustEnd: (error: Error) => void = () => {};
  readonly #config: GatewayConfig;
  readonly #paths: StatePaths;
  readonly #parts: GatewayParts;
  readonly #metrics = new Metrics();
  readonly #ends: (() => unknown)[] = [];
  readonly #startedMs = performance.now();
  #working?: Working;
  #place?: JobPlace;

  constructor(config: GatewayConfig, paths: StatePaths, parts: GatewayParts) {
    this.#config = config;
    this.#paths = paths;
    this.#parts = parts;
  }

  async start(): Promise<void> {
    const config = this.#config;
    const paths = this.#paths;
    const metrics = this.#metrics;
    const { firstWaitMs, write } = this.#parts;
    // First, since it is the lock of all that follows.
    const controls = await serveControls(paths.control, {
      status: () => this.#status(),
      retry: (job) => this.#working?.retry(job) ?? false,
      cancel: (job) => this.#working?.cancel(job) ?? false,
    });
    this.#ends.push(() => closed(controls));
    await clearUnfinished(paths);
    const journal = new Journal(paths.audit, write);
    this.#ends.push(() => journal.close());
    // Before the queue is opened: it is a lock too, where the state is on a disk of several machines.
    const place = await this.#jobPlace(journal);
    this.#ends.push(() => place.end());
    const queue = new Queue(paths.queue);
    this.#ends.push(() => queue.close());
    const pool = new WorkerPool(2);
    this.#ends.push(() => pool.close());
    const intake = new Intake(paths, queue, config.limits, { pool });
    await intake.resume();
    const backoff = new Backoff(firstWaitMs);
    const wake = () => this.#working?.look();
    const around = { config, paths, queue, journal, metrics, backoff, wake };
    const archive = archiveOf(config, paths, intake, metrics);
    const run: Run = { pool, stage: (_name, work) => work(() => {}) };
    const earlierExams = new EarlierExams({ ...around, intake, archive, run });
    const jobs = new JobRunner({ ...around, place, earlierExams, run });
    const deliveries = new Deliverer(around);
    this.#working = new Working(around, intake, jobs, deliveries);
    this.#ends.push(() => Promise.all([jobs.stop(), deliveries.stop(), earlierExams.stop()]));
    this.#ends.push(() => this.#working?.stop());
    if (config.receiver) {
      const receiver = await listenForExams({
        ...{ config: config.receiver, limits: config.limits, paths, intake, journal, metrics },
        committed: (title, report) => deliveries.committed(title, report),
      });
      this.#ends.push(receiver.end);
    }
    const watched = new WatchedFolders(config.folders, paths, intake, journal, metrics);
    watched.start();
    this.#ends.push(() => watched.stop());
    const pollers = new Pollers({ ...around, intake });
    pollers.start();
    this.#ends.push(() => pollers.stop());
    if (config.page) {
      const page = await servePage(config.page.port, metrics, () => this.#status());
      this.#ends.push(() => closed(page));
    }
    jobs.resume();
    this.#working.start();
    journal.audit('gateway started');
    this.#ends.push(() => journal.audit('gateway stopped'));
  }

  async stop(): Promise<void> {
    for (const end of this.#ends.reverse()) await end();
  }

  async #jobPlace(journal: Journal): Promise<JobPlace> {
    const [config, paths] = [this.#config, this.#paths];
    const { steps, times } = this.#parts;
    const mustEnd = (error: Error) => this.mustEnd(error);
    this.#place =
      config.queue === undefined
        ? jobsHere(config, paths, steps, journal)
        : await HandedOutJobs.begin({ config, paths, journal, times, mustEnd });
    return this.#place;
  }

  async #status(): Promise<GatewayStatus> {
    const working = this.#working;
    if (!working) throw new Error('it is starting');
    return statusOf(working.queue, {
      arriving: working.intake.unqueued,
      full: await working.intake.fullBecause(),
      stalled: this.#place?.stalled,
      workers: this.#place?.workers,
      freeGiB: await freeGiB(this.#paths.arriving),
      upSeconds: (performance.now() - this.#startedMs) / 1000,
    });
  }
}

/** Where earlier exams are looked for; undefined where nothing is configured. */
function archiveOf(
  { earlierExams, limits }: GatewayConfig,
  { arriving }: StatePaths,
  intake: Intake,
  metrics: Metrics,
): Archive | undefined {
  const archive = earlierExams?.archive;
  if (archive?.kind !== 'dicomweb') return archive && dimseArchive(archive);
  const arrival = { priority: 'routine', fetched: true } as const;
  return dicomwebArchive(archive, imageSink(arriving, limits, { intake, metrics }, arrival));
}

type Around = Surroundings;

/** What goes on while a gateway runs: exams become jobs, jobs results, results deliveries. */
class Working {
  readonly queue: Queue;
  readonly intake: Intake;
  readonly #around: Around;
  readonly #jobs: JobRunner;
  readonly #deliveries: Deliverer;
  readonly #timers: NodeJS.Timeout[] = [];
  #versioning: Promise<void> | undefined;
  #stopped = false;

  constructor(around: Around, intake: Intake, jobs: JobRunner, deliveries: Deliverer) {
    this.queue = around.queue;
    this.intake = intake;
    this.#around = around;
    this.#jobs = jobs;
    this.#deliveries = deliveries;
  }

  start(): void {
    this.#timers.push(
      setInterval(() => this.look(), lookMs),
      setInterval(() => this.#clear(), clearMs),
    );
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) clearInterval(timer);
    await this.#versioning;
  }

  /** Looks what there is to do, and begins it. */
  look(): void {
    if (this.#stopped) return;
    try {
      this.#versioning ??= this.#versionsOfQuietStudies().finally(() => {
        this.#versioning = undefined;
      });
      this.#jobs.beginDue();
      this.#deliveries.beginDue();
    } catch (error) {
      this.#around.journal.log('queue not read', { reason: (error as Error).message });
    }
  }

  retry(job: string): boolean {
    const { queue, backoff, journal } = this.#around;
    // What failed and waits for its time is tried now.
    const waited = backoff.forget(job);
    const changed = queue.retry(job) || waited;
    for (const { destination } of queue.deliveries(job)) backoff.forget(`${job} ${destination}`);
    if (changed) journal.audit('retry asked for', { job });
    return changed;
  }

  cancel(job: string): boolean {
    const changed = this.queue.cancel(job);
    this.#jobs.cancel(job);
    if (changed) this.#around.journal.audit('cancelled', { job });
    return changed;
  }

  async #versionsOfQuietStudies(): Promise<void> {
    const { config, paths, queue, journal } = this.#around;
    for (const [study, arriving] of [...this.intake.arriving]) {
      if (this.#stopped) return;
      if (performance.now() - arriving.lastMs < 1000 * config.quietSeconds) continue;
      // Until it is whole it is no exam.
      if (queue.study(study)?.fetched === 2) continue;
      // What comes from here on opens it again.
      this.intake.arriving.delete(study);
      this.intake.becomingJobs.add(study);
      try {
        const made = ({ id, version, instances }: JobRow) =>
          journal.audit('exam complete', { job: id, study, studyVersion: version, instances });
        await versionOfStudy({ study, isSent: arriving.isSent }, paths, queue, config.jobs, made);
        if (!this.#stopped) this.#jobs.beginDue();
      } catch (error) {
        journal.log('exam not queued', { study, reason: (error as Error).message });
        this.intake.reopen(study, arriving);
      } finally {
        this.intake.becomingJobs.delete(study);
      }
    }
  }

  #clear(): void {
    const { config, paths, queue, journal } = this.#around;
    clearOld(config, paths, queue, journal, (study) => this.intake.isAtWork(study)).catch(
      (error: Error) => journal.log('not cleared', { reason: error.message }),
    );
  }
}

/** Ends a server with its connections. */
function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
