// Results as DICOM objects, for bench/dicom_export_judges.py to judge: the demo exam as a classic
// series, straight and oblique, and real series (classic oblique, enhanced), taken for a FLAIR by a
// rule, with planted lesions that no reflection leaves as they are.
//
//   npm run bench -- dicom-export --out FOLDER [--series NAME=FOLDER ...]
//   python bench/dicom_export_judges.py FOLDER
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readVolume, writeNifti } from '../dist/formats/index.js';
import { findLesions } from '../dist/quantify/lesions.js';
import { onGrid } from '../dist/volume/volume.js';
import { dawson } from './support/dawson.js';
import { writeDicomSeries } from './support/dicom-series.js';

const { values: flags } = parseArgs({
  options: { out: { type: 'string' }, series: { type: 'string', multiple: true, default: [] } },
});
if (!flags.out) throw new Error('--out FOLDER is missing');

const rules = join(flags.out, 'rules.json');
mkdirSync(flags.out, { recursive: true });
writeFileSync(
  rules,
  JSON.stringify({
    schema: 'dawson-dicom-rules',
    schemaVersion: 1,
    rules: [{ use: 'flair', where: { description: '*' } }],
  }),
);

await demo('straight', (affine) => affine);
await demo('oblique', rotated);
for (const named of flags.series) {
  const [name, folder] = named.split('=');
  segmented(name, folder, ['--rules', rules, '--ignore-quality']);
  exported(name, folder, join(flags.out, `${name}-without`));
  await plant(join(flags.out, name, 'result'));
  exported(name, folder);
}

/** The demo exam, of a patient with accents. */
async function demo(name, turn) {
  const file = fileURLToPath(new URL('../demo/exam/flair.nii.gz', import.meta.url));
  const { volume } = await readVolume(file);
  const acquired = {
    '00080005': ['CS', 'ISO_IR 192'],
    '00080030': ['TM', '101530.5'],
    '00080050': ['SH', 'A-17'],
    '00080090': ['PN', 'House^G'],
    '00081030': ['LO', 'MRI head'],
    '00100010': ['PN', 'Dem\u00f6^J\u00fcrgen'],
    '00100030': ['DA', '19800131'],
    '00100040': ['CS', 'M'],
    '00101010': ['AS', '046Y'],
    '00180020': ['CS', 'SE\\IR'],
    '00180050': ['DS', '3'],
    '00180080': ['DS', '9000'],
    '00180081': ['DS', '100'],
    '00180082': ['DS', '2500'],
    '00200010': ['SH', '4711'],
    '00200052': ['UI', '1.2.3.99'],
  };
  const folder = join(flags.out, name, 'exam');
  const turned = { ...volume, affine: turn(volume.affine) };
  writeDicomSeries(turned, folder, { number: 2, acquired });
  segmented(name, folder, ['--ignore-quality']);
  exported(name, folder);
}

/** Turned by 0.3 about x, then by 0.2 about z. */
function rotated(affine) {
  const [a, b] = [0.3, 0.2];
  const x = [1, 0, 0, 0, Math.cos(a), -Math.sin(a), 0, Math.sin(a), Math.cos(a)];
  const z = [Math.cos(b), -Math.sin(b), 0, Math.sin(b), Math.cos(b), 0, 0, 0, 1];
  const times = (m, v) => [0, 3, 6].map((r) => m[r] * v[0] + m[r + 1] * v[1] + m[r + 2] * v[2]);
  const out = [...affine];
  for (let column = 0; column < 4; column++) {
    const turned = times(z, times(x, [affine[column], affine[4 + column], affine[8 + column]]));
    for (const [row, value] of turned.entries()) out[4 * row + column] = value;
  }
  return out;
}

function segmented(name, folder, options) {
  const out = join(flags.out, name, 'result');
  dawson('segment', '--dicom', folder, '--out', out, '--segmenter', 'lst-lga', ...options);
}

function exported(name, folder, out = join(flags.out, name)) {
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'exam.txt'), folder);
  const result = join(flags.out, name, 'result');
  dawson('dicom', 'export', result, '--dicom', folder, '--out', join(out, 'dicom'));
}

/** Puts boxes of different sizes off the middle in place of the lesions of a result. */
async function plant(result) {
  const { volume: flair } = await readVolume(join(result, 'flair.nii.gz'));
  const [nx, ny, nz] = flair.size;
  const probability = new Float32Array(nx * ny * nz);
  for (const [i, j, k, length] of [
    [0.3, 0.2, 0.2, 7],
    [0.6, 0.3, 0.5, 5],
    [0.4, 0.7, 0.6, 3],
  ]) {
    const first = [i * nx, j * ny, k * nz].map(Math.floor);
    for (let z = first[2]; z < first[2] + 2; z++)
      for (let y = first[1]; y < first[1] + 3; y++)
        for (let x = first[0]; x < first[0] + length; x++) probability[x + nx * (y + ny * z)] = 0.9;
  }
  const file = join(result, 'findings.json');
  const findings = JSON.parse(readFileSync(file, 'utf8'));
  const rule = findings.settings.lesionRule;
  const { list, mask, volumeMl } = findLesions(onGrid(flair, probability), rule);
  const regions = ['periventricular', 'infratentorial', 'cortical-juxtacortical'];
  const lesions = list.map((lesion, index) => ({
    ...lesion,
    region: regions[index],
    side: index === 0 ? 'left' : 'midline',
    distancesMm: { ventricles: 1, cortex: 1 },
  }));
  const planted = { ...findings, lesions, lesionCount: list.length, lesionVolumeMl: volumeMl };
  writeFileSync(file, JSON.stringify(planted));
  await writeNifti(join(result, 'lesions.nii.gz'), mask);
}
