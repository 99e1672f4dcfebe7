import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { copyFile, lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { WatchedFolder } from './config.js';
import type { Intake } from './intake.js';
import type { Journal } from './journal.js';
import type { Metrics } from './metrics.js';
import type { StatePaths } from './state-folder.js';

/** A file is whole when it did not change from one look to the next. */
const betweenLooksMs = 1000;

/** Deeper folders are no exports of an archive. */
const deepest = 16;

/**
 * Looks into folders again and again, and takes in every file that does not change any more: it is
 * copied, and removed once the copy is on the disk. Files that are no images of an exam stay, and are
 * not looked at again until they change.
 */
export class WatchedFolders {
  readonly #folders: readonly WatchedFolder[];
  readonly #paths: StatePaths;
  readonly #intake: Intake;
  readonly #journal: Journal;
  readonly #metrics: Metrics;
  readonly #seen = new Map<string, string>();
  readonly #left = new Map<string, string>();
  #timer?: NodeJS.Timeout;
  #look: Promise<void> = Promise.resolve();
  #ended = false;

  constructor(
    folders: readonly WatchedFolder[],
    paths: StatePaths,
    intake: Intake,
    journal: Journal,
    metrics: Metrics,
  ) {
    this.#folders = folders;
    this.#paths = paths;
    this.#intake = intake;
    this.#journal = journal;
    this.#metrics = metrics;
  }

  start(): void {
    this.#timer = setTimeout(() => {
      this.#look = this.#lookIntoAll().finally(() => {
        if (!this.#ended) this.start();
      });
    }, betweenLooksMs);
  }

  /** Ends when the file that is being taken in is. */
  async stop(): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#timer);
    await this.#look;
  }

  async #lookIntoAll(): Promise<void> {
    for (const folder of this.#folders) {
      try {
        await this.#lookInto(folder, folder.path, 0);
      } catch (error) {
        this.#journal.log('watched folder not read', { reason: codeOf(error) });
      }
    }
  }

  async #lookInto(watched: WatchedFolder, path: string, depth: number): Promise<void> {
    for (const entry of await readdir(path, { withFileTypes: true })) {
      if (this.#ended) return;
      const inner = join(path, entry.name);
      if (entry.isDirectory() && depth < deepest) await this.#lookInto(watched, inner, depth + 1);
      // Links are not followed: they could lead anywhere.
      else if (entry.isFile()) await this.#lookAt(watched, inner);
    }
  }

  async #lookAt({ priority }: WatchedFolder, file: string): Promise<void> {
    const stats = await lstat(file).catch(() => undefined);
    if (!stats?.isFile()) return;
    const state = stateOf(stats);
    if (this.#left.get(file) === state) return;
    if (this.#seen.get(file) !== state) {
      this.#seen.set(file, state);
      return;
    }
    this.#seen.delete(file);
    if ((await this.#intake.fullBecause()) !== undefined) return;
    const copy = join(this.#paths.arriving, randomBytes(12).toString('hex'));
    try {
      await copyFile(file, copy);
      const taken = await this.#intake.take(copy, { priority });
      this.#metrics.add(taken.outcome === 'kept' ? 'receivedInstances' : 'refusedInstances');
      if (taken.outcome === 'kept' || taken.outcome === 'own') {
        // Who writes it may have been slow: what comes of it then replaces what was taken.
        if (stateOf(await lstat(file)) !== state) return;
        const isCut = taken.outcome === 'kept' && taken.instance.damage?.code === 'file-truncated';
        if (isCut) this.#left.set(file, state);
        else await rm(file);
        return;
      }
      if (taken.outcome === 'full') return;
      this.#journal.log('file left in a watched folder', { reason: taken.outcome });
    } catch (error) {
      this.#journal.log('file left in a watched folder', { reason: codeOf(error) });
    }
    this.#left.set(file, state);
  }
}

/** Another one where a file is written to or replaced. */
const stateOf = ({ ino, size, mtimeMs }: Stats) => `${ino} ${size} ${mtimeMs}`;

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? 'a failure';
