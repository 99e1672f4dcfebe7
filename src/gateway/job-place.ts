import type { GatewayConfig } from './config.js';
import { type JobInput, type JobOutcome, type JobSteps, runJob } from './job.js';
import type { Journal } from './journal.js';
import type { StatePaths } from './state-folder.js';

/** What is to be done: nothing of it says who the patient is but the identifier of the study. */
export interface Order {
  readonly studyUid: string;
  /** Jobs whose results it is compared with, the earliest first. */
  readonly earlier: readonly string[];
  /** Its result is only compared with, and not delivered. */
  readonly onlyCompared: boolean;
}

/** One attempt at a job. */
export interface JobRun {
  readonly job: string;
  readonly order: Order;
  /** Names this attempt. */
  readonly ticket: string;
  /** The attempt before it, which must have ended before this one begins. */
  readonly before?: string;
}

/** How an attempt ended, and on which machine, where that is not this one. */
export type RunOutcome = (JobOutcome | { readonly kind: 'goes-on' }) & {
  readonly machine?: string;
};

/** Why an attempt is stopped. */
export type StopReason = 'cancelled' | 'gateway-ends';

/** A worker on some machine, as the status shows it. */
export interface WorkerStatus {
  readonly machine: string;
  readonly version: string;
  readonly running: number;
  readonly slots: number;
}

/** Where jobs are run: on the machine of the gateway, or by workers on others. */
export interface JobPlace {
  /** Jobs that can run at once, now. */
  readonly slots: number;
  /** Why nothing is analysed though exams are taken in; undefined where there is no reason. */
  readonly stalled: string | undefined;
  readonly workers: readonly WorkerStatus[] | undefined;
  /** Runs that a gateway began before it ended go on without it. */
  readonly goOn: boolean;
  /** @param signal with a {@link StopReason} */
  run(run: JobRun, signal: AbortSignal): Promise<RunOutcome>;
  end(): Promise<void>;
}

/** Where a job finds its images and puts its results, below a folder of the state. */
export const jobInput = (paths: StatePaths, job: string, order: Order): JobInput => ({
  input: paths.input(job),
  studyUid: order.studyUid,
  result: paths.result(job),
  objects: paths.objects(job),
  earlier: order.earlier.map(paths.result),
  onlyCompared: order.onlyCompared,
});

/** Jobs are run by the gateway itself, each as a child process. */
export const jobsHere = (
  { jobs }: GatewayConfig,
  paths: StatePaths,
  steps: JobSteps,
  journal: Journal,
): JobPlace => ({
  slots: jobs.atOnce,
  stalled: undefined,
  workers: undefined,
  goOn: false,
  run: ({ job, order }, signal) =>
    runJob(steps(jobInput(paths, job, order), jobs), jobs, signal, (seconds) =>
      journal.log('step ended', { job, seconds: Math.round(seconds * 1000) / 1000 }),
    ),
  end: async () => {},
});
