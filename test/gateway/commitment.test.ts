import { describe, expect, it } from 'vitest';
import { associate } from '../../src/gateway/associate.js';
import { Dataset, requests } from '../../src/gateway/dimse.js';
import { checkCommitment, storageCommitment } from '../../src/gateway/send/commitment.js';
import { freePort, startGateway, withoutDcmtk, writeStudy } from '../support/gateway.js';
import { startOrthanc, withoutOrthanc } from '../support/orthanc.js';

const reason = withoutOrthanc ?? withoutDcmtk;

describe.skipIf(reason)(`storage commitment${reason ? ` (skipped: ${reason})` : ''}`, () => {
  it('is asked for, and a result is kept until the peer commits itself to it', async () => {
    const port = await freePort();
    const orthanc = await startOrthanc(port);
    const peer = { host: '127.0.0.1', port: orthanc.dicom, title: 'ORTHANC', from: 'DAWSON' };
    const gateway = await startGateway({
      receiver: { title: 'DAWSON', port, peers: [{ title: 'ORTHANC' }, { title: 'OTHER' }] },
      folders: [{ path: 'inbox' }],
      destinations: [{ name: 'pacs', kind: 'dicom', ...peer, commitmentMinutes: 60 }],
    });
    await checkCommitment(peer, new AbortController().signal);
    writeStudy(gateway.at('inbox'), { study: '1.2.3' });
    const { last } = await gateway.until('committed', ({ jobs, deliveries }) => {
      return jobs.done === 1 && deliveries.delivered === 1;
    });
    expect(last[0].deliveries).toMatchObject([{ destination: 'pacs', state: 'delivered' }]);
    expect(await orthanc.get('/instances')).toHaveLength(1);
    const said = gateway.log.map((line) => JSON.parse(line));
    const order = said
      .filter(({ destination }) => destination === 'pacs')
      .map(({ event, committed }) => [event, committed]);
    expect(order).toEqual([
      ['commitment asked for', undefined],
      ['result delivered', true],
    ]);
    // Nobody was asked by this transaction.
    const report = new requests.NEventReportRequest(storageCommitment, `${storageCommitment}.1`, 1);
    report.setDataset(new Dataset({ TransactionUID: '2.25.7', ReferencedSOPSequence: [] }));
    let status: number | undefined;
    report.on('response', (response) => {
      status = response.getStatus();
    });
    const receiver = { host: '127.0.0.1', port, title: 'DAWSON', from: 'OTHER' };
    await associate(receiver, [report], { signal: new AbortController().signal });
    expect(status).toBe(0x0112);
  });
});
