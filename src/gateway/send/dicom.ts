import { associate, statusText } from '../associate.js';
import type { DicomDestination, DicomPeer } from '../config.js';
import { constants, RawDataset, requests } from '../dimse.js';
import { type Outgoing, outgoingObjects } from '../outgoing.js';
import { PeerFailure } from '../peer-failure.js';

/** Warnings of C-STORE, with which an object is stored all the same (PS3.4, B.2.3). */
const isStored = (status: number) => status === 0 || (status & 0xf000) === 0xb000;

/**
 * Sends objects of a result by C-STORE, as the bytes that they are in their files.
 * @throws PeerFailure unless the peer says of each that it is stored.
 */
export async function sendByDicom(
  destination: DicomDestination,
  { objects }: Outgoing,
  signal: AbortSignal,
): Promise<void> {
  const outgoing = await outgoingObjects(objects, destination.objects);
  // An exam without lesions, or without an earlier one, has none of some kinds.
  if (outgoing.length === 0) return;
  const statuses = new Map<string, number>();
  const stores = outgoing.map(({ sopClass, sopInstance, transferSyntax, dataSet }) => {
    const request = new requests.CStoreRequest(
      new RawDataset(sopClass, sopInstance, transferSyntax, dataSet),
    );
    request.on('response', (response) => statuses.set(sopInstance, response.getStatus()));
    return request;
  });
  await associate(destination, stores, { signal });
  for (const { file, sopInstance } of outgoing) {
    const status = statuses.get(sopInstance);
    if (status !== undefined && isStored(status)) continue;
    throw new PeerFailure(`the peer said ${statusText(status)} of ${file}`);
  }
}

/** Asks a peer for a sign of life, by C-ECHO. @throws PeerFailure without one. */
export async function echo(peer: DicomPeer, signal: AbortSignal): Promise<void> {
  let status: number | undefined;
  const request = new requests.CEchoRequest();
  request.on('response', (response) => {
    status = response.getStatus();
  });
  await associate(peer, [request], { signal });
  if (status !== constants.Status.Success) throw new PeerFailure('the peer did not answer');
}
