import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { exportResult } from '../../src/dicom/index.js';
import { folderOf, named, runForTests } from '../support/dicom-folder.js';
import { reportBytes, resultOf } from '../support/dicom-result.js';
import { seriesFiles } from '../support/dicom-series.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const run = runForTests();
const script = fileURLToPath(new URL('../support/in-orthanc.sh', import.meta.url));

/** Debian: apt-get install --no-install-recommends orthanc dcmtk iproute2 curl */
const needed = ['Orthanc', 'storescu', 'ip', 'curl', 'unshare'];
const missing = needed.filter((name) => spawnSync('which', [name]).status !== 0);
if (missing.length === 0 && spawnSync('unshare', ['-rn', 'true']).status !== 0) {
  missing.push('network namespace');
}
if (missing.length > 0) console.log(`not tested with an archive: no ${missing.join(', ')}`);

describe.skipIf(missing.length > 0)('an archive (Orthanc)', () => {
  it('stores all objects, shows the previews and gives the report back', async () => {
    const spec = { number: 2, sequence: 'IR', tr: 9000, te: 100, ti: 2500, slices: 14 };
    const dicom = folderOf(named(seriesFiles({ ...spec, rows: 40, columns: 48, pixelMm: 4 })));
    const voxels = [
      [11, 12, 2],
      [12, 12, 2],
      [25, 13, 9],
    ] as const;
    const { folder } = await resultOf(dicom, '1.2.3.2', voxels, run);
    const out = join(temporaryFolder()(), 'objects');
    const objects = await exportResult(folder, dicom, out, run);

    const work = temporaryFolder()();
    const inside = spawnSync('unshare', ['-rn', 'bash', script, out, work], { encoding: 'utf8' });
    expect(inside.stdout + inside.stderr).not.toMatch(/^E:|^W:/m);
    const stored = readdirSync(work)
      .filter((name) => existsSync(join(work, name, 'tags.json')))
      .map((name) => ({
        ...JSON.parse(readFileSync(join(work, name, 'tags.json'), 'utf8')),
        folder: join(work, name),
      }));
    expect(stored.map(({ SOPInstanceUID }) => SOPInstanceUID).sort()).toEqual(
      objects.map(({ sopInstance }) => sopInstance).sort(),
    );
    const previews = stored.filter(({ Modality }) => Modality === 'OT');
    expect(previews).toHaveLength(14);
    for (const { folder } of previews) {
      const png = readFileSync(join(folder, 'preview.png'));
      expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([48, 40]);
    }
    const report = stored.find(({ Modality }) => Modality === 'DOC');
    const pdf = readFileSync(join(report!.folder, 'report.pdf'));
    expect(pdf.subarray(0, reportBytes.length).equals(reportBytes)).toBe(true);
  });
});
