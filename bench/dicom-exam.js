// An exam as DICOM beside the same exam as NIfTI: time and peak memory of reading a series of 200
// slices, each way in a process of its own; with --segment also the lesion masks of the demo exam.
//
//   npm run bench -- dicom-exam [--segment]
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readDicomFolder, stackVolume } from '../dist/dicom/index.js';
import { readVolume, writeNifti } from '../dist/formats/index.js';
import { seededRandom } from '../dist/volume/random.js';
import { WorkerPool } from '../dist/workers.js';
import { dawson } from './support/dawson.js';
import { writeDicomSeries } from './support/dicom-series.js';

const { values: flags } = parseArgs({
  options: { segment: { type: 'boolean', default: false }, read: { type: 'string' } },
});

if (flags.read) await readAndReport(flags.read);
else await compare();

async function compare() {
  const work = mkdtempSync(join(tmpdir(), 'dawson-dicom-exam-'));
  try {
    await readTimes(work);
    if (flags.segment) await masks(work);
  } finally {
    rmSync(work, { recursive: true });
  }
}

async function readTimes(work) {
  const size = [256, 256, 200];
  const random = seededRandom(1);
  const data = new Int16Array(size[0] * size[1] * size[2]).map(() => 1000 * random.uniform());
  const volume = { data, size, affine: [-1, 0, 0, 128, 0, -1, 0, 128, 0, 0, 1, -100, 0, 0, 0, 1] };
  const nifti = join(work, 'series.nii.gz');
  await writeNifti(nifti, volume);
  writeDicomSeries(volume, join(work, 'series'), { number: 1, acquired: {} });
  console.log('200 slices of 256 x 256   seconds  CPU seconds  peak MiB');
  for (const [name, path] of [
    ['NIfTI, compressed', nifti],
    ['DICOM', join(work, 'series')],
  ]) {
    const runs = Array.from({ length: 5 }, () => measured(path)).sort(
      (a, b) => a.seconds - b.seconds,
    );
    const { seconds, cpu, mib } = runs[2];
    console.log(
      name.padEnd(25) +
        seconds.toFixed(2).padStart(8) +
        cpu.toFixed(2).padStart(13) +
        mib.toFixed(0).padStart(10),
    );
  }
}

function measured(path) {
  const self = fileURLToPath(import.meta.url);
  const { stdout, stderr } = spawnSync(process.execPath, [self, '--read', path], {
    encoding: 'utf8',
  });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}

/** The work of a process that does nothing else. */
async function readAndReport(path) {
  const startMs = performance.now();
  if (path.endsWith('.nii.gz')) {
    await readVolume(path);
  } else {
    const pool = new WorkerPool();
    const run = { pool, stage: (_name, work) => work(() => {}) };
    const { studies } = await readDicomFolder(path, run);
    await stackVolume(studies[0].series[0].stacks[0], run);
    await pool.close();
  }
  const seconds = (performance.now() - startMs) / 1000;
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const cpu = (userCPUTime + systemCPUTime) / 1e6;
  console.log(JSON.stringify({ seconds, cpu, mib: maxRSS / 1024 }));
}

/** The demo exam by its NIfTI files, and as DICOM in each vendor's dialect. */
async function masks(work) {
  const file = (name) => fileURLToPath(new URL(`../demo/exam/${name}.nii.gz`, import.meta.url));
  const script = fileURLToPath(new URL('../scripts/make-demo-dicom.js', import.meta.url));
  spawnSync(process.execPath, [script, join(work, 'exam')], { stdio: 'inherit' });
  const files = ['flair', 't2', 't1'].flatMap((name) => [`--${name}`, file(name)]);
  const maskOf = async (way, ...input) => {
    dawson('segment', ...input, '--no-report', '--out', join(work, way));
    return (await readVolume(join(work, way, 'lesions.nii.gz'))).volume;
  };
  const nifti = await maskOf('nifti', ...files);
  const lesion = nifti.data.filter((value) => value > 0).length;
  console.log(`demo exam: ${lesion} lesion voxels from NIfTI`);
  for (const vendor of ['siemens', 'ge', 'philips']) {
    const mask = await maskOf(vendor, '--dicom', join(work, 'exam', vendor));
    const different = mask.data.filter((value, voxel) => value !== nifti.data[voxel]).length;
    console.log(`   ${different} voxels differ as DICOM of ${vendor}`);
  }
}
