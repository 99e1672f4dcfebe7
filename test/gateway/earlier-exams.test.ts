import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { dimseArchive } from '../../src/gateway/archive/dimse-archive.js';
import { checkDicomweb } from '../../src/gateway/dicomweb.js';
import type { SeriesSpec } from '../support/dicom-series.js';
import {
  deliveredTo,
  freePort,
  run,
  type StartedGateway,
  send,
  startGateway,
  withoutDcmtk,
  writeStudy,
} from '../support/gateway.js';
import { type Orthanc, startOrthanc, withoutOrthanc } from '../support/orthanc.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const reason = withoutOrthanc ?? withoutDcmtk;

interface MadeExam {
  readonly study: string;
  readonly date: string;
  readonly patient?: string;
  readonly birthDate?: string;
  readonly name?: string;
  readonly description?: string;
}

/** A study of three images, of a patient born in 1980. */
function specOf({ study, date, patient, birthDate, name, description }: MadeExam) {
  const elements: SeriesSpec['elements'] = {
    '00080020': ['DA', date],
    '00081030': ['LO', description ?? 'MR brain'],
    '00100010': ['PN', name ?? 'Doe^Jane'],
    '00100030': ['DA', birthDate ?? '19800101'],
  };
  return { study, patient, elements };
}

async function store(orthanc: Orthanc, exams: readonly MadeExam[]): Promise<void> {
  const at = temporaryFolder();
  for (const exam of exams) writeStudy(at(exam.study), specOf(exam));
  await run('storescu', ['-aec', 'ORTHANC', '127.0.0.1', `${orthanc.dicom}`, '+sd', '+r', at()]);
}

const archives = {
  dicom: (orthanc: Orthanc) => ({
    ...{ kind: 'dicom', host: '127.0.0.1', port: orthanc.dicom },
    ...{ title: 'ORTHANC', from: 'DAWSON' },
  }),
  dicomweb: (orthanc: Orthanc) => ({
    kind: 'dicomweb',
    url: `http://127.0.0.1:${orthanc.http}/dicom-web`,
  }),
};

async function startBoth(kind: keyof typeof archives, earlierExams: object = {}) {
  const port = await freePort();
  const orthanc = await startOrthanc(port);
  const gateway = await startGateway({
    receiver: { title: 'DAWSON', port, peers: [{ title: 'ORTHANC' }, { title: 'STORESCU' }] },
    folders: [{ path: 'inbox' }],
    quietSeconds: 2,
    earlierExams: { archive: archives[kind](orthanc), ...earlierExams },
  });
  return { orthanc, gateway, port };
}

const fetchedIn = (gateway: StartedGateway) =>
  gateway.log.filter((line) => JSON.parse(line).event === 'earlier exam fetched').length;

it('exams of nobody in particular are not compared with each other, those of one patient are', async () => {
  const gateway = await startGateway({
    ...{ receiver: undefined, folders: [{ path: 'inbox' }], earlierExams: {} },
  });
  const exams = [
    { study: '1.2.1', date: '20240131', patient: '', birthDate: '', name: 'Anonymous' },
    { study: '1.2.2', date: '20250131', patient: '', birthDate: '', name: 'Anonymous' },
    { study: '1.2.3', date: '20240131', patient: '' },
    { study: '1.2.4', date: '20250131', patient: '' },
  ];
  for (const exam of exams) writeStudy(gateway.at('inbox', exam.study), specOf(exam));
  const { last } = await gateway.until('all', ({ deliveries }) => deliveries.delivered === 4);
  expect(last.map(({ earlierExams }) => earlierExams).sort()).toEqual([0, 0, 0, 1]);
});

describe.skipIf(reason)(
  `earlier exams in an archive${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    it.each(['dicom', 'dicomweb'] as const)(
      'are found, fetched, analysed and compared, once, and not delivered (%s)',
      async (kind) => {
        const { orthanc, gateway, port } = await startBoth(kind, { descriptions: ['*brain*'] });
        await store(orthanc, [
          { study: '1.2.1', date: '20240131' },
          { study: '1.2.2', date: '20250131', name: 'Doe-Roe^Jane' },
          { study: '1.2.3', date: '20250131', description: 'MR knee' },
          { study: '1.2.4', date: '20250201', birthDate: '19790101' },
          { study: '1.2.5', date: '20250131', patient: 'P2' },
          { study: '1.2.6', date: '20010131' },
          { study: '1.2.7', date: '20270131' },
        ]);
        writeStudy(gateway.at('inbox'), specOf({ study: '1.2.9', date: '20260131' }));
        const first = await gateway.until('first', ({ deliveries }) => deliveries.delivered === 1);
        expect(first.jobs).toEqual({ done: 3 });
        expect(first.last.find(({ deliveries }) => deliveries.length === 1)).toMatchObject({
          earlierExams: 2,
          remarks: [
            expect.stringContaining('another birth date or sex: it is not compared'),
            expect.stringContaining('the same Patient ID but another name'),
          ],
        });
        const [delivered] = deliveredTo(gateway.at('out'));
        expect(delivered.earlierExams).toHaveLength(2);
        expect(delivered.remarks).toHaveLength(2);
        // Another exam of the patient finds all of them here.
        writeStudy(gateway.at('inbox'), specOf({ study: '1.2.10', date: '20260731' }));
        const second = await gateway.until(
          'second',
          ({ deliveries }) => deliveries.delivered === 2,
        );
        expect(second.last[0].earlierExams).toBe(3);
        expect(fetchedIn(gateway)).toBe(2);
        // One of them is sent: now its result is delivered too.
        const again = { study: '1.2.2', date: '20250131', name: 'Doe-Roe^Jane' };
        await send(port, writeStudy(gateway.at('again'), specOf(again)));
        const third = await gateway.until('third', ({ deliveries }) => deliveries.delivered === 3);
        expect(third.jobs).toEqual({ done: 4 });
        expect(third.last[0]).toMatchObject({ version: 1, earlierExams: 1 });
        const said =
          gateway.log.join('') + readFileSync(gateway.at('state', 'audit.jsonl'), 'utf8');
        expect(said).not.toMatch(/Doe|P1|1\.2\.\d|202[456]-?0[17]-?31/);
      },
    );

    it('of a patient who was merged with another are fetched anew, under the new identifier', async () => {
      const { orthanc, gateway } = await startBoth('dicom');
      writeStudy(gateway.at('inbox'), specOf({ study: '1.2.1', date: '20250131', patient: 'OLD' }));
      await gateway.until('first', ({ deliveries }) => deliveries.delivered === 1);
      await store(orthanc, [{ study: '1.2.1', date: '20250131' }]);
      writeStudy(gateway.at('inbox'), specOf({ study: '1.2.2', date: '20260131' }));
      const { last } = await gateway.until('all', ({ deliveries }) => deliveries.delivered === 3);
      const [newest] = last.filter(({ earlierExams }) => earlierExams === 1);
      expect(newest.version).toBe(1);
      expect(last.map(({ version }) => version).sort()).toEqual([1, 1, 2]);
    });

    it('can be asked whether it answers', async () => {
      const port = await freePort();
      const orthanc = await startOrthanc(port);
      const { signal } = new AbortController();
      const peer = { host: '127.0.0.1', port: orthanc.dicom, title: 'ORTHANC', from: 'DAWSON' };
      await dimseArchive(peer).check(signal);
      const gone = { ...peer, port: await freePort() };
      await expect(dimseArchive(gone).check(signal)).rejects.toThrow('ECONNREFUSED');
      await checkDicomweb({ url: archives.dicomweb(orthanc).url }, signal);
    });

    it('are not waited for longer than the site wants', async () => {
      const archive = { kind: 'dicomweb', url: `http://127.0.0.1:${await freePort()}` };
      const gateway = await startGateway({
        receiver: undefined,
        folders: [{ path: 'inbox' }],
        earlierExams: { archive, waitMinutes: 0.05 },
      });
      writeStudy(gateway.at('inbox'), specOf({ study: '1.2.9', date: '20260131' }));
      const { last } = await gateway.until('done', ({ deliveries }) => deliveries.delivered === 1);
      expect(last[0].remarks).toEqual([
        'the archive could not be asked for earlier exams: ECONNREFUSED',
        'not all earlier exams were there in time',
      ]);
    });
  },
);
