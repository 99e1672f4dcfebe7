import { randomBytes } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Limits } from './config.js';
import type { Arrival, Intake } from './intake.js';
import type { Metrics } from './metrics.js';
import { PeerFailure, TooMuch } from './peer-failure.js';

/** Where images go that are read from a service: to the disk as they come, and then in. */
export interface ImageSink {
  readonly arriving: string;
  readonly limits: Limits;
  /** @throws PeerFailure where it cannot be taken in now. */
  readonly take: (file: string) => Promise<void>;
}

export function imageSink(
  arriving: string,
  limits: Limits,
  { intake, metrics }: { readonly intake: Intake; readonly metrics: Metrics },
  arrival: Arrival,
): ImageSink {
  const take = async (file: string) => {
    const taken = await intake.take(file, arrival);
    metrics.add(taken.outcome === 'kept' ? 'receivedInstances' : 'refusedInstances');
    if (taken.outcome === 'full') throw new PeerFailure(taken.reason);
  };
  return { arriving, limits, take };
}

/** An image on its way to the disk, within the limit of its size. */
export class ArrivingImage {
  readonly #file: string;
  readonly #sink: ImageSink;
  #bytes = 0;

  constructor(sink: ImageSink) {
    this.#sink = sink;
    this.#file = join(sink.arriving, randomBytes(12).toString('hex'));
  }

  async begin(): Promise<void> {
    this.#bytes = 0;
    await writeFile(this.#file, '', { flag: 'wx', mode: 0o600 });
  }

  /**
   * Returns when the bytes are with the system, so that no service waits for a reader that waits for
   * the disk, and closes the connection.
   * @throws TooMuch for more than an image may have.
   */
  add(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    if (this.#bytes > this.#sink.limits.instanceMiB * 2 ** 20) {
      throw new TooMuch('it sends too large an image');
    }
    appendFileSync(this.#file, bytes);
  }

  /** It is whole, and is taken in. */
  take(): Promise<void> {
    return this.#sink.take(this.#file);
  }

  async drop(): Promise<void> {
    await rm(this.#file, { force: true });
  }
}
