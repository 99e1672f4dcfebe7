import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { seriesFiles } from '../support/dicom-series.js';
import { deliveredTo, startGateway } from '../support/gateway.js';

const images = seriesFiles({ number: 1, slices: 3, study: '1.2.3' });

/** A service that answers a path in some way; with an error where there is none. */
async function service(answers: (path: string) => object | Buffer | undefined): Promise<string> {
  const say = (response: ServerResponse, answer: object | Buffer | undefined) => {
    if (answer === undefined) response.writeHead(500).end();
    else if (!Buffer.isBuffer(answer)) response.end(JSON.stringify(answer));
    else {
      response.setHeader('Content-Type', 'multipart/related; boundary=B');
      response.end(answer);
    }
  };
  const server = createServer((request, response) => say(response, answers(request.url ?? '')));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const start = (kind: 'orthanc' | 'dicomweb', url: string) =>
  startGateway({ receiver: undefined, polls: [{ name: 'pacs', kind, url, everySeconds: 1 }] });

it('a study that an Orthanc cannot give holds up no other, and is read when it can', async () => {
  let last = 0;
  let isWhole = false;
  const url = await service((path) => {
    if (path === '/changes?last') return { Last: last };
    const [, since] = /^\/changes\?since=(\d+)/.exec(path) ?? [];
    if (since !== undefined) {
      const all = [
        { ChangeType: 'StableStudy', ID: 'bad', Seq: 1 },
        { ChangeType: 'StableStudy', ID: 'a0', Seq: 2 },
      ].filter(({ Seq }) => Seq > Number(since) && Seq <= last);
      return { Changes: all, Last: last, Done: true };
    }
    const series = (ids: string[]) => [{ MainDicomTags: { Modality: 'MR' }, Instances: ids }];
    if (path === '/studies/bad/series') return series(['bad']);
    if (path === '/studies/a0/series') return series(['0', '1', '2']);
    const [, at] = /^\/instances\/(\d)\/file$/.exec(path) ?? [];
    if (at !== undefined) return images[Number(at)];
    return isWhole ? seriesFiles({ number: 1, slices: 1, study: '1.2.4' })[0] : undefined;
  });
  const gateway = await start('orthanc', url);
  await gateway.until('asked', () => gateway.log.length > 0);
  // The place from which on changes are read is that of the start.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  last = 2;
  await gateway.until('delivered', ({ deliveries }) => deliveries.delivered === 1);
  await gateway.stop();
  isWhole = true;
  await gateway.start();
  await gateway.until('both', ({ deliveries }) => deliveries.delivered === 2);
  expect(deliveredTo(gateway.at('out')).map(({ images }) => images)).toEqual(
    expect.arrayContaining([1, 3]),
  );
});

it('a study that a DICOMweb service cannot give holds up no other', async () => {
  const url = await service((path) => {
    const study = (uid: string) => ({ '0020000D': { Value: [uid] } });
    if (path.startsWith('/studies?')) return [study('1.2.2'), study('1.2.3')];
    if (path.startsWith('/studies/1.2.3/series?')) {
      return [{ '0020000E': { Value: ['1.2.3.1'] }, '00080060': { Value: ['MR'] } }];
    }
    if (path !== '/studies/1.2.3/series/1.2.3.1') return undefined;
    const part = (image: Uint8Array) => [Buffer.from('--B\r\n\r\n'), image, Buffer.from('\r\n')];
    return Buffer.concat([...images.flatMap(part), Buffer.from('--B--\r\n')]);
  });
  const gateway = await start('dicomweb', url);
  await gateway.until('delivered', ({ deliveries }) => deliveries.delivered === 1);
  expect(gateway.log.some((line) => line.includes('"study not read"'))).toBe(true);
});

it('a study of a DICOMweb service whose images fail is tried again at the next look', async () => {
  const asked: string[] = [];
  const url = await service((path) => {
    if (path.startsWith('/studies?')) return [{ '0020000D': { Value: ['1.2.2'] } }];
    if (path.startsWith('/studies/1.2.2/series?')) {
      asked.push('look');
      return [{ '0020000E': { Value: ['1.2.2.1'] }, '00080060': { Value: ['MR'] } }];
    }
    asked.push('images');
    return undefined;
  });
  const gateway = await start('dicomweb', url);
  const isTwice = () => asked.filter((what) => what === 'images').length === 2;
  await gateway.until('tried twice', isTwice);
  // The first time it might still grow; a wait that began anew each time would never get longer.
  expect(asked).toEqual(['look', 'look', 'images', 'look', 'images']);
});
