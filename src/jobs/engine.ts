import type { Job, JobFailure, JobRecord } from './job.js';
import type { Ledger } from './ledger.js';

/** Where commands run. An engine is told what to run, and knows nothing of what for. */
export interface Engine {
  /**
   * Runs one command of Dawson's to its end.
   * @returns why it failed, or nothing where it did not; never throws for a command that fails.
   * @throws the signal's reason, when the command has ended.
   */
  run(command: readonly string[], signal?: AbortSignal): Promise<JobFailure | undefined>;
  /** As `runJobs`, where the engine has a queue of its own: which job runs when and where is its matter. */
  runAll?(jobs: readonly Job[], run: JobRun): Promise<ReadonlyMap<string, JobRecord>>;
}

/** How jobs are run. */
export interface JobRun {
  readonly engine: Engine;
  readonly ledger: Ledger;
  /** Commands at the same time, at most. */
  readonly slots: number;
  /** Threads of each command that understands them. */
  readonly threads: number;
  /** What all commands under way may take together; one at a time runs whatever it takes. */
  readonly memoryBytes: number;
  readonly signal?: AbortSignal;
  /** Is told of each job as it ends; `known` was not run, as its record holds. */
  readonly onEnd?: (job: Job, record: JobRecord, known: boolean) => void;
}
