import { randomBytes } from 'node:crypto';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { createServer as createTlsServer } from 'node:tls';
import type {
  association,
  requests as dimseRequests,
  responses as dimseResponses,
} from 'dcmjs-dimse';
import { dicomHeader } from '../dicom/index.js';
import { DawsonError } from '../errors.js';
import type { Limits, Peer, ReceiverConfig } from './config.js';
import { constants, explicitLittleEndian, RawDataset, responses, Scp } from './dimse.js';
import type { Intake, Taken } from './intake.js';
import type { Journal } from './journal.js';
import type { Metrics } from './metrics.js';
import { guardPdus } from './pdu-guard.js';
import { readSmallFile } from './read-small-file.js';
import { type CommitmentReport, commitmentReport } from './send/commitment.js';
import type { StatePaths } from './state-folder.js';

const { PresentationContextResult, RejectReason, RejectResult, RejectSource } = constants;

/** Status codes of C-STORE (PS3.4, B.2.3) by what became of an instance. */
const statuses: Readonly<Record<Taken['outcome'], number>> = {
  kept: 0x0000,
  own: 0x0000,
  full: 0xa700,
  'other-instance': 0xa900,
  unreadable: 0xc000,
};

const verification = '1.2.840.10008.1.1';
/** Who asked for what is being sent (PS3.7, 9.3.1.1). */
const moveOriginator = 'MoveOriginatorApplicationEntityTitle';
/** No such object instance (PS3.7, C.5.8): of what it speaks, it was not asked. */
const noSuchTransaction = 0x0112;
const largestPduBytes = 262_144;
const times = { firstMs: 30_000, nextMs: 60_000 };

interface Surroundings {
  readonly config: ReceiverConfig;
  readonly limits: Limits;
  readonly paths: StatePaths;
  readonly intake: Intake;
  readonly journal: Journal;
  readonly metrics: Metrics;
  /** A peer of some title says what it will keep; whether it was asked for that. */
  readonly committed: (title: string, report: CommitmentReport) => Promise<boolean>;
}

/**
 * Listens for peers that send exams by C-STORE. Data sets go to the disk as the bytes that come, so
 * that no element is lost, and a peer is told that an image was taken when it is flushed to the disk.
 * @throws DawsonError `missing-on-machine` where it cannot listen, `file-not-found` for a certificate.
 */
export async function listenForExams(
  surroundings: Surroundings,
): Promise<{ readonly end: () => Promise<void> }> {
  const { config, limits, journal, metrics } = surroundings;
  const associations = new Map<Socket, StoreScp>();
  const connected = (socket: Socket) => {
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    guardPdus(socket, times, (reason) => {
      metrics.add('refusedConnections');
      journal.log('connection refused', { address: socket.remoteAddress, reason });
    });
    const scp = new StoreScp(socket, surroundings, associations);
    associations.set(socket, scp);
    socket.once('close', () => {
      associations.delete(socket);
      scp.dispose();
    });
  };
  const server = config.tls
    ? createTlsServer(await tlsOptions(config.tls), connected)
    : createServer(connected);
  // Also those that say nothing before they are encrypted.
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  // More than may associate, so that those are told; but no flood.
  server.maxConnections = 4 * limits.connections;
  await listening(server, config.port, config.host);
  const end = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  return { end };
}

async function tlsOptions({ certificate, key, authorities }: NonNullable<ReceiverConfig['tls']>) {
  const read = (file: string | undefined) => (file === undefined ? undefined : readSmallFile(file));
  return {
    cert: await read(certificate),
    key: await read(key),
    ca: await read(authorities),
    handshakeTimeout: times.firstMs,
    requestCert: authorities !== undefined,
    rejectUnauthorized: authorities !== undefined,
  };
}

/** @throws DawsonError `missing-on-machine` where the port is taken or the address is not ours. */
export function listening(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) =>
      reject(
        new DawsonError('missing-on-machine', {
          expected: `a free port ${port} of ${host}`,
          found: error.code ?? error.message,
          advice: 'Name another port, or end what listens there.',
        }),
      );
    server.once('error', failed);
    server.listen(port, host, () => {
      server.off('error', failed);
      server.on('error', () => {});
      resolve();
    });
  });
}

/** A data set on its way to the disk. */
class ArrivingFile extends Writable {
  readonly file: string;
  failure?: string;
  readonly #descriptor: number;
  #left: number;

  constructor(file: string, header: Buffer, mostBytes: number) {
    // Bytes are written as they come, so that none wait in memory and none is awaited.
    super({ highWaterMark: Number.MAX_SAFE_INTEGER });
    this.on('error', (error) => {
      this.failure ??= error.message;
    });
    this.file = file;
    this.#left = mostBytes;
    this.#descriptor = openSync(file, 'wx', 0o600);
    this.#put(header);
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#put(chunk);
    done();
  }

  #put(chunk: Buffer): void {
    this.#left -= chunk.length;
    if (this.#left < 0) this.failure ??= 'larger than the limit';
    if (this.failure !== undefined) return;
    try {
      for (let at = 0; at < chunk.length; ) at += writeSync(this.#descriptor, chunk, at);
    } catch (error) {
      this.failure = (error as NodeJS.ErrnoException).code ?? 'it cannot be written';
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** One connection of a peer. */
class StoreScp extends Scp {
  readonly #socket: Socket;
  readonly #around: Surroundings;
  readonly #all: ReadonlyMap<Socket, StoreScp>;
  #peer?: Peer;
  #arriving?: ArrivingFile;
  /** The image that is arriving was asked for by us (C-MOVE). */
  #fetched = false;
  #busy = false;
  #kept = 0;
  #refused = 0;

  constructor(socket: Socket, around: Surroundings, all: ReadonlyMap<Socket, StoreScp>) {
    super(socket, { connectTimeout: times.nextMs, pduTimeout: times.nextMs });
    this.#socket = socket;
    this.#around = around;
    this.#all = all;
    this.on('networkError', () => socket.destroy());
  }

  get isAssociated(): boolean {
    return this.#peer !== undefined;
  }

  /** What a peer that is gone had not finished is no image. */
  dispose(): void {
    if (this.#arriving) this.#drop(this.#arriving);
    this.#arriving = undefined;
    const [images, refused] = [this.#kept, this.#refused];
    if (images + refused === 0) return;
    const { journal } = this.#around;
    try {
      journal.audit('images received', { peer: this.#peer!.title, images, refused });
    } catch (error) {
      journal.log('audit not written', { reason: (error as Error).message });
    }
  }

  override associationRequested(association: association.Association): void {
    const { config, limits, journal, metrics } = this.#around;
    const calling = association.getCallingAeTitle().trim();
    const called = association.getCalledAeTitle().trim();
    const address = this.#socket.remoteAddress?.replace(/^::ffff:/, '');
    const peer = config.peers.find(
      ({ title, address: only }) => title === calling && (only === undefined || only === address),
    );
    const associated = [...this.#all.values()].filter(({ isAssociated }) => isAssociated).length;
    const reason =
      called !== config.title
        ? RejectReason.CalledAeNotRecognized
        : peer === undefined
          ? RejectReason.CallingAeNotRecognized
          : undefined;
    if (reason !== undefined || associated >= limits.connections) {
      metrics.add('refusedConnections');
      const why = reason === undefined ? 'too many associations' : 'unknown title or address';
      journal.log('association refused', { address, reason: why });
      if (reason === undefined) {
        // Local limit exceeded (PS3.8, 9.3.4): it may try again.
        this.sendAssociationReject(RejectResult.Transient, 3, 2);
      } else {
        this.sendAssociationReject(RejectResult.Permanent, RejectSource.ServiceUser, reason);
      }
      this.#socket.end();
      return;
    }
    this.#peer = peer;
    for (const { context } of association.getPresentationContexts()) {
      const offered = context.getTransferSyntaxUids();
      context.setResult(
        PresentationContextResult.Accept,
        offered.includes(explicitLittleEndian) ? explicitLittleEndian : offered[0],
      );
    }
    association.setNegotiateAsyncOps(false);
    if (association.getMaxPduLength() === 0) association.setMaxPduLength(largestPduBytes);
    this.sendAssociationAccept();
  }

  override associationReleaseRequested(): void {
    this.sendAssociationReleaseResponse();
    this.#socket.end();
  }

  override cEchoRequest(
    request: dimseRequests.CEchoRequest,
    answer: (response: dimseResponses.CEchoResponse) => void,
  ): void {
    if (!this.isAssociated) return void this.#socket.destroy();
    const response = responses.CEchoResponse.fromRequest(request);
    response.setStatus(constants.Status.Success);
    answer(response);
  }

  /** What a destination commits itself to (PS3.4, J.3.3). */
  override nEventReportRequest(
    request: dimseRequests.NEventReportRequest,
    answer: (response: dimseResponses.NEventReportResponse) => void,
  ): void {
    if (!this.#peer) return void this.#socket.destroy();
    const response = responses.NEventReportResponse.fromRequest(request);
    const report = commitmentReport(request.getDataset());
    const known = report ? this.#around.committed(this.#peer.title, report) : undefined;
    Promise.resolve(known ?? false)
      .then((isKnown) => {
        response.setStatus(isKnown ? constants.Status.Success : noSuchTransaction);
        if (!this.#socket.destroyed) answer(response);
      })
      .catch((error: Error) => {
        this.#around.journal.log('commitment not taken', { reason: error.message });
        this.#socket.destroy();
      });
  }

  override createStoreWritableStream(
    context: association.PresentationContext,
    request: dimseRequests.CStoreRequest,
  ): Writable {
    // One at a time, as agreed on; nothing before that, and nothing after the end.
    const isVerification = context.getAbstractSyntaxUid() === verification;
    const isBusy = this.#busy || this.#arriving !== undefined;
    if (!this.isAssociated || isBusy || isVerification || this.#socket.destroyed) {
      this.#socket.destroy();
      throw new Error('out of order');
    }
    const { config, paths, limits } = this.#around;
    const originator = request.getCommandDataset().getElement(moveOriginator);
    this.#fetched = typeof originator === 'string' && originator.trim() === config.title;
    const header = dicomHeader({
      sopClass: request.getAffectedSopClassUid() ?? '',
      sopInstance: request.getAffectedSopInstanceUid() ?? '',
      syntax: context.getAcceptedTransferSyntaxUid() ?? explicitLittleEndian,
    });
    const file = join(paths.arriving, randomBytes(12).toString('hex'));
    this.#arriving = new ArrivingFile(file, header, limits.instanceMiB * 2 ** 20);
    return this.#arriving;
  }

  override createDatasetFromStoreWritableStream(
    _stream: Writable,
    _context: association.PresentationContext,
    go: (dataset: RawDataset) => void,
  ): void {
    go(new RawDataset('', '', explicitLittleEndian));
  }

  override cStoreRequest(
    request: dimseRequests.CStoreRequest,
    answer: (response: dimseResponses.CStoreResponse) => void,
  ): void {
    const arriving = this.#arriving;
    if (!arriving) return void this.#socket.destroy();
    this.#arriving = undefined;
    this.#busy = true;
    this.#takenIn(arriving, request.getAffectedSopInstanceUid())
      .then((taken) => {
        this.#busy = false;
        const response = responses.CStoreResponse.fromRequest(request);
        response.setStatus(statuses[taken.outcome]);
        if (!this.#socket.destroyed) answer(response);
      })
      .catch((error: Error) => {
        // Without an answer the peer sends it again.
        this.#around.journal.log('image not taken in', { reason: error.message });
        this.#socket.destroy();
      });
  }

  async #takenIn(arriving: ArrivingFile, sopInstance: string | undefined): Promise<Taken> {
    const { intake, metrics, journal } = this.#around;
    if (arriving.failure !== undefined) {
      this.#drop(arriving);
      journal.log('image refused', { peer: this.#peer!.title, reason: arriving.failure });
      metrics.add('refusedInstances');
      this.#refused++;
      return { outcome: 'full', reason: arriving.failure };
    }
    arriving.close();
    const arrival = { priority: this.#peer!.priority, fetched: this.#fetched };
    const taken = await intake.take(arriving.file, arrival, sopInstance);
    metrics.add(taken.outcome === 'kept' ? 'receivedInstances' : 'refusedInstances');
    if (taken.outcome === 'kept') this.#kept++;
    else {
      this.#refused++;
      const reason = 'reason' in taken ? taken.reason : taken.outcome;
      journal.log('image refused', { peer: this.#peer!.title, reason });
    }
    return taken;
  }

  #drop(arriving: ArrivingFile): void {
    arriving.close();
    rmSync(arriving.file, { force: true });
  }
}
