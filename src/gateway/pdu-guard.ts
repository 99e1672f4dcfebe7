import type { Socket } from 'node:net';

/** Types of PDUs (PS3.8, 9.3): A-ASSOCIATE-RQ comes first and once; an answer to it has one of three. */
const associateRequest = 0x01;
const associateAnswers = [0x02, 0x03, 0x07];
const lastType = 0x07;

/** A request to associate with 128 contexts of 30 transfer syntaxes has a hundredth of this. */
const longestAssociateBytes = 2 ** 20;

/** We ask for at most 256 KiB; some peers add the header. */
const longestPduBytes = 2 ** 20;

export interface PduTimes {
  /** A connection has to begin with a whole request to associate within so long. */
  readonly firstMs: number;
  /** And then a whole PDU has to come within so long, again and again. */
  readonly nextMs: number;
}

export interface PduLimits extends PduTimes {
  /** The peer was called, and answers. */
  readonly answers?: boolean;
  /** What may come in all. */
  readonly mostBytes?: number;
}

/**
 * Watches the PDUs of a connection as they come, before the library gathers them in memory, and ends
 * it where one is of no known type, longer than any that was asked for, or comes too slowly.
 */
export function guardPdus(
  socket: Socket,
  { firstMs, nextMs, answers = false, mostBytes = Number.POSITIVE_INFINITY }: PduLimits,
  onRefused: (reason: string) => void,
): void {
  const header = Buffer.alloc(6);
  let inHeader = 0;
  let left = 0;
  let pdus = 0;
  let all = 0;
  const refuse = (reason: string) => {
    clearTimeout(timer);
    onRefused(reason);
    socket.destroy();
  };
  const first = answers ? 'no answer' : 'no request to associate';
  let timer = setTimeout(() => refuse(first), firstMs);
  socket.once('close', () => clearTimeout(timer));
  const ended = () => {
    pdus++;
    clearTimeout(timer);
    timer = setTimeout(() => refuse('nothing came for too long'), nextMs);
  };
  socket.on('data', (bytes: Buffer) => {
    all += bytes.length;
    if (all > mostBytes) return refuse(`more than ${mostBytes} bytes`);
    for (let at = 0; at < bytes.length && !socket.destroyed; ) {
      if (left === 0) {
        const taken = Math.min(6 - inHeader, bytes.length - at);
        bytes.copy(header, inHeader, at, at + taken);
        inHeader += taken;
        at += taken;
        if (inHeader < 6) return;
        const reason = reasonToRefuse(header, pdus === 0, answers);
        if (reason !== undefined) return refuse(reason);
        left = header.readUInt32BE(2);
        inHeader = 0;
      } else {
        const taken = Math.min(left, bytes.length - at);
        left -= taken;
        at += taken;
      }
      if (left === 0 && inHeader === 0) ended();
    }
  });
}

function reasonToRefuse(header: Buffer, isFirst: boolean, answers: boolean): string | undefined {
  const type = header[0];
  const length = header.readUInt32BE(2);
  if (type < associateRequest || type > lastType) return 'a PDU of no known type';
  const begins = answers ? isFirst && associateAnswers.includes(type) : type === associateRequest;
  if (begins !== isFirst || (answers && type === associateRequest)) return 'PDUs out of order';
  const most = isFirst ? longestAssociateBytes : longestPduBytes;
  return length > most ? `a PDU of ${length} bytes` : undefined;
}
