import { describe, expect, it } from 'vitest';
import {
  freePort,
  run,
  standInSteps,
  startGateway,
  withoutDcmtk,
  writeStudy,
} from '../support/gateway.js';
import { startOrthanc, withoutOrthanc } from '../support/orthanc.js';

const reason = withoutOrthanc ?? withoutDcmtk;

describe.skipIf(reason)(`a gateway and an Orthanc${reason ? ` (skipped: ${reason})` : ''}`, () => {
  it('takes a study from it, and gives the result back by C-STORE and STOW-RS, once', async () => {
    const port = await freePort();
    const orthanc = await startOrthanc(port);
    const gateway = await startGateway({
      receiver: { title: 'DAWSON', port, peers: [{ title: 'ORTHANC' }] },
      destinations: [
        {
          name: 'pacs',
          kind: 'dicom',
          host: '127.0.0.1',
          port: orthanc.dicom,
          title: 'ORTHANC',
          from: 'DAWSON',
        },
        { name: 'web', kind: 'dicomweb', url: `http://127.0.0.1:${orthanc.http}/dicom-web` },
      ],
    });
    const study = writeStudy(gateway.at('study'), { study: '1.2.3' });
    await run('storescu', ['-aec', 'ORTHANC', '127.0.0.1', `${orthanc.dicom}`, '+sd', study]);
    const [id] = await orthanc.get<string[]>('/studies');
    await orthanc.post('/modalities/dawson/store', { Resources: [id] });
    await gateway.until('delivered', ({ deliveries }) => deliveries.delivered === 2);
    const series = await orthanc.get<
      { MainDicomTags: { Modality: string }; Instances: string[] }[]
    >(`/studies/${id}/series`);
    expect(
      series
        .map(({ MainDicomTags, Instances }) => [MainDicomTags.Modality, Instances.length])
        .sort(),
    ).toEqual([
      ['MR', 3],
      ['OT', 1],
    ]);
    // What comes back to us is no exam: the whole study is sent again, and nothing more happens.
    await orthanc.post('/modalities/dawson/store', { Resources: [id] });
    const { last } = await gateway.until('idle', ({ arriving }) => arriving === 0);
    expect(last).toHaveLength(1);
  });

  it('keeps results while it is away, and delivers them when it is back', async () => {
    const port = await freePort();
    const orthanc = await startOrthanc(port);
    const destination = {
      name: 'pacs',
      kind: 'dicom',
      host: '127.0.0.1',
      port: orthanc.dicom,
      title: 'ORTHANC',
      from: 'DAWSON',
    };
    const gateway = await startGateway(
      { receiver: undefined, folders: [{ path: 'inbox' }], destinations: [destination] },
      standInSteps(() => {
        orthanc.kill();
        return 'done';
      }),
    );
    writeStudy(gateway.at('inbox'), { study: '1.2.3' });
    await gateway.until('delivered', ({ deliveries }) => deliveries.delivered === 1);
    expect(await orthanc.get('/instances')).toHaveLength(1);
  });
});
