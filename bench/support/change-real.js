import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { definitions } from '../../dist/evaluate/definitions.js';
import { evaluatePair } from '../../dist/evaluate/evaluate-pair.js';
import { pairMasks } from '../../dist/evaluate/mask-pair.js';
import { readTransform, readVolume } from '../../dist/formats/index.js';
import { readJson } from '../../dist/formats/read-json.js';
import { changeClasses } from '../../dist/quantify/change.js';
import { voxelVolumeMm3 } from '../../dist/volume/affine.js';
import { connectedComponents } from '../../dist/volume/components.js';
import { resample } from '../../dist/volume/resample.js';
import { onGrid } from '../../dist/volume/volume.js';
import { dawson } from './dawson.js';

/** What counts as change, in the experts' mask as well: lesions that came, went, grew or shrank. */
const changed = ['new', 'enlarged', 'shrunken', 'disappeared'];

/** open-ms-01: two visits of one patient with other slices, and what experts marked as change. */
export async function realPair({ data, segmenter, model }) {
  const exam = join(data, 'exams', 'open-ms-01');
  const folder = mkdtempSync(join(tmpdir(), 'dawson-bench-'));
  try {
    const chosen = [
      ...(segmenter ? ['--segmenter', segmenter] : []),
      ...(model ? ['--model', model] : []),
    ];
    for (const study of ['study1', 'study2']) {
      const image = (name) => [`--${name}`, join(exam, study, `${name}.nii.gz`)];
      const images = ['flair', 't2', 't1'].flatMap(image);
      dawson('segment', ...images, '--out', join(folder, study), '--no-report', ...chosen);
    }
    const exams = ['study1', 'study2'].flatMap((study) => ['--exam', join(folder, study)]);
    dawson('track', ...exams, '--out', join(folder, 'change'));
    await againstExperts(exam, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function againstExperts(exam, folder) {
  const { volume: experts } = await readVolume(join(exam, 'change.nii.gz'));
  const commonToFlair = await readTransform(join(exam, 'study2', 'flair-to-common.txt'));
  const onCommon = async (file, toMoving) =>
    resample((await readVolume(join(folder, file))).volume, experts, {
      toMoving,
      interpolation: 'nearest',
    });
  const classes = await onCommon('change/change.nii.gz', commonToFlair);
  const marked = [
    await onCommon(
      'study1/lesions.nii.gz',
      await readTransform(join(exam, 'study1', 'flair-to-common.txt')),
    ),
    await onCommon('study2/lesions.nii.gz', commonToFlair),
  ];
  const numbers = new Set(changed.map((name) => 1 + changeClasses.indexOf(name)));
  const reference = onGrid(
    experts,
    Uint8Array.from(experts.data, (value) => (value ? 1 : 0)),
  );
  const prediction = onGrid(
    experts,
    Uint8Array.from(classes.data, (value) => (numbers.has(value) ? 1 : 0)),
  );
  const { consecutive } = await readJson(join(folder, 'change', 'change.json'));
  console.log('Called:', JSON.stringify(consecutive[0].counts));
  const pair = pairMasks(reference, prediction);
  const { lesionwise } = evaluatePair(pair, definitions.msseg2);
  console.log('Against the experts (MSSEG-2 rule):', JSON.stringify(lesionwise));
  console.log(
    'Each change that the experts marked: mm3, share called changed, share marked before, now',
  );
  const { labels, count, sizesVoxels } = connectedComponents(reference, 6);
  const mm3 = voxelVolumeMm3(experts.affine);
  for (let label = 1; label <= count; label++) {
    const share = ({ data }) => {
      let voxels = 0;
      labels.data.forEach((own, at) => {
        if (own === label && data[at] !== 0) voxels++;
      });
      return (voxels / sizesVoxels[label]).toFixed(2);
    };
    const cells = [(mm3 * sizesVoxels[label]).toFixed(0), share(prediction), ...marked.map(share)];
    console.log(cells.map((cell) => cell.padStart(8)).join(''));
  }
}
