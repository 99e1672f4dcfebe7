import { DawsonError } from '../../errors.js';
import { version } from '../../version.js';
import type { GatewayConfig } from '../config.js';
import type { JobPlace, JobRun, RunOutcome, StopReason, WorkerStatus } from '../job-place.js';
import type { Journal } from '../journal.js';
import type { StatePaths } from '../state-folder.js';
import { Attendance, type WorkerRow, workerStatus } from './attendance.js';
import { type Database, type DatabaseConfig, databaseReason, openDatabase } from './database.js';
import { ownQueue, writeOrder } from './order.js';
import { outcomeIn, pgBossName, sending } from './pg-boss-queue.js';
import type { MachineTimes } from './times.js';

interface HandedOut extends JobRun {
  readonly end: (outcome: RunOutcome) => void;
  isCancelled: boolean;
  /** The database knew of it. */
  wasKnown: boolean;
  /** A worker said that it had it. */
  wasHeld: boolean;
  /** Since when it is to be somewhere, and no worker that is there says that it has it. */
  straySinceMs?: number;
}

interface Around {
  readonly config: GatewayConfig;
  readonly paths: StatePaths;
  readonly journal: Journal;
  readonly times: MachineTimes;
  /** The gateway must end: another one has its queue. */
  readonly mustEnd: (error: Error) => void;
}

/** The next look after one that failed. */
const awayMs = 2000;
const betweenTriesMs = 250;

/**
 * Jobs are handed to workers on other machines by a PostgreSQL: each attempt is one job of pg-boss,
 * which is taken by one worker and never by a second one. All else that is known of jobs stays in the
 * gateway's own queue, so that a database that is away, or empty, loses nothing.
 */
export class HandedOutJobs implements JobPlace {
  readonly goOn = true;
  readonly #around: Around;
  readonly #queue: string;
  readonly #attendance: Attendance;
  readonly #runs = new Map<string, HandedOut>();
  #database?: Database;
  /** Why the database cannot be asked. */
  #away?: string;
  #timer?: NodeJS.Timeout;
  #look: Promise<void> = Promise.resolve();
  #ended = false;

  private constructor(around: Around, queue: string) {
    this.#around = around;
    this.#queue = queue;
    this.#attendance = new Attendance(around.times.lostMs);
  }

  /**
   * Begins, also where the database does not answer yet.
   * @throws DawsonError `output-exists` where another gateway has this queue.
   */
  static async begin(around: Around): Promise<HandedOutJobs> {
    const place = new HandedOutJobs(around, await ownQueue(around.paths));
    await place.#lookOnce();
    if (place.#ended) throw anotherGateway(around.paths);
    place.#lookAgain();
    return place;
  }

  get slots(): number {
    return this.#present()
      .filter((worker) => worker.version === version)
      .reduce((sum, { slots }) => sum + slots, 0);
  }

  get stalled(): string | undefined {
    if (this.#away !== undefined) return `the database of the queue is away: ${this.#away}`;
    return this.slots === 0 ? `no worker of version ${version} is there` : undefined;
  }

  get workers(): WorkerStatus[] {
    return this.#present().map(workerStatus);
  }

  run(run: JobRun, signal: AbortSignal): Promise<RunOutcome> {
    return new Promise((resolve) => {
      const end = (outcome: RunOutcome) => {
        this.#runs.delete(run.ticket);
        resolve(outcome);
      };
      const handedOut: HandedOut = {
        ...run,
        end,
        isCancelled: false,
        wasKnown: false,
        wasHeld: false,
      };
      const stop = () => {
        if ((signal.reason as StopReason) === 'cancelled') handedOut.isCancelled = true;
        else end({ kind: 'goes-on' });
      };
      this.#runs.set(run.ticket, handedOut);
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
    });
  }

  async end(): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#timer);
    await this.#look;
    await this.#database?.close();
  }

  #present(): WorkerRow[] {
    return this.#attendance.present(performance.now());
  }

  #lookAgain(): void {
    if (this.#ended) return;
    const waitMs = this.#away === undefined ? this.#around.times.lookMs : awayMs;
    this.#timer = setTimeout(() => {
      this.#look = this.#lookOnce().then(() => this.#lookAgain());
    }, waitMs);
  }

  async #lookOnce(): Promise<void> {
    const { journal } = this.#around;
    try {
      const wasOpen = this.#database !== undefined;
      const database = this.#database ?? (await this.#connected());
      this.#database = database;
      if (this.#ended) return;
      const rows = await database.query<WorkerRow>(
        'select * from dawson.gateway_workers where queue = $1',
        [this.#queue],
      );
      if (!wasOpen) this.#startAnew();
      this.#attendance.look(rows, performance.now());
      for (const run of [...this.#runs.values()]) await this.#follow(database, run);
      if (this.#away !== undefined) journal.log('database of the queue is back');
      this.#away = undefined;
    } catch (error) {
      const reason = databaseReason(error);
      if (this.#away !== reason) journal.log('database of the queue is away', { reason });
      this.#away = reason;
      await this.#dropDatabase();
    }
  }

  /** Nobody was seen while it was away, and nobody is lost for that. */
  #startAnew(): void {
    this.#attendance.startAnew(performance.now());
    for (const run of this.#runs.values()) run.straySinceMs = undefined;
  }

  async #connected(): Promise<Database> {
    const { config, paths, times } = this.#around;
    const database = await openDatabase(config as DatabaseConfig);
    try {
      const lost = () => {
        if (this.#database === database) this.#database = undefined;
        void database.close();
      };
      // What a connection that broke had taken is free again after a while.
      const untilMs = performance.now() + times.lostMs;
      while (!(await database.take(this.#queue, lost))) {
        if (performance.now() > untilMs || this.#ended) {
          this.#ended = true;
          this.#around.mustEnd(anotherGateway(paths));
          break;
        }
        await new Promise((resolve) => setTimeout(resolve, betweenTriesMs));
      }
      await database.boss.createQueue(pgBossName(this.#queue));
      return database;
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  async #dropDatabase(): Promise<void> {
    const database = this.#database;
    this.#database = undefined;
    await database?.close();
  }

  /** Does what is next to be done for an attempt. */
  async #follow(database: Database, run: HandedOut): Promise<void> {
    const { boss } = database;
    const name = pgBossName(this.#queue);
    if (run.isCancelled) {
      await boss.cancel(name, run.ticket);
      return run.end({ kind: 'stopped' });
    }
    const found = await boss.getJobById(name, run.ticket, { includeArchive: true });
    if (!found) {
      // A database that was emptied tells no worker to stop at once.
      if (!run.wasKnown || this.#isStray(run)) await this.#handOut(database, name, run);
      return;
    }
    run.wasKnown = true;
    if (found.state === 'completed') return run.end(outcomeIn(found.output));
    if (found.state === 'failed' || found.state === 'cancelled') {
      return run.end({ kind: 'may-pass', reason: 'It was ended in the database of the queue.' });
    }
    const isLost = found.state === 'active' && (this.#isStray(run) || this.#isDropped(run));
    if (!isLost) return;
    await boss.fail(name, run.ticket);
    run.end({ kind: 'may-pass', reason: 'The worker that had it was killed, or is cut off.' });
  }

  /** A worker that had it is lost. */
  #isDropped(run: HandedOut): boolean {
    const isHeld = this.#isHeld(run.ticket);
    if (isHeld) run.wasHeld = true;
    return run.wasHeld && !isHeld;
  }

  /** No worker has said for a long time that it has it. */
  #isStray(run: HandedOut): boolean {
    if (this.#isHeld(run.ticket)) {
      run.straySinceMs = undefined;
      return false;
    }
    run.straySinceMs ??= performance.now();
    return performance.now() - run.straySinceMs >= this.#around.times.lostMs;
  }

  #isHeld(ticket: string): boolean {
    return this.#present().some(({ tickets }) => tickets.includes(ticket));
  }

  async #handOut({ boss }: Database, name: string, run: HandedOut): Promise<void> {
    const { config, paths } = this.#around;
    const { job, ticket, before, order } = run;
    if (before !== undefined) await boss.cancel(name, before);
    // What still runs of it somewhere ends first.
    if (this.#isHeld(ticket) || (before !== undefined && this.#isHeld(before))) return;
    try {
      await writeOrder(paths, job, order, config.jobs);
    } catch (error) {
      return run.end({ kind: 'may-pass', reason: (error as Error).message });
    }
    await boss.send(name, { job }, { id: ticket, ...sending });
    run.wasHeld = false;
    run.straySinceMs = undefined;
  }
}

const anotherGateway = ({ queueName }: StatePaths) =>
  new DawsonError('output-exists', {
    file: queueName,
    expected: 'a queue of no other gateway',
    found: 'another gateway that runs, with this state',
    advice: 'A state belongs to one gateway; on other machines run `dawson gateway work`.',
  });
