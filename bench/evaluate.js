// 100 pairs of masks of 182 x 218 x 182 voxels, from compressed files to all figures under all
// definitions, on two workers; and the same figures by SciPy in two processes.
//
//   npm run bench -- evaluate [--data FOLDER] [--python PATH]
//
// The Python needs NumPy, SciPy and nibabel. The data folder holds synthesis/lesions.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread } from 'node:worker_threads';
import { definitions } from '../dist/evaluate/definitions.js';
import { evaluateUnder } from '../dist/evaluate/evaluate-pair.js';
import { pairMasks } from '../dist/evaluate/mask-pair.js';
import { masksOf } from '../dist/evaluate/masks.js';
import { readVolume, writeNifti } from '../dist/formats/index.js';
import { seededRandom } from '../dist/volume/random.js';
import { WorkerPool } from '../dist/workers.js';

const pairs = 100;
const workers = 2;

/** Called in the workers. @returns the DSC, the mean surface distance and F1 by any shared voxel */
export async function evaluateAll(referenceFile, predictionFile) {
  const reference = { ...(await readVolume(referenceFile)), file: referenceFile };
  const prediction = { ...(await readVolume(predictionFile)), file: predictionFile };
  const masks = masksOf(reference, prediction, 2);
  const pair = pairMasks(masks.reference, masks.prediction);
  const all = evaluateUnder(pair, Object.values(definitions));
  const anyOverlap = all.find(({ definition }) => definition.name === 'any-overlap');
  return [anyOverlap.dsc, anyOverlap.surface?.assdMm ?? null, anyOverlap.lesionwise.f1];
}

/** A prediction: the reference shifted by up to two voxels, a tenth of its voxels lost, noise added. */
function perturbed(mask, random) {
  const [nx, ny] = mask.size;
  const shift = random.integer(5) - 2 + nx * (random.integer(5) - 2 + ny * (random.integer(5) - 2));
  const data = new Uint8Array(mask.data.length);
  for (let voxel = 0; voxel < data.length; voxel++) {
    if (mask.data[voxel] !== 0 && random.uniform() > 0.1) data[voxel + shift] = 1;
  }
  for (let speck = 0; speck < 40; speck++) {
    const [i, j, k] = [60, 70, 60].map((width) => 50 + random.integer(width));
    const start = i + nx * (j + ny * k);
    data.fill(1, start, start + 1 + random.integer(6));
  }
  return { ...mask, data };
}

async function makePairs(data, folder) {
  const lesions = join(data, 'synthesis', 'lesions');
  const files = readdirSync(lesions).sort();
  for (const side of ['references', 'predictions']) mkdirSync(join(folder, side));
  const random = seededRandom(1);
  for (let pair = 0; pair < pairs; pair++) {
    const { volume, header } = await readVolume(join(lesions, files[pair % files.length]));
    const name = `pair-${String(pair).padStart(3, '0')}.nii.gz`;
    await writeNifti(join(folder, 'references', name), volume, { like: header });
    await writeNifti(join(folder, 'predictions', name), perturbed(volume, random), {
      like: header,
    });
  }
}

async function runDawson(folder, names) {
  const pool = new WorkerPool(workers);
  const start = performance.now();
  const results = await Promise.all(
    names.map((name) =>
      pool.call(new URL(import.meta.url), 'evaluateAll', [
        join(folder, 'references', name),
        join(folder, 'predictions', name),
      ]),
    ),
  );
  const seconds = (performance.now() - start) / 1000;
  await pool.close();
  return { seconds, results };
}

function runScipy(folder, python) {
  const script = fileURLToPath(new URL('evaluate_reference.py', import.meta.url));
  const output = execFileSync(python, [script, folder, String(workers)], { encoding: 'utf8' });
  return JSON.parse(output);
}

async function main() {
  const { values } = parseArgs({
    options: {
      data: {
        type: 'string',
        default: fileURLToPath(new URL('../../shared/data', import.meta.url)),
      },
      python: { type: 'string', default: 'python3' },
    },
  });
  const folder = mkdtempSync(join(tmpdir(), 'dawson-bench-'));
  try {
    await makePairs(values.data, folder);
    const names = readdirSync(join(folder, 'references')).sort();
    const ours = await runDawson(folder, names);
    const theirs = runScipy(folder, values.python);
    const apart = (index) =>
      Math.max(
        ...ours.results.map((result, n) => Math.abs(result[index] - theirs.results[n][index])),
      );
    const definitionCount = Object.keys(definitions).length;
    console.table({
      [`Dawson, ${definitionCount} definitions, surfaces in 3D and in 2D`]: row(ours.seconds),
      'SciPy, connectivities 6, 18, 26 and surfaces in 3D': row(theirs.seconds),
    });
    console.log(`SciPy / Dawson: ${(theirs.seconds / ours.seconds).toFixed(2)}`);
    console.log(
      `Largest differences: DSC ${apart(0).toExponential(1)}, average surface distance ` +
        `${apart(1).toExponential(1)} mm, F1 (any-overlap) ${apart(2).toExponential(1)}`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const row = (seconds) => ({
  'seconds for 100 pairs, 2 workers': Number(seconds.toFixed(1)),
  'seconds a pair and core': Number(((workers * seconds) / pairs).toFixed(3)),
});

if (isMainThread) await main();
