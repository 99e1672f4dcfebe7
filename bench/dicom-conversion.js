// Every folder of DICOM series converted by dcm2niix and by Dawson, side by side: how many volumes each
// makes, whether voxels are the same, how far the affines are apart, and what is refused and why.
//
//   npm run bench -- dicom-conversion --dcm2niix PROGRAM [--data FOLDER]
//
// PROGRAM is that of the PyPI package dcm2niix (1.0.20260724 for the figures in docs/dicom.md); the
// default of the data is the development data beside the repository.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readDicomFolder, stackVolume } from '../dist/dicom/index.js';
import { readVolume } from '../dist/formats/index.js';
import { reorient } from '../dist/volume/reorient.js';
import { WorkerPool } from '../dist/workers.js';

const besideRepository = fileURLToPath(new URL('../../shared/data/dicom', import.meta.url));
const { values: flags } = parseArgs({
  options: {
    data: { type: 'string', default: besideRepository },
    dcm2niix: { type: 'string', default: 'dcm2niix' },
  },
});

/** Folders that hold files other than descriptions. */
const folders = readdirSync(flags.data, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && !/^readme/i.test(entry.name))
  .map((entry) => entry.parentPath ?? entry.path);

const pool = new WorkerPool();
const run = { pool, stage: (_name, work) => work(() => {}) };

for (const folder of [...new Set(folders)].sort()) {
  const theirs = await byDcm2niix(folder);
  const ours = await byDawson(folder);
  console.log(`\n${relative(flags.data, folder)}`);
  const free = new Set(ours.filter(({ volume }) => volume));
  for (const { name, volume, refusal } of theirs) {
    const twin = volume && nearest(volume, [...free]);
    if (twin) free.delete(twin);
    const said = twin ? comparison(volume, twin.volume) : `Dawson: ${reasons(ours)}`;
    console.log(`  ${name} ${volume ? volume.size.join(' x ') : refusal}: ${said}`);
  }
  for (const { name } of free) console.log(`  only by Dawson: ${name}`);
}
await pool.close();

async function byDcm2niix(folder) {
  const out = mkdtempSync(join(tmpdir(), 'dawson-dcm2niix-'));
  spawnSync(flags.dcm2niix, ['-z', 'n', '-b', 'n', '-f', '%s', '-o', out, folder]);
  const volumes = [];
  for (const name of readdirSync(out).filter((file) => file.endsWith('.nii'))) {
    try {
      const { volume } = await readVolume(join(out, name));
      volumes.push({ name, volume: reorient(volume, 'RAS') });
    } catch (error) {
      volumes.push({ name, refusal: error.details.found });
    }
  }
  rmSync(out, { recursive: true });
  return volumes;
}

async function byDawson(folder) {
  const { studies } = await readDicomFolder(folder, run);
  const stacks = studies.flatMap(({ series }) =>
    series.flatMap(({ number, stacks }) => stacks.map((stack) => ({ number, stack }))),
  );
  const results = [];
  for (const { number, stack } of stacks) {
    const name = `series ${number}, stack ${stack.number}`;
    try {
      const { volume } = await stackVolume(stack, run);
      results.push({ name, volume: reorient(volume, 'RAS') });
    } catch (error) {
      results.push({ name, refusal: error.message.replace(/^.*?: expected/, 'expected') });
    }
  }
  return results;
}

function reasons(ours) {
  const texts = ours.map(({ refusal }) => refusal).filter((text) => text);
  return [...new Set(texts)].join('; ') || 'no such volume';
}

function nearest(volume, candidates) {
  return candidates
    .filter((other) => other.volume.size.every((n, axis) => n === volume.size[axis]))
    .sort((a, b) => score(volume, a.volume) - score(volume, b.volume))[0];
}

function score(a, b) {
  return affineDifference(a, b) + (different(a, b) > 0 ? 1e-3 : 0);
}

function affineDifference(a, b) {
  return Math.max(...a.affine.map((value, at) => Math.abs(value - b.affine[at])));
}

/** Voxels that differ by more than the single precision of what was scaled. */
function different(a, b, { scale, offset } = { scale: 1, offset: 0 }) {
  const largest = b.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  let count = 0;
  for (let at = 0; at < a.data.length; at++) {
    if (Math.abs(b.data[at] - a.data[at] * scale - offset) > 1e-6 * largest) count++;
  }
  return count;
}

function comparison(theirs, ours) {
  const mm = affineDifference(theirs, ours).toExponential(1);
  if (different(theirs, ours) === 0) return `same voxels, affine within ${mm} mm`;
  const line = lineThrough(theirs.data, ours.data);
  const { scale, offset } = line;
  return different(theirs, ours, line) === 0
    ? `same voxels but for the factor ${scale.toPrecision(5)} and ${offset.toPrecision(5)}, affine within ${mm} mm`
    : `${different(theirs, ours)} voxels differ, affine within ${mm} mm`;
}

/** Scale and offset that bring the smallest and the largest value of `from` to those of `to`. */
function lineThrough(from, to) {
  const [low, high] = [Math.min, Math.max].map((pick) => from.reduce((a, b) => pick(a, b)));
  const [first, last] = [low, high].map((value) => to[from.indexOf(value)]);
  const scale = (last - first) / (high - low);
  return { scale, offset: first - scale * low };
}
