import type { Socket } from 'node:net';
import type { association as associations, requests as dimseRequests } from 'dcmjs-dimse';
import type { DicomPeer, TlsFiles } from './config.js';
import { association, Client, explicitLittleEndian, RawDataset, requests } from './dimse.js';
import { guardPdus } from './pdu-guard.js';
import { PeerFailure } from './peer-failure.js';
import { readSmallFile } from './read-small-file.js';

export interface TalkOptions {
  readonly signal: AbortSignal;
  /** How long the peer may be silent; some are while they send images elsewhere. */
  readonly silentMs?: number;
  /** What it may say in all. */
  readonly mostBytes?: number;
}

const connectMs = 30_000;
const usual = { silentMs: 60_000, mostBytes: 2 ** 22 };

/** The library begins what it says with a title and an arrow. */
const libraryPrefix = /^.* -> (Connection error: )?/;

/**
 * Sends requests over one association, one after the other; their responses come as their events.
 * @throws PeerFailure where it cannot be made, breaks, or gives more than it may.
 */
export async function associate(
  { host, port, title, from, tls }: DicomPeer,
  messages: readonly dimseRequests.Request[],
  { signal, ...given }: TalkOptions,
): Promise<void> {
  const { silentMs, mostBytes } = { ...usual, ...given };
  const securityOptions = tls && (await tlsOptions(tls));
  const client = new Client();
  for (const message of messages) client.addRequest(message);
  for (const context of explicitContexts(messages)) {
    client.addAdditionalPresentationContext(context, true);
  }
  await new Promise<void>((resolve, reject) => {
    const fail = (reason: string) => {
      connection(client)?.destroy();
      reject(new PeerFailure(reason));
    };
    const stop = () => fail('stopped');
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    client.on('connected', () => {
      const socket = connection(client)!;
      // Each message is two writes, of which the second would wait for a delayed acknowledgement.
      socket.setNoDelay(true);
      // The library lets it be silent for the time that connecting may take.
      socket.setTimeout(silentMs);
      const limits = { firstMs: connectMs, nextMs: silentMs, mostBytes };
      guardPdus(socket, { ...limits, answers: true }, fail);
    });
    client.on('associationAccepted', (accepted: associations.Association) => {
      const refused = messages.find((message) => !isTaken(accepted, message));
      if (refused) fail('the peer does not take what is sent, or not in the form in which it is');
    });
    client.on('associationRejected', () => fail('the peer refused the association'));
    client.on('networkError', ({ message }: Error) => fail(message.replace(libraryPrefix, '')));
    client.on('closed', () => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
    const times = {
      connectTimeout: connectMs,
      associationTimeout: connectMs,
      pduTimeout: silentMs,
    };
    client.send(host, port, from, title, { ...times, ...(securityOptions && { securityOptions }) });
  });
}

/**
 * Contexts of what goes as the bytes that it is, in the transfer syntax of these alone: the library offers another
 * one beside it, and a peer that prefers that would take nothing.
 */
function explicitContexts(messages: readonly dimseRequests.Request[]) {
  const stores = messages.filter((message) => message.getDataset() instanceof RawDataset);
  const classes = new Set(
    stores.flatMap((message) =>
      message instanceof requests.CStoreRequest ? message.getAffectedSopClassUid() : [],
    ),
  );
  // The library numbers them.
  return [...classes].map(
    (uid) => new association.PresentationContext(1, uid, explicitLittleEndian),
  );
}

/** What goes as the bytes that it is cannot go in another transfer syntax. */
function isTaken(accepted: associations.Association, message: dimseRequests.Request): boolean {
  const context = accepted.getAcceptedPresentationContextFromRequest(message);
  if (!context) return false;
  return (
    !(message.getDataset() instanceof RawDataset) ||
    context.getAcceptedTransferSyntaxUid() === explicitLittleEndian
  );
}

/** The library keeps its socket to itself. */
const connection = (client: InstanceType<typeof Client>) =>
  (client as unknown as { network?: { socket: Socket } }).network?.socket;

async function tlsOptions({ certificate, key, authorities }: TlsFiles) {
  const read = async (file: string | undefined) =>
    file === undefined ? undefined : await readSmallFile(file);
  const files = {
    cert: await read(certificate),
    key: await read(key),
    ca: await read(authorities),
  };
  const given = Object.entries(files).filter(([, bytes]) => bytes !== undefined);
  return { ...Object.fromEntries(given), rejectUnauthorized: true };
}

/** Four hexadecimal digits, as the standard writes them. */
export const statusText = (status: number | undefined) =>
  status === undefined ? 'nothing' : `status ${status.toString(16).padStart(4, '0')}`;
