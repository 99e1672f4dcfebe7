import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  deliveredTo,
  freePort,
  has,
  run,
  standInSteps,
  startGateway,
  withoutDcmtk,
  writeStudy,
} from '../support/gateway.js';
import { startOrthanc, withoutOrthanc } from '../support/orthanc.js';

const reason = withoutOrthanc ?? withoutDcmtk;
const folders = [{ path: 'inbox' }];

describe('an exam that cannot be analysed', () => {
  it.each([
    ['where the site does not want it', {}, 'P1', 1],
    ['where images are of several patients', { reportRefused: true }, 'P2', 2],
  ])('delivers nothing %s', async (_what, wanted, patient, files) => {
    const gateway = await startGateway(
      { folders, receiver: undefined, quietSeconds: 3, ...wanted },
      standInSteps(() => 'final'),
    );
    writeStudy(gateway.at('inbox', 'a'), { study: '1.2.3', slices: 1 });
    if (files > 1) writeStudy(gateway.at('inbox', 'b'), { study: '1.2.3', number: 2, patient });
    const { deliveries } = await gateway.until('refused', ({ jobs }) => jobs.refused === 1);
    expect(deliveries).toEqual({});
    expect(existsSync(gateway.at('out'))).toBe(false);
  });
});

describe.skipIf(reason)(
  `an exam that cannot be analysed, and an Orthanc${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    it('delivers a page that says why, and its result when it is tried again', async () => {
      const orthanc = await startOrthanc(await freePort());
      let behaviour = 'final';
      const gateway = await startGateway(
        {
          ...{ folders, receiver: undefined, quietSeconds: 3, reportRefused: true },
          destinations: [
            { name: 'out', kind: 'folder', path: 'out' },
            { name: 'masks', kind: 'folder', path: 'masks', objects: ['lesions'] },
            { name: 'web', kind: 'dicomweb', url: `http://127.0.0.1:${orthanc.http}/dicom-web` },
          ],
        },
        standInSteps(() => behaviour),
      );
      const study = writeStudy(gateway.at('study'), { study: '1.2.3' });
      await run('storescu', ['-aec', 'ORTHANC', '127.0.0.1', `${orthanc.dicom}`, '+sd', study]);
      writeStudy(gateway.at('inbox'), { study: '1.2.3' });
      const { last } = await gateway.until('told', ({ deliveries }) => deliveries.delivered === 2);
      expect(last[0]).toMatchObject({ state: 'refused' });
      expect(deliveredTo(gateway.at('out'))[0]).toMatchObject({
        refused: 'It failed: expected one thing; found another.',
        objects: [{ file: 'report.dcm' }],
      });
      const studies = await orthanc.get<string[]>('/studies');
      expect(studies).toHaveLength(1);
      const instances = await orthanc.get<
        { ID: string; MainDicomTags: { SOPInstanceUID: string } }[]
      >(`/studies/${studies[0]}/instances`);
      expect(instances).toHaveLength(4);
      const tags = await Promise.all(
        instances.map(({ ID }) =>
          orthanc.get<Record<string, string>>(`/instances/${ID}/simplified-tags`),
        ),
      );
      expect(tags.find(({ Modality }) => Modality === 'DOC')).toMatchObject({
        DocumentTitle: 'Exam not analysed. Not a medical device',
        SeriesDescription: 'Dawson: not analysed (not a medical device)',
        PatientName: 'Doe^Jane',
      });
      if (has('dciodvfy')) {
        const file = gateway.at('out', `${last[0].study}-1`, 'report.dcm');
        const { stderr } = await run('dciodvfy', [file]).catch((error) => error);
        expect(stderr).not.toMatch(/^Error/m);
      }
      behaviour = 'done';
      await gateway.ask('retry', last[0].job);
      await gateway.until('delivered', ({ deliveries }) => deliveries.delivered === 3);
      expect(deliveredTo(gateway.at('out'))[0]).not.toHaveProperty('refused');
    });
  },
);
