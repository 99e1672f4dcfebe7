import { createHash } from 'node:crypto';
import { type Archive, isUid, studyTags } from '../archive/archive.js';
import { dicomwebArchive } from '../archive/dicomweb-archive.js';
import type { PollConfig } from '../config.js';
import { checkDicomweb, queryDicomweb, textIn } from '../dicomweb.js';
import { type ImageSink, imageSink } from '../image-sink.js';
import type { Intake } from '../intake.js';
import { TooMuch } from '../peer-failure.js';
import type { Surroundings } from '../surroundings.js';
import { type Changes, changesSince, imagesOf, newestChange, readImage } from './orthanc-feed.js';

const lookMs = 200;
const dayMs = 24 * 60 * 60_000;
const mostStudies = 1000;
/** Number of Study Related Instances. */
const imagesOfStudy = '00201208';

type PollSurroundings = Surroundings & { readonly intake: Intake };

/**
 * Asks services again and again for what is new in them, each by itself, and takes its MR images in.
 * What was taken is known by a state of the study in the queue, so that results that come back to the
 * service, and a start, are nothing new.
 */
export class Pollers {
  readonly #around: PollSurroundings;
  readonly #stopped = new AbortController();
  readonly #running = new Map<string, Promise<void>>();
  readonly #nextMs = new Map<string, number>();
  /** States of studies of the last look, by service and study: what grows is left to grow. */
  readonly #growing = new Map<string, string>();
  /** Up to where the lists of changes were gone through, by service. */
  readonly #reached = new Map<string, number>();
  /** Studies that could not be read, by service, with their places in its list of changes. */
  readonly #unread = new Map<string, Map<string, number>>();
  #timer?: NodeJS.Timeout;

  constructor(around: PollSurroundings) {
    this.#around = around;
  }

  start(): void {
    this.#timer = setInterval(() => this.#look(), lookMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopped.abort();
    await Promise.all(this.#running.values());
  }

  #look(): void {
    const { config, backoff } = this.#around;
    for (const poll of config.polls) {
      const { name, everySeconds } = poll;
      const isDue = performance.now() >= (this.#nextMs.get(name) ?? 0) && backoff.isDue(key(poll));
      if (this.#running.has(name) || !isDue) continue;
      const ended = this.#ask(poll).finally(() => {
        this.#nextMs.set(name, performance.now() + 1000 * everySeconds);
        this.#running.delete(name);
      });
      this.#running.set(name, ended);
    }
  }

  async #ask(poll: PollConfig): Promise<void> {
    const { journal, backoff, config, paths } = this.#around;
    const { signal } = this.#stopped;
    const sink = imageSink(paths.arriving, config.limits, this.#around, {
      priority: poll.priority,
    });
    try {
      if ((await this.#around.intake.fullBecause()) !== undefined) return;
      if (poll.kind === 'orthanc') await this.#followFeed(poll, sink, signal);
      else await this.#lookForStudies(poll, sink, signal);
      backoff.forget(key(poll));
    } catch (error) {
      if (signal.aborted) return;
      backoff.failed(key(poll));
      journal.log('service not asked', { from: poll.name, reason: (error as Error).message });
    }
  }

  async #followFeed(poll: PollConfig, sink: ImageSink, signal: AbortSignal): Promise<void> {
    const { queue, journal } = this.#around;
    const newest = await newestChange(poll, signal);
    let place = this.#reached.get(poll.name) ?? queue.position(poll.name) ?? newest;
    const unread = this.#unread.get(poll.name) ?? new Map<string, number>();
    this.#unread.set(poll.name, unread);
    if (place > newest) {
      // Its list begins anew: it is another one under the same address.
      journal.log('list of changes begins anew', { from: poll.name });
      place = 0;
      unread.clear();
    }
    this.#reach(poll, place);
    for (const [id, before] of unread) {
      await this.#readChanged(poll, { id, place: before }, sink, signal);
    }
    for (let isAll = false; !isAll; ) {
      const changes = await changesSince(poll, place, signal);
      for (const study of changes.studies) {
        await this.#readChanged(poll, study, sink, signal);
        this.#reach(poll, study.place);
      }
      place = Math.max(place, changes.last);
      this.#reach(poll, place);
      isAll = changes.isAll;
    }
  }

  /** The next start goes on before what could not be read. */
  #reach({ name }: PollConfig, place: number): void {
    const unread = [...(this.#unread.get(name)?.values() ?? [])];
    this.#reached.set(name, place);
    this.#around.queue.setPosition(
      name,
      Math.min(place, ...unread.map((its) => Math.max(0, its - 1))),
    );
  }

  async #readChanged(
    poll: PollConfig,
    { id, place }: Changes['studies'][number],
    sink: ImageSink,
    signal: AbortSignal,
  ): Promise<void> {
    const { queue, config } = this.#around;
    const unread = this.#unread.get(poll.name)!;
    const isRead = await this.#tried(poll, id, signal, async () => {
      const found = await imagesOf(poll, id, signal);
      if (!found || queue.seen(poll.name, id) === found.state) return;
      await this.#take(poll, id, found.state, async () => {
        const { length } = found.images;
        if (length > config.limits.studyInstances) throw new TooMuch(`${length} images`);
        for (const image of found.images) await readImage(poll, image, sink, signal);
      });
    });
    if (isRead) unread.delete(id);
    else unread.set(id, Math.min(place, unread.get(id) ?? place));
  }

  /**
   * Reads a study, unless it failed and has to wait for its time. One that cannot be read while its
   * service answers holds up no other.
   * @returns whether it was read
   */
  async #tried(
    poll: PollConfig,
    study: string,
    signal: AbortSignal,
    read: () => Promise<void>,
  ): Promise<boolean> {
    const { backoff, intake, journal } = this.#around;
    const its = `${key(poll)} ${study}`;
    if (!backoff.isDue(its)) return false;
    try {
      await read();
      backoff.forget(its);
      return true;
    } catch (error) {
      if (signal.aborted || (await intake.fullBecause()) !== undefined) throw error;
      await checkPoll(poll, signal);
      backoff.failed(its);
      journal.log('study not read', { from: poll.name, reason: (error as Error).message });
      return false;
    }
  }

  async #lookForStudies(poll: PollConfig, sink: ImageSink, signal: AbortSignal): Promise<void> {
    const { queue } = this.#around;
    const archive = dicomwebArchive(poll, sink);
    const day = (days: number) =>
      new Date(Date.now() + days * dayMs).toISOString().slice(0, 10).replaceAll('-', '');
    const question = {
      // A day more on both sides: whose clock and time zone it is is not known.
      matching: { StudyDate: `${day(-poll.withinDays - 1)}-${day(1)}` },
      include: [studyTags.ModalitiesInStudy, imagesOfStudy],
    };
    for (const item of await queryDicomweb(poll, '/studies', question, mostStudies, signal)) {
      const study = textIn(item, studyTags.StudyInstanceUID);
      const modalities = textIn(item, studyTags.ModalitiesInStudy);
      if (!isUid(study) || (modalities && !/(^|\\)MR($|\\)/.test(modalities))) continue;
      const name = createHash('sha256').update(study).digest('hex').slice(0, 32);
      const all = textIn(item, imagesOfStudy);
      // Without a number only its series tell.
      if (all !== undefined && queue.seen(poll.name, `${name} all`) === all) continue;
      await this.#tried(poll, name, signal, () =>
        this.#lookAt(poll, { study, name, all }, archive, signal),
      );
    }
  }

  async #lookAt(
    poll: PollConfig,
    { study, name, all }: { study: string; name: string; all: string | undefined },
    archive: Archive,
    signal: AbortSignal,
  ): Promise<void> {
    const { queue } = this.#around;
    const series = await archive.findSeries(study, signal);
    const states = series.map(({ uid, instances }) => `${uid} ${instances}`).sort();
    const state = createHash('sha256').update(states.join('\n')).digest('hex');
    const place = `${poll.name} ${name}`;
    const isNew = series.length > 0 && queue.seen(poll.name, name) !== state;
    if (isNew && this.#growing.get(place) !== state) {
      this.#growing.set(place, state);
      return;
    }
    if (isNew) {
      const uids = series.map(({ uid }) => uid);
      await this.#take(poll, name, state, () => archive.fetch(study, uids, signal));
    }
    // After what may fail, which is then tried again without another look.
    this.#growing.delete(place);
    if (all !== undefined) queue.setSeen(poll.name, `${name} all`, all);
  }

  /** Takes a study in; one that is beyond the limits is passed over until it is another. */
  async #take(
    { name: from }: PollConfig,
    study: string,
    state: string,
    read: () => Promise<void>,
  ): Promise<void> {
    const { queue, journal } = this.#around;
    try {
      await read();
      journal.audit('study read from a service', { from });
    } catch (error) {
      if (!(error instanceof TooMuch)) throw error;
      journal.audit('study passed over', { from, reason: error.message });
    }
    queue.setSeen(from, study, state);
  }
}

const key = ({ name }: PollConfig) => `service ${name}`;

/** Tries whether a service answers. @throws PeerFailure */
export async function checkPoll(poll: PollConfig, signal: AbortSignal): Promise<void> {
  if (poll.kind === 'orthanc') await newestChange(poll, signal);
  else await checkDicomweb(poll, signal);
}
