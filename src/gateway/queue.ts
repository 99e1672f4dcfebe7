import { rmSync } from 'node:fs';
import sqlite, { type Database } from 'node-sqlite3-wasm';
import { DawsonError } from '../errors.js';
import type { Priority } from './config.js';

/**
 * How far the result of one version of a study is. `refused`: the exam cannot be analysed, which
 * trying again does not change; `failed`: attempts have run out; `replaced`: a later version came
 * before this one was begun.
 */
export type JobState =
  | 'waiting'
  | 'running'
  | 'done'
  | 'refused'
  | 'failed'
  | 'cancelled'
  | 'replaced';

export interface StudyRow {
  readonly key: string;
  readonly uid: string;
  /** Tells patients apart without saying who they are. */
  readonly patient: string;
  /** YYYYMMDD, where known. */
  readonly date: string | null;
  readonly priority: Priority;
  /** Hashes of what else tells patients apart; null where the images do not say it. */
  readonly name: string | null;
  readonly birthDate: string | null;
  readonly sex: string | null;
  /**
   * 0: it was sent, and its results are delivered. 1: it was fetched, whole, to compare a later exam
   * with it. 2: it is being fetched.
   */
  readonly fetched: 0 | 1 | 2;
}

export type PatientColumns = Pick<StudyRow, 'name' | 'birthDate' | 'sex'>;

export interface JobRow {
  /** Hash of the images, of what differs from the defaults, and of Dawson's version. */
  readonly id: string;
  readonly study: string;
  /** Counts the versions of the study, from 1. */
  readonly version: number;
  readonly inputs: string;
  readonly instances: number;
  readonly state: JobState;
  readonly attempts: number;
  readonly reason: string | null;
  /** Jobs whose results the report compares with, as JSON. */
  readonly earlier: string | null;
  /** What is to be said of its earlier exams, as JSON. */
  readonly remarks: string | null;
  readonly createdMs: number;
  readonly startedMs: number | null;
  readonly endedMs: number | null;
  /** Images went, result stays: 1; both went: 2. */
  readonly cleared: number;
  /** 1: its exam was only fetched when it was computed, so that there is nothing to deliver. */
  readonly onlyCompared: number;
  /** Names its last attempt. */
  readonly ticket: string | null;
  /** Whose exam it was when it was made, by a hash; null for jobs of earlier versions of the queue. */
  readonly patient: string | null;
}

export interface DeliveryRow {
  readonly job: string;
  readonly destination: string;
  /** `stored`: the destination has it and was asked to commit itself to keeping it. */
  readonly state: 'waiting' | 'stored' | 'delivered' | 'cancelled';
  readonly attempts: number;
  readonly reason: string | null;
  readonly endedMs: number | null;
  /** The transaction by which a commitment was asked for, and when. */
  readonly asked: string | null;
  readonly askedMs: number | null;
}

/** What makes a queue of each version (`user_version`) of the one before. */
const versions = [
  `
  create table if not exists studies (
    key text primary key, uid text not null, patient text not null, date text, priority text not null
  ) strict;
  create table if not exists jobs (
    id text primary key, study text not null, version integer not null, inputs text not null,
    instances integer not null, state text not null, attempts integer not null default 0,
    reason text, earlier text, createdMs integer not null, startedMs integer, endedMs integer,
    cleared integer not null default 0, unique (study, version)
  ) strict;
  create index if not exists jobsByState on jobs (state);
  create table if not exists deliveries (
    job text not null references jobs (id), destination text not null, state text not null,
    attempts integer not null default 0, reason text, endedMs integer,
    primary key (job, destination)
  ) strict;
  create index if not exists deliveriesByState on deliveries (state);
  `,
  `
  alter table studies add column name text;
  alter table studies add column birthDate text;
  alter table studies add column sex text;
  alter table studies add column fetched integer not null default 0;
  alter table jobs add column remarks text;
  alter table jobs add column onlyCompared integer not null default 0;
  `,
  `
  alter table deliveries add column asked text;
  alter table deliveries add column askedMs integer;
  `,
  `
  create table positions (source text primary key, position integer not null) strict;
  create table seen (
    source text not null, study text not null, state text not null, primary key (source, study)
  ) strict;
  `,
  `
  alter table jobs add column ticket text;
  `,
  `
  alter table jobs add column patient text;
  `,
] as const;

/**
 * The durable queue: studies, the jobs of their versions, and deliveries, in one SQLite file. Every
 * change is on the disk when its function returns, and survives the end of the process at any
 * moment. Only one process may have it open, which the caller sees to.
 */
export class Queue {
  readonly #db: Database;

  /** @throws DawsonError `file-corrupt` where the file is no queue. */
  constructor(file: string) {
    // The library locks by making a folder, which a killed process leaves behind.
    rmSync(`${file}.lock`, { recursive: true, force: true });
    this.#db = new sqlite.Database(file);
    try {
      // It never rolls back the journal that a killed process left (its lock seems held by another),
      // so that a write-ahead log is needed; which without shared memory needs exclusive locking.
      this.#db.exec('pragma locking_mode = exclusive');
      this.#db.exec('pragma journal_mode = wal');
      this.#db.exec('pragma synchronous = full');
      this.#upgrade();
    } catch (error) {
      this.#db.close();
      throw new DawsonError('file-corrupt', {
        file,
        expected: 'the queue of a gateway',
        found: (error as Error).message,
        advice: 'Move it away, with what has its name and -wal: see docs/gateway.md.',
      });
    }
  }

  close(): void {
    this.#db.close();
  }

  /** @throws Error where it was made by a later version of Dawson. */
  #upgrade(): void {
    const [{ user_version: found }] = this.#all<{ user_version: number }>('pragma user_version');
    if (found > versions.length) throw new Error('a queue of a later version of Dawson');
    for (const [at, change] of versions.entries()) {
      if (at < found) continue;
      this.#together(() => {
        this.#db.exec(change);
        this.#db.exec(`pragma user_version = ${at + 1}`);
      });
    }
  }

  #all<T>(sql: string, ...values: (string | number | null)[]): T[] {
    return this.#db.all(sql, values) as unknown as T[];
  }

  #run(sql: string, ...values: (string | number | null)[]): number {
    return this.#db.run(sql, values).changes;
  }

  #together(work: () => void): void {
    this.#db.exec('begin immediate');
    try {
      work();
      this.#db.exec('commit');
    } catch (error) {
      this.#db.exec('rollback');
      throw error;
    }
  }

  study(key: string): StudyRow | undefined {
    return this.#all<StudyRow>('select * from studies where key = ?', key)[0];
  }

  /** Records a study, or what has changed of it: patients are merged, and dates corrected. */
  putStudy(study: StudyRow): void {
    const { key, uid, patient, date, priority, name, birthDate, sex, fetched } = study;
    this.#run(
      `insert into studies (key, uid, patient, date, priority, name, birthDate, sex, fetched)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (key) do update
       set patient = excluded.patient, date = excluded.date, priority = excluded.priority,
         name = excluded.name, birthDate = excluded.birthDate, sex = excluded.sex,
         fetched = excluded.fetched`,
      ...[key, uid, patient, date, priority, name, birthDate, sex, fetched],
    );
  }

  /** All images of a study that was being fetched are here. */
  fetchedWhole(key: string): void {
    this.#run('update studies set fetched = 1 where key = ? and fetched = 2', key);
  }

  job(id: string): JobRow | undefined {
    return this.#all<JobRow>('select * from jobs where id = ?', id)[0];
  }

  /** The newest version of a study. */
  newestJob(study: string): JobRow | undefined {
    return this.#all<JobRow>(
      'select * from jobs where study = ? order by version desc limit 1',
      study,
    )[0];
  }

  /** Adds a version of a study; older ones that are not begun yet are replaced by it. */
  addJob(job: Pick<JobRow, 'id' | 'study' | 'version' | 'inputs' | 'instances'>): void {
    this.#together(() => {
      this.#run(
        `update jobs set state = 'replaced', endedMs = ? where study = ? and state = 'waiting'`,
        ...[Date.now(), job.study],
      );
      this.#run(
        `insert into jobs (id, study, version, inputs, instances, state, createdMs, patient)
         values (?, ?, ?, ?, ?, 'waiting', ?, (select patient from studies where key = ?))`,
        ...[job.id, job.study, job.version, job.inputs, job.instances, Date.now(), job.study],
      );
    });
  }

  /**
   * Jobs to be begun: on request first, then those of earlier exams, then in the order of arrival. A
   * version waits for the end of the one before, so that results are delivered in their order.
   */
  waitingJobs(): JobRow[] {
    return this.#all<JobRow>(
      `select jobs.* from jobs join studies on studies.key = jobs.study
       where jobs.state = 'waiting'
         and not exists (select 1 from jobs as others
                         where others.study = jobs.study and others.state = 'running')
       order by studies.priority = 'request' desc, studies.date, jobs.createdMs, jobs.id`,
    );
  }

  runningJobs(): JobRow[] {
    return this.#all<JobRow>(`select * from jobs where state = 'running' order by startedMs, id`);
  }

  /**
   * What was running when the last process was killed is begun again. That was an attempt: an exam
   * that takes the machine down would else do so for ever.
   */
  requeueRunning(mostAttempts: number): void {
    this.#run(
      `update jobs set state = 'failed', endedMs = ?, reason = 'the gateway was killed each time'
       where state = 'running' and attempts >= ?`,
      ...[Date.now(), mostAttempts],
    );
    this.#together(() => {
      this.#run(`update jobs set state = 'waiting' where state = 'running'`);
      this.#replaceOutdated();
    });
  }

  /** What waits again although a later version came meanwhile is replaced by it. */
  #replaceOutdated(): void {
    this.#run(
      `update jobs set state = 'replaced', endedMs = ? where state = 'waiting'
         and exists (select 1 from jobs as newer
                     where newer.study = jobs.study and newer.version > jobs.version)`,
      Date.now(),
    );
  }

  /** A job that was stopped because the gateway ends waits again; it was no attempt. */
  releaseJob(id: string): void {
    this.#together(() => {
      this.#run(
        `update jobs set state = 'waiting', attempts = attempts - 1
         where id = ? and state = 'running'`,
        id,
      );
      this.#replaceOutdated();
    });
  }

  startJob(id: string, onlyCompared = false, ticket: string | null = null): void {
    this.#run(
      `update jobs set state = 'running', attempts = attempts + 1, startedMs = ?, reason = null,
         onlyCompared = ?, ticket = ? where id = ?`,
      ...[Date.now(), onlyCompared ? 1 : 0, ticket, id],
    );
  }

  /** Earlier exams that the report of a job names, and what is to be said of them. */
  setEarlier(id: string, earlier: readonly string[], remarks: readonly string[]): void {
    this.#run(
      'update jobs set earlier = ?, remarks = ? where id = ?',
      ...[JSON.stringify(earlier), JSON.stringify(remarks), id],
    );
  }

  /** An exam that was fetched is now sent: its result, which may be there, is delivered. */
  begunAgain(id: string): void {
    this.#run(
      `update jobs set state = 'waiting', attempts = 0, reason = null, endedMs = null, cleared = 0,
         onlyCompared = 0 where id = ?`,
      id,
    );
  }

  /** A job has a result, which goes to these destinations. */
  finishJob(id: string, destinations: readonly string[]): void {
    this.#together(() => {
      this.#run(
        `update jobs set state = 'done', endedMs = ?, reason = null where id = ?`,
        ...[Date.now(), id],
      );
      this.#addDeliveries(id, destinations);
    });
  }

  /** An exam cannot be analysed, which these destinations are told. */
  refuseJob(id: string, reason: string, destinations: readonly string[]): void {
    this.#together(() => {
      this.#run(
        `update jobs set state = 'refused', endedMs = ?, reason = ? where id = ?`,
        ...[Date.now(), reason, id],
      );
      this.#addDeliveries(id, destinations);
    });
  }

  #addDeliveries(id: string, destinations: readonly string[]): void {
    for (const name of destinations) {
      this.#run(
        `insert or ignore into deliveries (job, destination, state) values (?, ?, 'waiting')`,
        ...[id, name],
      );
    }
  }

  endJob(
    id: string,
    state: Exclude<JobState, 'running' | 'done' | 'refused'>,
    reason: string,
  ): void {
    this.#together(() => {
      this.#run(
        'update jobs set state = ?, endedMs = ?, reason = ? where id = ?',
        ...[state, Date.now(), reason, id],
      );
      this.#replaceOutdated();
    });
  }

  /**
   * Begins a job again that ended without a result, or sends again what is still to be delivered; but
   * not of a version that a later one has followed, which would be delivered after it, nor what is
   * cleared.
   */
  retry(id: string): boolean {
    const canFollow = `exists (select 1 from jobs as own where own.id = ? and own.cleared = 0
      and not exists (select 1 from jobs as newer
                      where newer.study = own.study and newer.version > own.version))`;
    // What said that it was refused is no delivery of what comes of it now, also where it was cancelled.
    this.#run(
      `delete from deliveries where job = ? and ${canFollow}
         and (select state from jobs where id = job) in ('refused', 'cancelled')`,
      ...[id, id],
    );
    return (
      this.#run(
        `update jobs set state = 'waiting', attempts = 0, reason = null, endedMs = null
         where id = ? and state in ('refused', 'failed', 'cancelled') and ${canFollow}`,
        ...[id, id],
      ) +
        this.#run(
          `update deliveries set state = 'waiting', attempts = 0, endedMs = null
           where job = ? and (state in ('waiting', 'stored') or state = 'cancelled' and ${canFollow})`,
          ...[id, id],
        ) >
      0
    );
  }

  /** Ends a job and its deliveries; what was delivered stays so. */
  cancel(id: string): boolean {
    return (
      this.#run(
        `update jobs set state = 'cancelled', endedMs = ?, reason = 'cancelled'
         where id = ? and state in ('waiting', 'running', 'failed', 'refused')`,
        ...[Date.now(), id],
      ) +
        this.#run(
          `update deliveries set state = 'cancelled', endedMs = ? where job = ? and state in ('waiting', 'stored')`,
          ...[Date.now(), id],
        ) >
      0
    );
  }

  /** What is to be delivered; of each study to each destination the oldest version, then the next. */
  waitingDeliveries(): DeliveryRow[] {
    return this.#all<DeliveryRow>(
      `select deliveries.* from deliveries join jobs on jobs.id = job
       where deliveries.state = 'waiting'
         and not exists (select 1 from deliveries as others join jobs as older on older.id = others.job
                         where others.destination = deliveries.destination
                           and others.state = 'waiting'
                           and older.study = jobs.study and older.version < jobs.version)
       order by jobs.endedMs, job, destination`,
    );
  }

  deliveries(job: string): DeliveryRow[] {
    return this.#all<DeliveryRow>(
      'select * from deliveries where job = ? order by destination',
      job,
    );
  }

  delivered(job: string, destination: string): void {
    this.#run(
      `update deliveries set state = 'delivered', attempts = attempts + 1, endedMs = ?, reason = null
       where job = ? and destination = ?`,
      ...[Date.now(), job, destination],
    );
  }

  deliveryFailed(job: string, destination: string, reason: string): void {
    this.#run(
      `update deliveries set attempts = attempts + 1, reason = ?, asked = null,
         state = iif(state = 'stored', 'waiting', state)
       where job = ? and destination = ? and state != 'delivered'`,
      ...[reason, job, destination],
    );
  }

  /** A destination has a result; by this transaction it is asked to commit itself to keeping it. */
  stored(job: string, destination: string, transaction: string): void {
    this.#run(
      `update deliveries set state = 'stored', asked = ?, askedMs = ?, reason = null
       where job = ? and destination = ? and state = 'waiting'`,
      ...[transaction, Date.now(), job, destination],
    );
  }

  /** The delivery of which a commitment was asked for by a transaction. */
  deliveryAsked(transaction: string): DeliveryRow | undefined {
    return this.#all<DeliveryRow>(
      `select * from deliveries where asked = ? and state = 'stored'`,
      transaction,
    )[0];
  }

  /** What was not committed to since some time is delivered again. */
  deliverUncommitted(destination: string, sinceMs: number): void {
    this.#run(
      `update deliveries set state = 'waiting', asked = null, reason = 'not committed to in time'
       where destination = ? and state = 'stored' and askedMs < ?`,
      ...[destination, sinceMs],
    );
  }

  /**
   * Results of a patient's other exams from a date on (YYYYMMDD) up to that of the exam itself; of
   * each study the newest; the earliest first. A result is of whom its exam was when it was made: that images
   * of another patient came since makes it nobody else's.
   */
  earlierResults(study: StudyRow, since: string): (JobRow & PatientColumns)[] {
    if (study.date === null) return [];
    return this.#all<JobRow & PatientColumns>(
      `select jobs.*, name, birthDate, sex from jobs join studies on studies.key = jobs.study
       where coalesce(jobs.patient, studies.patient) = ? and studies.key != ?
         and studies.date >= ? and studies.date < ?
         and jobs.state = 'done' and jobs.cleared < 2
         and jobs.version = (select max(version) from jobs as others
                             where others.study = jobs.study and others.state = 'done')
       order by studies.date, jobs.id`,
      ...[study.patient, study.key, since, study.date],
    );
  }

  /** Whether an analysis of an earlier exam of a patient runs, with which this one can be compared. */
  earlierRuns(study: StudyRow): boolean {
    return (
      this.#all(
        `select 1 from jobs join studies on studies.key = jobs.study
         where jobs.state = 'running' and coalesce(jobs.patient, studies.patient) = ? and date < ?`,
        ...[study.patient, study.date],
      ).length > 0
    );
  }

  /** Jobs that ended before some time, of which nothing is to be delivered any more, and that still take space. */
  endedBefore(timeMs: number, clearedLessThan: number): JobRow[] {
    return this.#all<JobRow>(
      `select * from jobs where endedMs < ? and cleared < ? and state not in ('waiting', 'running')
         and not exists (select 1 from deliveries where job = id and state in ('waiting', 'stored'))`,
      ...[timeMs, clearedLessThan],
    );
  }

  setCleared(id: string, cleared: 1 | 2): void {
    this.#run('update jobs set cleared = ? where id = ?', cleared, id);
  }

  /** Up to where the list of changes of a service was read. */
  position(source: string): number | undefined {
    const rows = this.#all<{ position: number }>(
      'select position from positions where source = ?',
      source,
    );
    return rows[0]?.position;
  }

  setPosition(source: string, position: number): void {
    if (this.position(source) === position) return;
    this.#run(
      `insert into positions values (?, ?) on conflict (source) do update
       set position = excluded.position`,
      ...[source, position],
    );
  }

  /** In which state a study of a service was when it was taken in. */
  seen(source: string, study: string): string | undefined {
    const sql = 'select state from seen where source = ? and study = ?';
    return this.#all<{ state: string }>(sql, source, study)[0]?.state;
  }

  setSeen(source: string, study: string, state: string): void {
    this.#run(
      `insert into seen values (?, ?, ?) on conflict (source, study) do update
       set state = excluded.state`,
      ...[source, study, state],
    );
  }

  /** Numbers of jobs and deliveries by state. */
  counts(): { jobs: Record<string, number>; deliveries: Record<string, number> } {
    const count = (table: string) =>
      Object.fromEntries(
        this.#all<{ state: string; n: number }>(
          `select state, count(*) as n from ${table} group by state`,
        ).map(({ state, n }) => [state, n]),
      );
    return { jobs: count('jobs'), deliveries: count('deliveries') };
  }

  /** The jobs that changed last. */
  lastJobs(most: number): JobRow[] {
    return this.#all<JobRow>(
      'select * from jobs order by coalesce(endedMs, startedMs, createdMs) desc limit ?',
      most,
    );
  }
}
