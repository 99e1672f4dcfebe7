import { version } from '../version.js';
import type { WorkerStatus } from './job-place.js';
import type { DeliveryRow, JobRow, Queue } from './queue.js';

/** What a gateway says of itself; no names, no identifiers of patients or studies. */
export interface GatewayStatus {
  readonly version: string;
  readonly time: string;
  readonly upSeconds: number;
  readonly freeGiB: number;
  /** Why nothing more is taken in; absent where it is. */
  readonly full?: string;
  /** Why nothing is analysed, though exams are taken in; absent where something may be. */
  readonly stalled?: string;
  /** Those that are there, where jobs are run by workers. */
  readonly workers?: readonly WorkerStatus[];
  /** Exams of which images came within the quiet time. */
  readonly arriving: number;
  readonly jobs: Readonly<Record<string, number>>;
  readonly deliveries: Readonly<Record<string, number>>;
  /** The exams that changed last, the newest first. */
  readonly last: readonly ExamStatus[];
}

export interface ExamStatus {
  readonly job: string;
  /** Name of the study: the hash of its identifier. */
  readonly study: string;
  readonly version: number;
  readonly state: JobRow['state'];
  readonly images: number;
  readonly attempts: number;
  readonly reason?: string;
  readonly arrived: string;
  readonly seconds?: number;
  readonly earlierExams: number;
  /** What is to be said of the earlier exams. */
  readonly remarks: readonly string[];
  readonly deliveries: readonly {
    readonly destination: string;
    readonly state: DeliveryRow['state'];
    readonly attempts: number;
    readonly reason?: string;
  }[];
}

const mostShown = 50;

export function statusOf(
  queue: Queue,
  now: Pick<GatewayStatus, 'arriving' | 'freeGiB' | 'full' | 'stalled' | 'workers' | 'upSeconds'>,
): GatewayStatus {
  return {
    version,
    time: new Date().toISOString(),
    ...now,
    ...queue.counts(),
    last: queue.lastJobs(mostShown).map((job) => examStatus(job, queue.deliveries(job.id))),
  };
}

function examStatus(job: JobRow, deliveries: readonly DeliveryRow[]): ExamStatus {
  const { startedMs, endedMs } = job;
  return {
    job: job.id,
    study: job.study,
    version: job.version,
    state: job.state,
    images: job.instances,
    attempts: job.attempts,
    reason: job.reason ?? undefined,
    arrived: new Date(job.createdMs).toISOString(),
    seconds: startedMs !== null && endedMs !== null ? (endedMs - startedMs) / 1000 : undefined,
    earlierExams: job.earlier === null ? 0 : JSON.parse(job.earlier).length,
    remarks: JSON.parse(job.remarks ?? '[]'),
    deliveries: deliveries.map(({ destination, state, attempts, reason }) => ({
      destination,
      state,
      attempts,
      reason: reason ?? undefined,
    })),
  };
}
