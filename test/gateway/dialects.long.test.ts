import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openDicomExam, readDicomFolder } from '../../src/dicom/index.js';
import { readVolume } from '../../src/formats/index.js';
import { demoExam } from '../support/dawson.js';
import { runForTests } from '../support/dicom-folder.js';
import { freePort, startGateway } from '../support/gateway.js';
import { startOrthanc, withoutOrthanc } from '../support/orthanc.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const script = fileURLToPath(new URL('../../scripts/make-demo-dicom.js', import.meta.url));

describe.skipIf(withoutOrthanc)(
  `the demo exam through an Orthanc${withoutOrthanc ? ` (skipped: ${withoutOrthanc})` : ''}`,
  () => {
    it.each(['siemens', 'ge', 'philips'])(
      'in the dialect of %s arrives with every voxel, as one exam',
      async (vendor) => {
        const run = runForTests();
        const at = temporaryFolder();
        execFileSync(process.execPath, [script, at(), vendor]);
        const port = await freePort();
        const orthanc = await startOrthanc(port);
        const feed = { name: 'feed', kind: 'orthanc', everySeconds: 1 };
        const gateway = await startGateway({
          receiver: { title: 'DAWSON', port, peers: [{ title: 'ORTHANC' }] },
          polls: [{ ...feed, url: `http://127.0.0.1:${orthanc.http}` }],
          quietSeconds: 5,
        });
        for (const entry of readdirSync(at(vendor), { recursive: true, withFileTypes: true })) {
          if (!entry.isFile()) continue;
          const body = readFileSync(join(entry.parentPath, entry.name));
          await fetch(`http://127.0.0.1:${orthanc.http}/instances`, { method: 'POST', body });
        }
        const [id] = await orthanc.get<string[]>('/studies');
        await orthanc.post('/modalities/dawson/store', { Resources: [id] });
        await gateway.until('here', () =>
          gateway.log.some((line) => JSON.parse(line).event === 'study read from a service'),
        );
        const { last } = await gateway.until(
          'done',
          ({ arriving, jobs, deliveries }) =>
            arriving === 0 && !jobs.waiting && !jobs.running && !deliveries.waiting,
          120_000,
        );
        const input = gateway.at('state', 'jobs', last[0].job, 'input');
        const exam = openDicomExam(await readDicomFolder(input, run), {}, run);
        const { exam: read } = await exam.read();
        for (const name of ['flair', 't2', 't1'] as const) {
          const { volume } = await readVolume(demoExam(name));
          const dicom = read[name]!.volume;
          expect(dicom.size).toEqual(volume.size);
          expect(dicom.data.every((value, voxel) => value === volume.data[voxel])).toBe(true);
        }
        // Sent by DIMSE and read as files: the same data sets, so one version.
        expect(last.map(({ version }) => version)).toEqual([1]);
      },
    );
  },
);
