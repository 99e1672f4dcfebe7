import { exportRefusal } from '../dicom/index.js';
import type { Run } from '../run.js';
import type { EarlierExams } from './earlier-exams.js';
import { type JobInput, type JobOutcome, type JobSteps, runJob } from './job.js';
import type { JobRow } from './queue.js';
import type { Surroundings } from './surroundings.js';

interface JobSurroundings extends Surroundings {
  readonly steps: JobSteps;
  readonly earlierExams: EarlierExams;
  readonly run: Run;
}

interface RunningJob {
  readonly controller: AbortController;
  readonly ended: Promise<void>;
}

/** So many jobs that come next get their earlier exams while others run. */
const preparedJobs = 4;

/** Runs the jobs of the queue, as many at once as the configuration says. */
export class JobRunner {
  readonly #around: JobSurroundings;
  readonly #running = new Map<string, RunningJob>();

  constructor(around: JobSurroundings) {
    this.#around = around;
  }

  /** Begins jobs whose time has come. */
  beginDue(): void {
    const { queue, config, backoff, earlierExams } = this.#around;
    for (const [place, job] of queue.waitingJobs().entries()) {
      const isFree = this.#running.size < config.jobs.atOnce;
      if (!isFree && place >= preparedJobs) return;
      if (this.#running.has(job.id) || !backoff.isDue(job.id)) continue;
      if (!earlierExams.areReady(job) || !isFree) continue;
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
    const { config, paths, queue, journal, steps, earlierExams } = this.#around;
    const { id } = job;
    try {
      const study = queue.study(job.study)!;
      const { jobs: earlier, remarks } = earlierExams.of(job);
      const onlyCompared = study.fetched > 0;
      queue.startJob(id, onlyCompared);
      queue.setEarlier(id, earlier, remarks);
      const about = { job: id, study: job.study, studyVersion: job.version };
      const said = remarks.length > 0 ? { remarks: remarks.join('; ') } : {};
      journal.audit('analysis begun', { ...about, ...said });
      const input = {
        input: paths.input(id),
        studyUid: study.uid,
        result: paths.result(id),
        objects: paths.objects(id),
        earlier: earlier.map(paths.result),
        onlyCompared,
      };
      const outcome = await runJob(steps(input, config.jobs), config.jobs, signal, (seconds) =>
        journal.log('step ended', { job: id, seconds: Math.round(seconds * 1000) / 1000 }),
      );
      const told = outcome.kind === 'final' ? await this.#sayWhy(job, input, outcome.reason) : [];
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
  async #sayWhy(job: JobRow, input: JobInput, reason: string): Promise<string[]> {
    const { config, journal, run } = this.#around;
    if (!config.reportRefused || input.onlyCompared) return [];
    const { language = 'en', paper = 'a4' } = config.jobs;
    const about = { job: job.id, study: job.study };
    try {
      const page = { study: input.studyUid, reason, language, paper };
      const isWritten = await exportRefusal(input.input, input.objects, page, run);
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
  #ended({ id, study, version }: JobRow, outcome: JobOutcome, told: readonly string[]): void {
    const { config, queue, journal, metrics, backoff } = this.#around;
    const about = { job: id, study, studyVersion: version };
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
