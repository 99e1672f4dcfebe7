import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import dicomParser from 'dicom-parser';
import { describe, expect, it } from 'vitest';
import { readVolume } from '../../src/formats/index.js';
import { dawsonSteps } from '../../src/gateway/job.js';
import { demoExam } from '../support/dawson.js';
import { filesOfVolume, type SeriesSpec } from '../support/dicom-series.js';
import { freePort, run, startGateway, withoutDcmtk } from '../support/gateway.js';
import { startOrthanc, withoutOrthanc } from '../support/orthanc.js';

const reason = withoutOrthanc ?? withoutDcmtk;
const quietSeconds = 2;
/** The title of the table of the report. */
const changeTable = 'Change since 2025-01-31';
const script = fileURLToPath(new URL('../../scripts/make-demo-dicom.js', import.meta.url));

const uidOf = (bytes: Uint8Array): string =>
  dicomParser.parseDicom(bytes, { untilTag: 'x00080018' }).string('x00080018')!;

/** The demo exam as a study of three series. */
async function writeDemoStudy(folder: string, study: string, date: string): Promise<string> {
  const series: Readonly<Record<string, Partial<SeriesSpec>>> = {
    flair: { sequence: 'SE\\IR', tr: 9000, te: 100, ti: 2500 },
    t2: { sequence: 'SE', tr: 4000, te: 100 },
    t1: { sequence: 'SE', tr: 500, te: 10 },
  };
  mkdirSync(folder, { recursive: true });
  for (const [at, name] of Object.keys(series).entries()) {
    const { volume } = await readVolume(demoExam(name));
    const elements: SeriesSpec['elements'] = { '00080020': ['DA', date] };
    filesOfVolume(volume, { ...series[name], number: at + 1, study, elements }).forEach(
      (bytes, slice) => {
        writeFileSync(join(folder, `${name}-${slice}.dcm`), bytes);
      },
    );
  }
  return folder;
}

interface OrthancSeries {
  readonly MainDicomTags: { readonly Modality: string };
  readonly Instances: readonly string[];
}

describe.skipIf(reason)(
  `the demo exam from an Orthanc to an Orthanc${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    it('comes back as objects of its study; a second visit is compared with the first', async () => {
      const port = await freePort();
      const orthanc = await startOrthanc(port);
      const gateway = await startGateway(
        {
          receiver: { title: 'DAWSON', port, peers: [{ title: 'ORTHANC' }] },
          quietSeconds,
          earlierExams: {},
          destinations: [
            {
              ...{ name: 'pacs', kind: 'dicom', host: '127.0.0.1', port: orthanc.dicom },
              ...{ title: 'ORTHANC', from: 'DAWSON' },
            },
          ],
        },
        dawsonSteps,
      );
      for (const [at, date] of ['20250131', '20260131'].entries()) {
        const folder = await writeDemoStudy(gateway.at('study'), `1.2.${at + 3}`, date);
        await run('storescu', ['-aec', 'ORTHANC', '127.0.0.1', `${orthanc.dicom}`, '+sd', folder]);
        const [id] = await orthanc.post<string[]>('/tools/find', {
          Level: 'Study',
          Query: { StudyInstanceUID: `1.2.${at + 3}` },
        });
        await orthanc.post('/modalities/dawson/store', { Resources: [id] });
        const sentMs = performance.now();
        await gateway.until(
          'delivered',
          ({ deliveries, jobs }) => {
            if (jobs.refused || jobs.failed) throw new Error(gateway.log.join(''));
            return deliveries.delivered === at + 1;
          },
          3_000_000,
        );
        const seconds = (performance.now() - sentMs) / 1000;
        const steps = gateway.log
          .map((line) => JSON.parse(line))
          .filter(({ event }) => event === 'step ended')
          .slice(at === 0 ? 0 : 2)
          .map((entry) => entry.seconds as number);
        const [segment] = steps;
        console.log(
          `from the last image to the delivery ${seconds.toFixed(1)} s; steps ${steps
            .map((step) => step.toFixed(1))
            .join(
              ', ',
            )} s; beside segment and the quiet time ${(seconds - segment - quietSeconds).toFixed(1)} s`,
        );
        const series = await orthanc.get<OrthancSeries[]>(`/studies/${id}/series`);
        expect(series.map(({ MainDicomTags }) => MainDicomTags.Modality).sort()).toEqual([
          'DOC',
          'MR',
          'MR',
          'MR',
          'OT',
          'SEG',
          'SEG',
          'SR',
        ]);
      }
      const [second, first] = (await gateway.status()).last;
      expect([first.earlierExams, second.earlierExams]).toEqual([0, 1]);
      const html = (job: string) =>
        readFileSync(gateway.at('state', 'jobs', job, 'result', 'report.html'), 'utf8');
      expect(html(second.job)).toContain('2025-01-31');
      expect(html(second.job)).toContain(changeTable);
      expect(html(first.job)).not.toContain(changeTable);
      expect(html(first.job)).not.toContain('2026-01-31');
    });

    // With DAWSON_OBJECTS=FOLDER what came back stays there, for `python bench/dicom_export_judges.py FOLDER`.
    it.each(['siemens', 'ge', 'philips'])(
      'comes back in the dialect of %s, every object as it was made',
      async (vendor) => {
        const port = await freePort();
        const orthanc = await startOrthanc(port);
        const gateway = await startGateway(
          {
            receiver: { title: 'DAWSON', port, peers: [{ title: 'ORTHANC' }] },
            quietSeconds,
            destinations: [
              {
                ...{ name: 'pacs', kind: 'dicom', host: '127.0.0.1', port: orthanc.dicom },
                ...{ title: 'ORTHANC', from: 'DAWSON' },
              },
            ],
          },
          dawsonSteps,
        );
        const kept = join(process.env.DAWSON_OBJECTS ?? gateway.at('kept'), vendor);
        const exam = join(kept, 'exam');
        mkdirSync(kept, { recursive: true });
        execFileSync(process.execPath, [script, exam, vendor]);
        await run('storescu', [
          ...['-aec', 'ORTHANC', '127.0.0.1', `${orthanc.dicom}`],
          ...(vendor === 'ge' ? ['-xt'] : []),
          ...['-R', '+sd', '+r', exam],
        ]);
        const [study] = await orthanc.get<string[]>('/studies');
        await orthanc.post('/modalities/dawson/store', { Resources: [study] });
        const { last } = await gateway.until(
          'delivered',
          ({ deliveries, jobs }) => {
            if (jobs.refused || jobs.failed) throw new Error(gateway.log.join(''));
            return deliveries.delivered === 1;
          },
          3_000_000,
        );
        const job = gateway.at('state', 'jobs', last[0].job);
        const made = readdirSync(join(job, 'objects')).filter((name) => name.endsWith('.dcm'));
        expect(made.length).toBeGreaterThan(4);
        mkdirSync(join(kept, 'dicom'), { recursive: true });
        for (const name of made) {
          const uid = uidOf(readFileSync(join(job, 'objects', name)));
          const [{ ID }] = await orthanc.post<{ ID: string }[]>('/tools/lookup', uid);
          const response = await fetch(`http://127.0.0.1:${orthanc.http}/instances/${ID}/file`);
          const bytes = Buffer.from(await response.arrayBuffer());
          expect(uidOf(bytes)).toBe(uid);
          writeFileSync(join(kept, 'dicom', name), bytes);
        }
        cpSync(join(job, 'result'), join(kept, 'result'), { recursive: true });
        writeFileSync(join(kept, 'exam.txt'), exam);
        const { volume: mask } = await readVolume(join(kept, 'result', 'lesions.nii.gz'));
        expect(mask.data.filter((value) => value > 0).length).toBeGreaterThan(1000);
      },
    );
  },
);
