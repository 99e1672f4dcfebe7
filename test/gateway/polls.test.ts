import { describe, expect, it } from 'vitest';
import type { PollConfig } from '../../src/gateway/config.js';
import { checkPoll } from '../../src/gateway/polls/pollers.js';
import {
  deliveredTo,
  freePort,
  run,
  type StartedGateway,
  startGateway,
  withoutDcmtk,
  writeStudy,
} from '../support/gateway.js';
import { type Orthanc, startOrthanc, withoutOrthanc } from '../support/orthanc.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const reason = withoutOrthanc ?? withoutDcmtk;
const today = new Date().toISOString().slice(0, 10).replaceAll('-', '');

async function store(orthanc: Orthanc, study: string, slices = 3): Promise<void> {
  const at = temporaryFolder();
  writeStudy(at(), { study, slices, elements: { '00080020': ['DA', today] } });
  await run('storescu', ['-aec', 'ORTHANC', '127.0.0.1', `${orthanc.dicom}`, '+sd', at()]);
}

const kinds: Record<PollConfig['kind'], (orthanc: Orthanc) => Pick<PollConfig, 'kind' | 'url'>> = {
  orthanc: ({ http }) => ({ kind: 'orthanc', url: `http://127.0.0.1:${http}` }),
  dicomweb: ({ http }) => ({ kind: 'dicomweb', url: `http://127.0.0.1:${http}/dicom-web` }),
};

const readBy = (gateway: StartedGateway) =>
  gateway.log.filter((line) => JSON.parse(line).event === 'study read from a service').length;

describe.skipIf(reason)(
  `a service that is asked for new studies${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    it.each(['orthanc', 'dicomweb'] as const)(
      'gives each once, with what comes late, also after a stop (%s)',
      async (kind) => {
        const orthanc = await startOrthanc(await freePort());
        const service = kinds[kind](orthanc);
        if (kind === 'orthanc') {
          await store(orthanc, '1.2.1');
          while (!JSON.stringify(await orthanc.get('/changes')).includes('StableStudy')) {
            await new Promise((resolve) => setTimeout(resolve, 200));
          }
        }
        const gateway = await startGateway({
          receiver: undefined,
          quietSeconds: 2,
          polls: [{ name: 'pacs', ...service, everySeconds: 1 }],
          destinations: [
            { name: 'out', kind: 'folder', path: 'out' },
            { name: 'web', ...kinds.dicomweb(orthanc) },
          ],
        });
        const delivered = (count: number) =>
          gateway.until(`${count} delivered`, ({ deliveries }) => deliveries.delivered === count);
        await gateway.until('asked', () => gateway.log.length > 0);
        // The place from which on changes are read is that of the start.
        await new Promise((resolve) => setTimeout(resolve, 1500));
        await store(orthanc, '1.2.2');
        await delivered(2);
        // The result is there now, which is no new exam; one more image is.
        await store(orthanc, '1.2.2', 4);
        const { last } = await delivered(4);
        expect(last.map(({ version, images }) => [version, images])).toEqual([
          [2, 4],
          [1, 3],
        ]);
        await gateway.stop();
        await store(orthanc, '1.2.3');
        await gateway.start();
        await delivered(6);
        expect(deliveredTo(gateway.at('out'))).toHaveLength(3);
        expect(readBy(gateway)).toBe(3);
        await checkPoll(
          { name: 'pacs', ...service, priority: 'routine', everySeconds: 1, withinDays: 1 },
          new AbortController().signal,
        );
      },
    );
  },
);
