import type { Destination, DicomDestination } from './config.js';
import { type Outgoing, outgoingFiles } from './outgoing.js';
import type { DeliveryRow } from './queue.js';
import { askForCommitment, type CommitmentReport, newTransaction } from './send/commitment.js';
import { sendByDicom } from './send/dicom.js';
import { sendByDicomweb } from './send/dicomweb.js';
import { sendToFolder } from './send/folder.js';
import type { Surroundings } from './surroundings.js';

/**
 * Delivers results, one at a time to each destination, until it says that it has them. What a process
 * sent but did not write down before it was killed is sent again, as the same objects with the same
 * identifiers, so that the destination has them once.
 */
export class Deliverer {
  readonly #around: Surroundings;
  /** By the names of destinations. */
  readonly #running = new Map<string, Promise<void>>();
  readonly #stopped = new AbortController();

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** Begins deliveries whose time has come. */
  beginDue(): void {
    const { config, queue, backoff } = this.#around;
    for (const destination of config.destinations) {
      // One that is not asked any more will not say it.
      const minutes = minutesToCommit(destination) ?? 0;
      queue.deliverUncommitted(destination.name, Date.now() - 60_000 * minutes);
    }
    for (const row of queue.waitingDeliveries()) {
      const destination = config.destinations.find(({ name }) => name === row.destination);
      // One that the configuration does not name any more is kept: it may come back.
      if (!destination || this.#running.has(row.destination)) continue;
      if (!backoff.isDue(keyOf(row))) continue;
      const ended = this.#deliver(row, destination).finally(() => {
        this.#running.delete(row.destination);
        this.#around.wake();
      });
      this.#running.set(row.destination, ended);
    }
  }

  /**
   * A peer says what it commits itself to keeping.
   * @returns whether it was asked, by this transaction
   */
  async committed(title: string, { transaction, committed }: CommitmentReport): Promise<boolean> {
    const { config, queue, journal, metrics, backoff, paths, wake } = this.#around;
    const row = queue.deliveryAsked(transaction);
    const destination = config.destinations.find(({ name }) => name === row?.destination);
    if (!row || destination?.kind !== 'dicom' || destination.title !== title) return false;
    const about = { job: row.job, destination: row.destination };
    const sent = await outgoingFiles(paths.objects(row.job), destination.objects);
    const missing = sent.filter(({ sopInstance }) => !committed.has(sopInstance)).length;
    if (missing === 0) {
      queue.delivered(row.job, row.destination);
      metrics.add('deliveries');
      journal.audit('result delivered', { ...about, committed: true });
    } else {
      const reason = `the peer does not commit itself to ${missing} of ${sent.length} objects`;
      metrics.add('deliveryAttemptsFailed');
      backoff.failed(keyOf(row));
      queue.deliveryFailed(row.job, row.destination, reason);
      journal.log('delivery to be tried again', { ...about, reason });
    }
    wake();
    return true;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all(this.#running.values());
  }

  async #deliver(row: DeliveryRow, destination: Destination): Promise<void> {
    const { queue, journal, metrics, backoff } = this.#around;
    const { signal } = this.#stopped;
    const about = { job: row.job, destination: row.destination };
    try {
      const outgoing = this.#outgoing(row.job);
      await send(destination, outgoing, signal);
      if (destination.kind === 'dicom' && (await isToBeCommitted(destination, outgoing))) {
        // The answer may be faster than the end of the question.
        const transaction = newTransaction();
        queue.stored(row.job, row.destination, transaction);
        await askForCommitment(destination, outgoing, transaction, signal);
        backoff.forget(keyOf(row));
        journal.log('commitment asked for', about);
        return;
      }
      if (queue.deliveries(row.job).some((other) => isSame(other, row))) {
        queue.delivered(row.job, row.destination);
      }
      backoff.forget(keyOf(row));
      metrics.add('deliveries');
      journal.audit('result delivered', about);
    } catch (error) {
      if (signal.aborted) return;
      const reason = (error as Error).message;
      metrics.add('deliveryAttemptsFailed');
      backoff.failed(keyOf(row));
      journal.log('delivery to be tried again', { ...about, attempts: row.attempts + 1, reason });
      try {
        queue.deliveryFailed(row.job, row.destination, reason);
      } catch {
        // It is waiting all the same.
      }
    }
  }

  #outgoing(id: string): Outgoing {
    const { queue, paths } = this.#around;
    const { study, version, instances, earlier, remarks, state, reason } = queue.job(id)!;
    return {
      ...{ job: id, study, version, instances },
      earlier: JSON.parse(earlier ?? '[]'),
      remarks: JSON.parse(remarks ?? '[]'),
      ...(state === 'refused' && { refused: reason ?? '' }),
      objects: paths.objects(id),
    };
  }
}

/** It may have been cancelled meanwhile. */
const isSame = (other: DeliveryRow, row: DeliveryRow) =>
  other.destination === row.destination && other.state === 'waiting';

const keyOf = ({ job, destination }: DeliveryRow) => `${job} ${destination}`;

/** Whether there is anything of which the destination shall say that it keeps it. */
const isToBeCommitted = async (
  destination: DicomDestination,
  { objects }: Outgoing,
): Promise<boolean> =>
  destination.commitmentMinutes !== undefined &&
  (await outgoingFiles(objects, destination.objects)).length > 0;

const minutesToCommit = (destination: Destination) =>
  destination.kind === 'dicom' ? destination.commitmentMinutes : undefined;

function send(destination: Destination, outgoing: Outgoing, signal: AbortSignal): Promise<void> {
  switch (destination.kind) {
    case 'dicom':
      return sendByDicom(destination, outgoing, signal);
    case 'dicomweb':
      return sendByDicomweb(destination, outgoing, signal);
    case 'folder':
      return sendToFolder(destination, outgoing, signal);
  }
}
