import type { association, requests as dimseRequests } from 'dcmjs-dimse';
import type { DicomDestination, TlsFiles } from '../config.js';
import { DeliveryFailure } from '../delivery-failure.js';
import { Client, constants, RawDataset, requests } from '../dimse.js';
import { type Outgoing, outgoingObjects } from '../outgoing.js';
import { readSmallFile } from '../read-small-file.js';

/** Warnings of C-STORE, with which an object is stored all the same (PS3.4, B.2.3). */
const isStored = (status: number) => status === 0 || (status & 0xf000) === 0xb000;

/**
 * Sends objects of a result by C-STORE, as the bytes that they are in their files.
 * @throws DeliveryFailure unless the peer says of each that it is stored.
 */
export async function sendByDicom(
  destination: DicomDestination,
  { objects }: Outgoing,
  signal: AbortSignal,
): Promise<void> {
  const outgoing = await outgoingObjects(objects, destination.objects);
  const statuses = new Map<string, number>();
  const stores = outgoing.map(({ sopClass, sopInstance, transferSyntax, dataSet }) => {
    const request = new requests.CStoreRequest(
      new RawDataset(sopClass, sopInstance, transferSyntax, dataSet),
    );
    request.on('response', (response) => statuses.set(sopInstance, response.getStatus()));
    return request;
  });
  await talk(destination, stores, signal);
  for (const { file, sopInstance } of outgoing) {
    const status = statuses.get(sopInstance);
    if (status !== undefined && isStored(status)) continue;
    const said =
      status === undefined ? 'nothing' : `status ${status.toString(16).padStart(4, '0')}`;
    throw new DeliveryFailure(`the peer said ${said} of ${file}`);
  }
}

/** Asks a peer for a sign of life, by C-ECHO. @throws DeliveryFailure without one. */
export async function echo(destination: DicomDestination, signal: AbortSignal): Promise<void> {
  let status: number | undefined;
  const request = new requests.CEchoRequest();
  request.on('response', (response) => {
    status = response.getStatus();
  });
  await talk(destination, [request], signal);
  if (status !== constants.Status.Success) throw new DeliveryFailure('the peer did not answer');
}

/** The library begins what it says with a title and an arrow. */
const libraryPrefix = /^.* -> (Connection error: )?/;

const times = { connectTimeout: 30_000, associationTimeout: 30_000, pduTimeout: 60_000 };

/** Sends requests over one association. @throws DeliveryFailure where it cannot be made or breaks. */
async function talk(
  { host, port, title, from, tls }: DicomDestination,
  messages: readonly dimseRequests.Request[],
  signal: AbortSignal,
): Promise<void> {
  const securityOptions = tls && (await tlsOptions(tls));
  const client = new Client();
  for (const message of messages) client.addRequest(message);
  await new Promise<void>((resolve, reject) => {
    const fail = (reason: string) => {
      connection(client)?.destroy();
      reject(new DeliveryFailure(reason));
    };
    const stop = () => fail('stopped');
    signal.addEventListener('abort', stop, { once: true });
    // Each message is two writes, of which the second would wait for a delayed acknowledgement.
    client.on('connected', () => connection(client)?.setNoDelay(true));
    client.on('associationAccepted', (association: association.Association) => {
      const refused = messages.some(
        (message) => !association.getAcceptedPresentationContextFromRequest(message),
      );
      if (refused) fail('the peer does not take objects of a kind that is sent');
    });
    client.on('associationRejected', () => fail('the peer refused the association'));
    client.on('networkError', ({ message }: Error) => fail(message.replace(libraryPrefix, '')));
    client.on('closed', () => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
    client.send(host, port, from, title, { ...times, ...(securityOptions && { securityOptions }) });
  });
}

/** The library keeps its socket to itself. */
const connection = (client: InstanceType<typeof Client>) =>
  (client as unknown as { network?: { socket: import('node:net').Socket } }).network?.socket;

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
