import { holdsResult, type JobOutcome, type JobSteps, runJob } from './job.js';
import type { JobRow, StudyRow } from './queue.js';
import type { Surroundings } from './surroundings.js';

interface JobSurroundings extends Surroundings {
  readonly steps: JobSteps;
}

interface RunningJob {
  readonly controller: AbortController;
  readonly ended: Promise<void>;
}

/** Runs the jobs of the queue, as many at once as the configuration says. */
export class JobRunner {
  readonly #around: JobSurroundings;
  readonly #running = new Map<string, RunningJob>();

  constructor(around: JobSurroundings) {
    this.#around = around;
  }

  /** Begins jobs whose time has come. */
  beginDue(): void {
    const { queue, config, backoff } = this.#around;
    if (this.#running.size >= config.jobs.atOnce) return;
    for (const job of queue.waitingJobs()) {
      if (this.#running.size >= config.jobs.atOnce) return;
      if (this.#running.has(job.id) || !backoff.isDue(job.id)) continue;
      const controller = new AbortController();
      const ended = this.#run(job, controller.signal).finally(() => {
        this.#running.delete(job.id);
        this.#around.wake();
      });
      this.#running.set(job.id, { controller, ended });
    }
  }

  /** Stops a job that is running. */
  cancel(id: string): void {
    this.#running.get(id)?.controller.abort();
  }

  /** Stops all jobs; they wait in the queue for the next start. */
  async stop(): Promise<void> {
    const running = [...this.#running.values()];
    for (const { controller } of running) controller.abort();
    await Promise.all(running.map(({ ended }) => ended));
  }

  async #run(job: JobRow, signal: AbortSignal): Promise<void> {
    const { config, paths, queue, journal, steps } = this.#around;
    const { id } = job;
    try {
      const study = queue.study(job.study)!;
      const earlier = earlierJobs(study, this.#around);
      queue.startJob(id);
      queue.setEarlier(id, earlier);
      journal.audit('analysis begun', { job: id, study: job.study, studyVersion: job.version });
      const input = {
        input: paths.input(id),
        studyUid: study.uid,
        result: paths.result(id),
        objects: paths.objects(id),
        earlier: earlier.map(paths.result),
      };
      const outcome = await runJob(steps(input, config.jobs), config.jobs, signal, (seconds) =>
        journal.log('step ended', { job: id, seconds }),
      );
      this.#ended(job, earlier, outcome);
    } catch (error) {
      // The queue cannot be written, or no process can be started.
      journal.log('job not run', { job: id, reason: (error as Error).message });
      this.#around.backoff.failed(id);
      try {
        queue.releaseJob(id);
      } catch {
        // It is taken up after the next start.
      }
    }
  }

  #ended({ id, study, version }: JobRow, earlier: readonly string[], outcome: JobOutcome): void {
    const { config, queue, journal, metrics, backoff } = this.#around;
    const about = { job: id, study, studyVersion: version };
    const { state, attempts } = queue.job(id)!;
    if (outcome.kind === 'stopped' || state !== 'running') {
      queue.releaseJob(id);
      return;
    }
    if (outcome.kind === 'done') {
      queue.finishJob(
        id,
        config.destinations.map(({ name }) => name),
      );
      backoff.forget(id);
      metrics.add('jobsDone');
      journal.audit('analysis done', { ...about, earlierJobs: earlier.join(' ') });
      return;
    }
    const { kind, reason } = outcome;
    if (kind === 'may-pass' && attempts < config.jobs.attempts) {
      metrics.add('jobAttemptsFailed');
      backoff.failed(id);
      queue.endJob(id, 'waiting', reason);
      journal.log('analysis to be tried again', { ...about, attempts, reason });
      return;
    }
    const failed = kind === 'may-pass';
    metrics.add(failed ? 'jobsFailed' : 'jobsRefused');
    queue.endJob(id, failed ? 'failed' : 'refused', reason);
    journal.audit(failed ? 'analysis failed' : 'exam refused', { ...about, attempts, reason });
  }
}

/** Jobs of earlier exams that can be compared with, the earliest first. */
function earlierJobs(study: StudyRow, { config, queue, paths }: Surroundings): string[] {
  if (config.earlierExams === undefined || study.date === null) return [];
  const since = Number(study.date) - Math.round(config.earlierExams.withinYears * 10_000);
  return queue
    .earlierResults(study, String(Math.max(since, 0)).padStart(8, '0'))
    .map(({ id }) => id)
    .filter((id) => holdsResult(paths.result(id)));
}
