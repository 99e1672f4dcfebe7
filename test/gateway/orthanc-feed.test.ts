import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { readImage } from '../../src/gateway/polls/orthanc-feed.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** A service with an image, which it gives nobody who would take it compressed. */
async function serviceWith(image: Buffer): Promise<string> {
  const server = createServer((request, response) => {
    const isAsItIs = request.headers['accept-encoding'] === 'identity';
    response.writeHead(isAsItIs ? 200 : 406).end(isAsItIs ? image : '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

// An Orthanc takes seconds to compress a large image, and ends the connection before it is unpacked.
it('an image is read as the bytes that it is, and not compressed on its way', async () => {
  const at = temporaryFolder();
  const image = Buffer.alloc(2 ** 22, 'image');
  const url = await serviceWith(image);
  let taken: Buffer | undefined;
  const sink = {
    arriving: at(),
    limits: {
      ...{ instanceMiB: 64, studyInstances: 1, connections: 1 },
      ...{ instancesPerMinute: 1, freeGiB: 0 },
    },
    take: async (file: string) => {
      taken = readFileSync(file);
    },
  };
  await readImage({ url }, '0-1', sink, AbortSignal.timeout(60_000));
  expect(taken?.equals(image)).toBe(true);
});
