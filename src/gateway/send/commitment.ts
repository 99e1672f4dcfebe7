import { randomBytes } from 'node:crypto';
import { associate, statusText } from '../associate.js';
import type { DicomDestination, DicomPeer } from '../config.js';
import { constants, Dataset, requests } from '../dimse.js';
import { type Outgoing, outgoingFiles } from '../outgoing.js';
import { PeerFailure } from '../peer-failure.js';

/** Storage Commitment Push Model, its well-known instance, and what is asked of it (PS3.4, J.3). */
export const storageCommitment = '1.2.840.10008.1.20.1';
const wellKnownInstance = '1.2.840.10008.1.20.1.1';
const requestCommitment = 1;

interface Reference {
  readonly sopClass: string;
  readonly sopInstance: string;
}

/** What a peer says of the objects of a transaction, in a report of its own. */
export interface CommitmentReport {
  readonly transaction: string;
  readonly committed: ReadonlySet<string>;
}

export const newTransaction = () => `2.25.${BigInt(`0x${randomBytes(16).toString('hex')}`)}`;

/**
 * Asks a peer to commit itself to keeping what it has stored; whether it does comes later, to our
 * receiver.
 * @throws PeerFailure where it does not take the question.
 */
export async function askForCommitment(
  destination: DicomDestination,
  { objects }: Outgoing,
  transaction: string,
  signal: AbortSignal,
): Promise<void> {
  await ask(destination, await outgoingFiles(objects, destination.objects), transaction, signal);
}

/** Asks for an object that is not there. @throws PeerFailure where the peer has not the service. */
export const checkCommitment = (peer: DicomPeer, signal: AbortSignal): Promise<void> =>
  ask(
    peer,
    [{ sopClass: '1.2.840.10008.5.1.4.1.1.4', sopInstance: '2.25.1' }],
    newTransaction(),
    signal,
  );

async function ask(
  peer: DicomPeer,
  references: readonly Reference[],
  transaction: string,
  signal: AbortSignal,
): Promise<void> {
  let status: number | undefined;
  const request = new requests.NActionRequest(
    storageCommitment,
    wellKnownInstance,
    requestCommitment,
  );
  request.setDataset(
    new Dataset({
      TransactionUID: transaction,
      ReferencedSOPSequence: references.map(({ sopClass, sopInstance }) => ({
        ReferencedSOPClassUID: sopClass,
        ReferencedSOPInstanceUID: sopInstance,
      })),
    }),
  );
  request.on('response', (response) => {
    status = response.getStatus();
  });
  await associate(peer, [request], { signal });
  if (status !== constants.Status.Success) {
    throw new PeerFailure(`the peer said ${statusText(status)} when asked for storage commitment`);
  }
}

/** A report as it comes; undefined where it is none of a transaction. */
export function commitmentReport(
  dataset: InstanceType<typeof Dataset> | undefined,
): CommitmentReport | undefined {
  const transaction = dataset?.getElement('TransactionUID');
  if (typeof transaction !== 'string') return undefined;
  const items: unknown = dataset?.getElement('ReferencedSOPSequence');
  const instances = (Array.isArray(items) ? items : [items]).map(
    (item) =>
      (item as { ReferencedSOPInstanceUID?: unknown } | undefined)?.ReferencedSOPInstanceUID,
  );
  const committed = new Set(instances.filter((uid) => typeof uid === 'string'));
  return { transaction, committed };
}
