import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findStack, readDicomFolder, stackVolume } from '../../src/dicom/index.js';
import { writeNifti } from '../../src/formats/index.js';
import type { Findings } from '../../src/quantify/findings.js';
import { findLesions } from '../../src/quantify/lesions.js';
import type { Run } from '../../src/run.js';
import { onGrid, toFloat32 } from '../../src/volume/volume.js';
import { drawnExam } from './report-exam.js';
import { temporaryFolder } from './temporary-folder.js';

const regions = ['periventricular', 'infratentorial', 'cortical-juxtacortical'] as const;

/** Ends with an odd number of bytes, as reports may. */
export const reportBytes = Buffer.from('%PDF-1.7\nreport\n%%EOF\n\n');

/** The folder of a result of a series, with these voxels (column, row, slice) as lesions. */
export async function resultOf(
  dicom: string,
  series: string,
  lesionVoxels: readonly (readonly [number, number, number])[],
  run: Run,
): Promise<{ folder: string; findings: Findings; mask: Uint8Array }> {
  const { stack } = findStack(await readDicomFolder(dicom, run), series);
  const { volume } = await stackVolume(stack, run);
  const flair = toFloat32(volume);
  const [nx, ny] = flair.size;
  const probability = new Float32Array(flair.data.length);
  for (const [i, j, k] of lesionVoxels) probability[i + nx * (j + ny * k)] = 0.9;
  const { findings: drawn } = drawnExam({
    size: [20, 20, 20],
    fileName: `series ${series}`,
    seriesUid: series,
  });
  const { list, mask, volumeMl } = findLesions(
    onGrid(flair, probability),
    drawn.settings.lesionRule,
  );
  const findings = {
    ...drawn,
    lesions: list.map((lesion, at) => ({
      ...lesion,
      region: regions[at % 3],
      side: at === 0 ? ('left' as const) : ('right' as const),
      distancesMm: { ventricles: 1, cortex: 2 },
    })),
    lesionCount: list.length,
    lesionVolumeMl: volumeMl,
  };
  const folder = temporaryFolder()();
  writeFileSync(join(folder, 'findings.json'), JSON.stringify(findings));
  writeFileSync(join(folder, 'report.pdf'), reportBytes);
  await writeNifti(join(folder, 'flair.nii.gz'), flair);
  await writeNifti(join(folder, 'lesions.nii.gz'), mask);
  await writeNifti(
    join(folder, 'brain.nii.gz'),
    onGrid(
      flair,
      mask.data.map(() => 1),
    ),
  );
  return { folder, findings, mask: mask.data as Uint8Array };
}
