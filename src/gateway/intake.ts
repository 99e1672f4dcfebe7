import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Instance, scanSourcesInWorker } from '../dicom/index.js';
import type { Run } from '../run.js';
import type { Limits, Priority } from './config.js';
import type { Queue, StudyRow } from './queue.js';
import { freeGiB, keyOf, type StatePaths } from './state-folder.js';

/** What became of a file that came. */
export type Taken =
  /** It is on the disk, under the name of its identifier; an earlier one of that name was replaced. */
  | { readonly outcome: 'kept'; readonly study: string; readonly instance: Instance }
  /** It is a result of Dawson that came back: there is nothing to do with it. */
  | { readonly outcome: 'own' }
  | { readonly outcome: 'unreadable'; readonly reason: string }
  | { readonly outcome: 'other-instance' }
  | { readonly outcome: 'full'; readonly reason: string };

/** How a file came. */
export interface Arrival {
  readonly priority: Priority;
  /** We asked for it, to compare a later exam with it. */
  readonly fetched?: boolean;
}

/** A study of which something came since its last version was made. */
export interface ArrivingStudy {
  readonly instances: Set<string>;
  /** When something came last, by {@link performance.now}: a clock that is set does not matter. */
  lastMs: number;
  /** Something came since the start; else it is only looked whether all of it has a version. */
  isSent: boolean;
}

/**
 * Takes files of images in, whichever way they came: each ends, flushed to disk, in the folder of its
 * study. Which studies are still arriving is known from these folders, so nothing is lost with the
 * process.
 */
export class Intake {
  readonly arriving = new Map<string, ArrivingStudy>();
  /** Studies of which a version is being made. */
  readonly becomingJobs = new Set<string>();
  /** Studies of which the first image is being kept. */
  readonly #opening = new Set<string>();
  /** By keys: how urgent studies are that are being fetched. */
  readonly fetching = new Map<string, Priority>();
  readonly #paths: StatePaths;
  readonly #queue: Queue;
  readonly #limits: Limits;
  readonly #run: Pick<Run, 'pool' | 'signal'>;
  #space = { gib: Number.POSITIVE_INFINITY, atMs: Number.NEGATIVE_INFINITY };
  #minute = { startMs: Number.NEGATIVE_INFINITY, instances: 0 };

  constructor(paths: StatePaths, queue: Queue, limits: Limits, run: Pick<Run, 'pool' | 'signal'>) {
    this.#paths = paths;
    this.#queue = queue;
    this.#limits = limits;
    this.#run = run;
  }

  /**
   * After a start every study with images may have something that no version has: it waits once more.
   * One that was being fetched is fetched anew.
   */
  async resume(): Promise<void> {
    for (const key of await readdir(this.#paths.studies)) {
      if (await this.dropUnfetched(key)) continue;
      const names = await readdir(this.#paths.study(key));
      const lastMs = performance.now();
      this.arriving.set(key, { instances: new Set(names), lastMs, isSent: false });
    }
  }

  /** Number of studies that are arriving, or of which a version is being made. */
  get unqueued(): number {
    return new Set([...this.arriving.keys(), ...this.becomingJobs]).size;
  }

  /** Whether something of a study comes, or a version of it is being made: its images are needed. */
  isAtWork(study: string): boolean {
    return this.arriving.has(study) || this.becomingJobs.has(study) || this.#opening.has(study);
  }

  /** A study that could not be queued waits for another quiet time. */
  reopen(study: string, { instances, isSent }: ArrivingStudy): void {
    if (this.arriving.has(study)) return;
    this.arriving.set(study, { instances, lastMs: performance.now(), isSent });
  }

  /** Why nothing can be taken in now; undefined where it can. */
  async fullBecause(): Promise<string | undefined> {
    const now = performance.now();
    if (now - this.#minute.startMs > 60_000) this.#minute = { startMs: now, instances: 0 };
    if (this.#minute.instances >= this.#limits.instancesPerMinute) {
      return `more than ${this.#limits.instancesPerMinute} images a minute`;
    }
    if (now - this.#space.atMs > 1000) {
      this.#space = { gib: await freeGiB(this.#paths.arriving), atMs: now };
    }
    return this.#space.gib < this.#limits.freeGiB
      ? `less than ${this.#limits.freeGiB} GiB of disk space`
      : undefined;
  }

  /**
   * Takes in a file of the folder of what is arriving, from where it goes.
   * @param sopInstance what the peer says it is
   */
  async take(file: string, arrival: Arrival, sopInstance?: string): Promise<Taken> {
    try {
      return await this.#take(file, arrival, sopInstance);
    } finally {
      await rm(file, { force: true });
    }
  }

  async #take(file: string, arrival: Arrival, sopInstance?: string): Promise<Taken> {
    const full = await this.fullBecause();
    if (full !== undefined) return { outcome: 'full', reason: full };
    this.#minute.instances++;
    const { size } = await stat(file);
    const [scan] = await Promise.all([
      scanSourcesInWorker(this.#run, [{ file, sizeBytes: size }]),
      flush(file),
    ]);
    const [instance] = scan.instances;
    if (!instance) {
      return { outcome: 'unreadable', reason: scan.remarks[0]?.text ?? 'no DICOM' };
    }
    if (instance.own) return { outcome: 'own' };
    if (sopInstance !== undefined && instance.sopInstance !== sopInstance) {
      return { outcome: 'other-instance' };
    }
    return this.#keep(file, instance, arrival);
  }

  async #keep(file: string, instance: Instance, arrival: Arrival): Promise<Taken> {
    const study = keyOf('study', instance.study);
    const name = keyOf('instance', instance.sopInstance);
    const arriving = this.arriving.get(study) ?? (await this.#open(study));
    if (!arriving.instances.has(name) && arriving.instances.size >= this.#limits.studyInstances) {
      return {
        outcome: 'full',
        reason: `more than ${this.#limits.studyInstances} images of one study`,
      };
    }
    this.#record(study, instance, arrival);
    const place = join(this.#paths.study(study), name);
    await rename(file, place);
    await flush(dirname(place));
    arriving.instances.add(name);
    arriving.lastMs = performance.now();
    arriving.isSent = true;
    this.arriving.set(study, arriving);
    return { outcome: 'kept', study, instance };
  }

  async #open(study: string): Promise<ArrivingStudy> {
    const folder = this.#paths.study(study);
    this.#opening.add(study);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await flush(dirname(folder));
      // Two files of it may be on their way at once.
      const opened = this.arriving.get(study) ?? {
        instances: new Set(await readdir(folder)),
        lastMs: performance.now(),
        isSent: true,
      };
      const other = this.arriving.get(study);
      if (other) return other;
      this.arriving.set(study, opened);
      return opened;
    } finally {
      this.#opening.delete(study);
    }
  }

  /**
   * The newest image says whose study it is; one on request makes the study so, and one that was sent
   * makes it a study whose results are delivered.
   */
  #record(key: string, instance: Instance, arrival: Arrival): void {
    const known = this.#queue.study(key);
    const given = this.fetching.get(key) ?? arrival.priority;
    const { patientHash, isPatientKnown, study: uid, patientDetails } = instance;
    const study: StudyRow = {
      ...{ key, uid },
      // Nobody's exam is compared with nobody else's.
      patient: isPatientKnown ? patientHash : `study ${key}`,
      date: instance.studyDate ?? known?.date ?? null,
      priority: known?.priority === 'request' ? 'request' : given,
      name: patientDetails.name ?? null,
      birthDate: patientDetails.birthDate ?? null,
      sex: patientDetails.sex ?? null,
      fetched: arrival.fetched ? (known?.fetched ?? 2) : 0,
    };
    const columns = Object.keys(study) as (keyof StudyRow)[];
    if (columns.every((column) => known?.[column] === study[column])) return;
    this.#queue.putStudy(study);
  }

  /** Removes what is here of a study that was being fetched, unless it was sent too. */
  async dropUnfetched(key: string): Promise<boolean> {
    if (this.#queue.study(key)?.fetched !== 2) return false;
    this.arriving.delete(key);
    await rm(this.#paths.study(key), { recursive: true, force: true });
    return true;
  }

  /** All of a study that was fetched is here: nothing more is waited for. */
  fetchedWhole(key: string): void {
    this.#queue.fetchedWhole(key);
    const arriving = this.arriving.get(key);
    if (arriving) arriving.lastMs = Number.NEGATIVE_INFINITY;
  }
}

/** Makes sure that a file, or the names in a folder, survive a loss of power. */
async function flush(path: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    await handle.sync();
  } finally {
    await handle?.close();
  }
}
