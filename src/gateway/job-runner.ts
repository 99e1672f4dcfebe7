import { randomUUID } from 'node:crypto';
import { exportRefusal } from '../dicom/index.js';
import type { Run } from '../run.js';
import type { EarlierExams } from './earlier-exams.js';
import type { JobPlace, JobRun, RunOutcome, StopReason } from './job-place.js';
import type { JobRow } from './queue.js';
import type { Surroundings } from './surroundings.js';

interface JobSurroundings extends Surroundings {
  readonly place: JobPlace;
  readonly earlierExams: EarlierExams;
  readonly run: Run;
}

interface RunningJob {
  readonly controller: AbortController;
  readonly ended: Promise<void>;
}

/** So many jobs that come next get their earlier exams while others run. */
const preparedJobs = 4;

/** Runs the jobs of the queue, as many at once as there is place for. */
export class JobRunner {
  readonly #around: JobSurroundings;
  readonly #running = new Map<string, RunningJob>();

  constructor(around: JobSurroundings) {
    this.#around = around;
  }

  /** Begins jobs whose time has come. */
  beginDue(): void {
    const { queue, place, backoff, earlierExams } = this.#around;
    for (const [at, job] of queue.waitingJobs().entries()) {
      const isFree = this.#running.size < place.slots;
      if (!isFree && at >= preparedJobs) return;
      if (this.#running.has(job.id) || !backoff.isDue(job.id)) continue;
      if (!earlierExams.areReady(job) || !isFree) continue;
      this.#follow(job, () => this.#begin(job));
    }
  }

  /**
   * After a start: jobs that run elsewhere are followed again; those that ran in the process that
   * ended wait in the queue.
   */
  resume(): void {
    const { queue, config, place } = this.#around;
    const goOn = place.goOn ? queue.runningJobs().filter(({ ticket }) => ticket !== null) : [];
    if (goOn.length === 0) queue.requeueRunning(config.jobs.attempts);
    for (const job of goOn) this.#follow(job, () => this.#begun(job));
  }

  /** Stops a job that is running. */
  cancel(id: string): void {
    this.#running.get(id)?.controller.abort('cancelled' satisfies StopReason);
  }

  /** Stops jobs, which wait in the queue for the next start, or does not follow them any more. */
  async stop(): Promise<void> {
    const running = [...this.#running.values()];
    for (const { controller } of running) controller.abort('gateway-ends' satisfies StopReason);
    await Promise.all(running.map(({ ended }) => ended));
  }

  #follow(job: JobRow, begin: () => JobRun): void {
    const controller = new AbortController();
    const ended = this.#run(job, begin, controller.signal).finally(() => {
      this.#running.delete(job.id);
      this.#around.wake();
    });
    this.#running.set(job.id, { controller, ended });
  }

  #begin(job: JobRow): JobRun {
    const { queue, journal, earlierExams } = this.#around;
    const { id, study, version: studyVersion, ticket: before } = job;
    const { jobs: earlier, remarks } = earlierExams.of(job);
    queue.startJob(id, queue.study(study)!.fetched > 0, randomUUID());
    queue.setEarlier(id, earlier, remarks);
    const said = remarks.length > 0 ? { remarks: remarks.join('; ') } : {};
    journal.audit('analysis begun', { job: id, study, studyVersion, ...said });
    return { ...this.#begun(queue.job(id)!), before: before ?? undefined };
  }

  /** The attempt that the queue knows of. */
  #begun({ id, study, earlier, onlyCompared, ticket }: JobRow): JobRun {
    const order = {
      studyUid: this.#around.queue.study(study)!.uid,
      earlier: JSON.parse(earlier ?? '[]'),
      onlyCompared: onlyCompared === 1,
    };
    return { job: id, ticket: ticket!, order };
  }

  async #run(job: JobRow, begin: () => JobRun, signal: AbortSignal): Promise<void> {
    const { queue, journal, place } = this.#around;
    const { id } = job;
    try {
      const run = begin();
      const outcome = await place.run(run, signal);
      if (outcome.kind === 'goes-on') return;
      const told = outcome.kind === 'final' ? await this.#sayWhy(job, run, outcome.reason) : [];
      this.#ended(job, outcome, told);
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

  /**
   * Writes the page that says why an exam cannot be analysed, where the site wants it.
   * @returns the destinations that get it
   */
  async #sayWhy(job: JobRow, { order }: JobRun, reason: string): Promise<string[]> {
    const { config, journal, paths, run } = this.#around;
    if (!config.reportRefused || order.onlyCompared) return [];
    const { language = 'en', paper = 'a4' } = config.jobs;
    const about = { job: job.id, study: job.study };
    try {
      const page = { study: order.studyUid, reason, language, paper };
      const isWritten = await exportRefusal(paths.input(job.id), paths.objects(job.id), page, run);
      if (!isWritten) {
        journal.log('no page says why', { ...about, reason: 'no MR image, or several patients' });
        return [];
      }
      return config.destinations
        .filter(({ objects }) => objects === undefined || objects.includes('report'))
        .map(({ name }) => name);
    } catch (error) {
      journal.log('no page says why', { ...about, reason: (error as Error).message });
      return [];
    }
  }

  /** @param told destinations that are told why an exam is refused */
  #ended(
    { id, study, version }: JobRow,
    outcome: Exclude<RunOutcome, { kind: 'goes-on' }>,
    told: readonly string[],
  ): void {
    const { config, queue, journal, metrics, backoff } = this.#around;
    const about = { job: id, study, studyVersion: version, machine: outcome.machine };
    const { state, attempts, earlier, onlyCompared } = queue.job(id)!;
    if (outcome.kind === 'stopped' || state !== 'running') {
      queue.releaseJob(id);
      return;
    }
    if (outcome.kind === 'done') {
      const names = config.destinations.map(({ name }) => name);
      // It may have been sent while it was analysed only to be compared with.
      if (onlyCompared && queue.study(study)!.fetched === 0) queue.begunAgain(id);
      else queue.finishJob(id, onlyCompared ? [] : names);
      backoff.forget(id);
      metrics.add('jobsDone');
      journal.audit('analysis done', {
        ...about,
        earlierJobs: JSON.parse(earlier ?? '[]').join(' '),
      });
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
    if (failed) queue.endJob(id, 'failed', reason);
    else queue.refuseJob(id, reason, told);
    journal.audit(failed ? 'analysis failed' : 'exam refused', { ...about, attempts, reason });
  }
}
