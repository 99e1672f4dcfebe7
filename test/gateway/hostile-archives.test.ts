import { readdirSync, rmSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import type { requests, responses } from 'dcmjs-dimse';
import { describe, expect, it, onTestFinished } from 'vitest';
import { dicomwebArchive } from '../../src/gateway/archive/dicomweb-archive.js';
import { dimseArchive } from '../../src/gateway/archive/dimse-archive.js';
import { Dataset, responses as made } from '../../src/gateway/dimse.js';
import { boundaryOf, multipart } from '../../src/gateway/multipart.js';
import { AcceptingScp } from '../support/accepting-scp.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const question = { patientId: 'P1', from: '20200101', to: '20260101' };
const { signal } = new AbortController();

async function* pieces(text: string, length: number) {
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

async function partsOf(text: string, length: number): Promise<string[]> {
  const parts: string[] = [];
  for await (const event of multipart(pieces(text, length), 'B')) {
    if (event.kind === 'begin') parts.push('');
    if (event.kind === 'bytes') parts.push(parts.pop()! + event.bytes.toString('latin1'));
  }
  return parts;
}

describe('a multipart message', () => {
  const message =
    'preamble\r\n--B\r\nContent-Type: application/dicom\r\n\r\nfirst\r\n--A\r\n\r\n' +
    '\r\n--B\r\nX: y\r\n\r\n\r\n--B--\r\nepilogue';

  it.each([1, 2, 3, 7, 1000])('gives its parts, in pieces of %i bytes', async (length) => {
    expect(await partsOf(message, length)).toEqual(['first\r\n--A\r\n\r\n', '']);
    expect(await partsOf('--B\r\n\r\nx\r\n--B--', length)).toEqual(['x']);
  });

  it.each([
    ['nothing', ''],
    ['no end', '--B\r\nX: y\r\n\r\nhalf an ima'],
    ['half a boundary', '--B\r\nX: y\r\n\r\nimage\r\n--B'],
    ['another boundary', `--C\r\n\r\n${'x'.repeat(40_000)}`],
    ['headers without an end', `--B\r\n${'X: y\r\n'.repeat(4000)}`],
  ])('of %s is refused', async (_what, text) => {
    await expect(partsOf(text, 4096)).rejects.toMatchObject({ name: 'PeerFailure' });
  });

  it.each([
    ['multipart/related; type="application/dicom"; boundary="a b"', 'a b'],
    ['Multipart/Related;boundary=x;type=y', 'x'],
    ['multipart/mixed; boundary=x', undefined],
    ['multipart/related', undefined],
    [null, undefined],
  ])('names its boundary: %s', (type, boundary) => {
    expect(boundaryOf(type)).toBe(boundary);
  });
});

/** A service that answers in this way, and an archive that asks it. */
async function service(answer: (response: ServerResponse, url: string) => void) {
  const at = temporaryFolder();
  const server = createServer((request, response) => answer(response, request.url ?? ''));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const taken: string[] = [];
  const archive = dicomwebArchive(
    { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
    {
      arriving: at(),
      limits: {
        ...{ instanceMiB: 0.01, studyInstances: 3, connections: 1 },
        ...{ instancesPerMinute: 9, freeGiB: 0 },
      },
      take: async (file) => {
        taken.push(file);
        rmSync(file);
      },
    },
  );
  return { archive, taken, at };
}

const contentType = 'multipart/related; type="application/dicom"; boundary=B';

describe('an archive of DICOMweb that is hostile', () => {
  it.each([
    [
      'more answers than anybody has studies',
      JSON.stringify(Array(2000).fill({})),
      'more than 200',
    ],
    ['an answer without end', `[${'{},'.repeat(8_000_000)}{}]`, 'too long'],
    ['no list', '{"0020000D": 1}', 'no list'],
  ])('is not listened to: %s', async (_what, body, said) => {
    const { archive } = await service((response) => response.end(body));
    await expect(archive.findStudies(question, signal)).rejects.toThrow(said);
  });

  it('gives what is of another form, which is passed over', async () => {
    const good = {
      '0020000D': { Value: ['1.2'] },
      '00100020': { Value: ['P1'] },
      '00080020': { Value: ['20250101'] },
    };
    const bad = [
      7,
      null,
      { ...good, '0020000D': { Value: ['../../etc'] } },
      { ...good, '0020000D': { Value: [{ Alphabetic: {} }] } },
      { ...good, '00080020': { Value: ['yesterday'] } },
      { ...good, '00100020': 'P1' },
    ];
    const { archive } = await service((response) => response.end(JSON.stringify([...bad, good])));
    expect((await archive.findStudies(question, signal)).map(({ uid }) => uid)).toEqual(['1.2']);
  });

  it.each([
    [
      'elsewhere',
      (response: ServerResponse) =>
        response.writeHead(302, { Location: 'http://127.0.0.1:1/' }).end(),
    ],
    ['an error', (response: ServerResponse) => response.writeHead(500).end('no')],
    [
      'no parts',
      (response: ServerResponse) =>
        response.writeHead(200, { 'Content-Type': 'text/html' }).end('hello'),
    ],
    [
      'too large an image',
      (response: ServerResponse) =>
        response
          .writeHead(200, { 'Content-Type': contentType })
          .end(`--B\r\n\r\n${'x'.repeat(20_000)}\r\n--B--`),
    ],
    [
      'too many images',
      (response: ServerResponse) =>
        response
          .writeHead(200, { 'Content-Type': contentType })
          .end(`${'--B\r\n\r\nx\r\n'.repeat(5)}--B--`),
    ],
    [
      'half an image',
      (response: ServerResponse) => {
        response.writeHead(200, { 'Content-Type': contentType }).write('--B\r\n\r\nxxx');
        setTimeout(() => response.destroy(), 50);
      },
    ],
  ])('sends %s: it fails, and no file stays', async (_what, answer) => {
    const { archive, at } = await service(answer);
    await expect(archive.fetch('1.2', ['1.2.3'], signal)).rejects.toMatchObject({
      name: 'PeerFailure',
    });
    expect(readdirSync(at())).toEqual([]);
  });
});

/** An archive that answers a question with so many studies. */
class Talkative extends AcceptingScp {
  override cFindRequest(
    request: requests.CFindRequest,
    answer: (all: responses.CFindResponse[]) => void,
  ): void {
    const all = Array.from({ length: 300 }, (_, at) => {
      const response = made.CFindResponse.fromRequest(request);
      response.setStatus(0xff00);
      response.setDataset(
        new Dataset({ StudyInstanceUID: `1.${at}`, PatientID: 'P1', StudyDate: '20250101' }),
      );
      return response;
    });
    answer(all);
  }
}

describe('an archive of DIMSE that is hostile', () => {
  const archiveAt = async (connected: (socket: import('node:net').Socket) => void) => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => {});
      connected(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    return dimseArchive({ host: '127.0.0.1', port, title: 'ARCHIVE', from: 'DAWSON' });
  };

  it('is left when it gives more answers than anybody has studies', async () => {
    const archive = await archiveAt((socket) => {
      const scp = new Talkative(socket, {});
      scp.on('networkError', () => socket.destroy());
    });
    await expect(archive.findStudies(question, signal)).rejects.toThrow('more than 200 answers');
  });

  it.each([
    ['a PDU without end', Buffer.from([2, 0, 0xff, 0xff, 0xff, 0xff]), 'a PDU of 4294967295 bytes'],
    ['data before an answer', Buffer.from([4, 0, 0, 0, 0, 0]), 'PDUs out of order'],
    ['what is no DICOM', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), 'nknown'],
  ])('is left when it sends %s', async (_what, bytes, said) => {
    const archive = await archiveAt((socket) => void socket.write(bytes));
    await expect(archive.findStudies(question, signal)).rejects.toThrow(said);
  });
});
