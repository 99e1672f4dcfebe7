import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { like, patientDetailsOf, readSourceHeaderInWorker } from '../dicom/index.js';
import type { Run } from '../run.js';
import type { Archive, ArchiveSeries, ArchiveStudy } from './archive/archive.js';
import type { EarlierExamsConfig } from './config.js';
import type { Intake } from './intake.js';
import { holdsResult } from './job.js';
import { PeerFailure } from './peer-failure.js';
import type { JobRow, PatientColumns, StudyRow } from './queue.js';
import { differenceOf } from './same-patient.js';
import { keyOf } from './state-folder.js';
import type { Surroundings } from './surroundings.js';
import { yearsBefore } from './years-before.js';

/** Earlier exams that a job can be compared with, the earliest first, and what is to be said of them. */
export interface Earlier {
  readonly jobs: readonly string[];
  readonly remarks: readonly string[];
}

interface Gathering {
  readonly untilMs: number;
  readonly stop: AbortController;
  /** An archive is being asked. */
  asking: boolean;
  /** It was asked, and these are the studies that are waited for. */
  studies?: readonly string[];
  remarks: readonly string[];
}

interface EarlierSurroundings extends Surroundings {
  readonly intake: Intake;
  readonly archive?: Archive;
  readonly run: Pick<Run, 'pool' | 'signal'>;
}

/**
 * The earlier exams of a job. Where an archive is configured, those that were never here are found
 * and fetched there before the job begins, one job after the other; they become jobs of their own,
 * whose results are not delivered. What is known of it is known in memory only: after a start an
 * archive is asked again.
 */
export class EarlierExams {
  readonly #around: EarlierSurroundings;
  readonly #gatherings = new Map<string, Gathering>();
  readonly #stopped = new AbortController();
  #last: Promise<void> = Promise.resolve();

  constructor(around: EarlierSurroundings) {
    this.#around = around;
  }

  /** Whether a job can begin: all is here that it is to be compared with, or will not come in time. */
  areReady(job: JobRow): boolean {
    const { config, archive, queue } = this.#around;
    const study = queue.study(job.study)!;
    const { earlierExams } = config;
    if (!earlierExams || study.date === null || study.fetched > 0) return true;
    if (queue.earlierRuns(study)) return false;
    if (!archive) return true;
    const gathering = this.#gatherings.get(job.id) ?? this.#begin(job.id, earlierExams);
    if (gathering.studies?.every((key) => !this.#isOnItsWay(key))) return true;
    if (performance.now() > gathering.untilMs) {
      this.#giveUp(gathering);
      return true;
    }
    if (!gathering.studies && !gathering.asking && this.#around.backoff.isDue(backoffKey(job.id))) {
      gathering.asking = true;
      this.#last = this.#last.then(() => this.#ask(job, study, gathering, earlierExams, archive));
    }
    return false;
  }

  /** What a job that begins is compared with. */
  of(job: JobRow): Earlier {
    const { config, queue, paths, backoff } = this.#around;
    const gathered = this.#gatherings.get(job.id)?.remarks ?? [];
    this.#gatherings.delete(job.id);
    backoff.forget(backoffKey(job.id));
    const study = queue.study(job.study)!;
    if (!config.earlierExams || study.date === null || study.fetched > 0) {
      return { jobs: [], remarks: gathered };
    }
    const remarks = [...gathered];
    const jobs: string[] = [];
    for (const row of queue.earlierResults(
      study,
      yearsBefore(study.date, config.earlierExams.withinYears),
    )) {
      const difference = differenceOf(study, row);
      if (difference) remarks.push(remarkOn(difference, row.study));
      if (difference !== 'other-person' && holdsResult(paths.result(row.id))) jobs.push(row.id);
    }
    return { jobs, remarks: [...new Set(remarks)] };
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    for (const { stop } of this.#gatherings.values()) stop.abort();
    await this.#last;
  }

  #begin(job: string, { waitMinutes }: EarlierExamsConfig): Gathering {
    const untilMs = performance.now() + 60_000 * waitMinutes;
    const gathering: Gathering = {
      untilMs,
      stop: new AbortController(),
      asking: false,
      remarks: [],
    };
    this.#gatherings.set(job, gathering);
    return gathering;
  }

  #giveUp(gathering: Gathering): void {
    if (gathering.stop.signal.aborted) return;
    gathering.stop.abort();
    gathering.remarks = [...gathering.remarks, 'not all earlier exams were there in time'];
  }

  #isOnItsWay(key: string): boolean {
    const { queue, intake } = this.#around;
    if (intake.arriving.has(key) || intake.becomingJobs.has(key)) return true;
    const state = queue.newestJob(key)?.state;
    return state === 'waiting' || state === 'running';
  }

  async #ask(
    job: JobRow,
    study: StudyRow,
    gathering: Gathering,
    config: EarlierExamsConfig,
    archive: Archive,
  ): Promise<void> {
    const { journal, backoff, wake } = this.#around;
    const signal = AbortSignal.any([this.#stopped.signal, gathering.stop.signal]);
    if (signal.aborted) return;
    try {
      const found = await this.#find(job, study, config, archive, signal);
      const studies: string[] = [];
      for (const one of found.studies) {
        studies.push(await this.#fetch(one, study, config, archive, signal));
      }
      gathering.studies = studies.filter((key) => key !== '');
      gathering.remarks = found.remarks;
      const earlier = gathering.studies.length;
      journal.log('earlier exams looked for', { job: job.id, study: job.study, earlier });
    } catch (error) {
      if (signal.aborted) return;
      const reason = (error as Error).message;
      gathering.remarks = [`the archive could not be asked for earlier exams: ${reason}`];
      journal.log('earlier exams not fetched', { job: job.id, reason });
      backoff.failed(backoffKey(job.id));
    } finally {
      gathering.asking = false;
      wake();
    }
  }

  /** The studies that are to be compared with, the newest first. */
  async #find(
    job: JobRow,
    study: StudyRow,
    config: EarlierExamsConfig,
    archive: Archive,
    signal: AbortSignal,
  ): Promise<{ studies: ArchiveStudy[]; remarks: string[] }> {
    const patientId = await this.#patientIdOf(job.id);
    if (patientId === undefined) {
      return {
        studies: [],
        remarks: ['no archive is asked for earlier exams: the Patient ID is absent, or has * ? \\'],
      };
    }
    const date = study.date!;
    const from = yearsBefore(date, config.withinYears);
    const answers = await archive.findStudies({ patientId, from, to: date }, signal);
    const remarks: string[] = [];
    const studies = answers
      // Archives match identifiers in their own ways, and not every one keeps to dates.
      .filter((one) => one.patientId === patientId && one.uid !== study.uid)
      .filter((one) => one.date >= from && one.date < date)
      .filter((one) => one.modalities === undefined || /(^|\\)MR($|\\)/.test(one.modalities))
      .filter((one) => {
        const isOther = differenceOf(study, columnsOf(one)) === 'other-person';
        if (isOther) remarks.push(remarkOn('other-person', keyOf('study', one.uid)));
        return !isOther;
      });
    const newestFirst = studies.sort((a, b) => (a.date > b.date ? -1 : 1));
    return { studies: newestFirst.slice(0, config.most), remarks };
  }

  async #patientIdOf(job: string): Promise<string | undefined> {
    const { paths, run } = this.#around;
    const [name] = await readdir(paths.input(job));
    const file = join(paths.input(job), name);
    const { size } = await stat(file);
    const header = await readSourceHeaderInWorker(run, { file, sizeBytes: size });
    const id = header.patientAndStudy.PatientID;
    // These stand for any characters in a question.
    return typeof id === 'string' && /^[^*?\\]+$/.test(id) ? id : undefined;
  }

  /**
   * Fetches a study unless it is here, or was.
   * @returns its name; an empty one where it is none to compare with
   */
  async #fetch(
    found: ArchiveStudy,
    { patient, priority }: StudyRow,
    config: EarlierExamsConfig,
    archive: Archive,
    signal: AbortSignal,
  ): Promise<string> {
    const { queue, intake, journal } = this.#around;
    const key = keyOf('study', found.uid);
    const known = queue.study(key);
    // Whose patient was merged with another one is fetched again: its images name the new one.
    if (known && known.fetched !== 2 && known.patient === patient) return key;
    const series = await archive.findSeries(found.uid, signal);
    if (series.length === 0 || !isWanted(found, series, config)) return '';
    intake.fetching.set(key, priority);
    try {
      const uids = series.map(({ uid }) => uid);
      await archive.fetch(found.uid, uids, signal);
      if (!queue.study(key)) throw new PeerFailure('the archive sent no image of an earlier exam');
      intake.fetchedWhole(key);
      journal.audit('earlier exam fetched', { study: key, series: series.length });
    } finally {
      intake.fetching.delete(key);
      await intake.dropUnfetched(key);
    }
    return key;
  }
}

const backoffKey = (job: string) => `earlier exams of ${job}`;

function columnsOf({ birthDate, sex }: ArchiveStudy): PatientColumns {
  const details = patientDetailsOf(undefined, birthDate, sex);
  return { name: null, birthDate: details.birthDate ?? null, sex: details.sex ?? null };
}

/** Whether a study is of the brain, as far as descriptions and body parts tell and the site has said which do. */
function isWanted(
  study: ArchiveStudy,
  series: readonly ArchiveSeries[],
  { descriptions, bodyParts }: EarlierExamsConfig,
): boolean {
  const told = (texts: readonly (string | undefined)[]) => texts.filter((text) => text);
  const described = told([study.description, ...series.map(({ description }) => description)]);
  const parts = told(series.map(({ bodyPart }) => bodyPart));
  const byDescription = descriptions && described.length > 0;
  const byPart = bodyParts && parts.length > 0;
  if (!byDescription && !byPart) return true;
  return (
    (byDescription === true &&
      described.some((text) => descriptions.some((form) => like(form, text)))) ||
    (byPart === true && parts.some((part) => bodyParts.includes(part!.toUpperCase())))
  );
}

/** By the name of the study: no date, no identifier. */
const remarkOn = (difference: 'other-person' | 'other-name', study: string) =>
  difference === 'other-person'
    ? `earlier exam ${study.slice(0, 12)} has the same Patient ID but another birth date or sex: it is not compared`
    : `earlier exam ${study.slice(0, 12)} has the same Patient ID but another name`;
