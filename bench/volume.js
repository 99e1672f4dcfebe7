// The volume layer's hot paths at 182x218x182 voxels (the MNI grid at 1 mm), on seeded data.
//
//   npm run bench -- volume [--python PATH]
//
// With a Python that has NumPy and SciPy, the same work is timed there, and the ratio printed
// (Dawson / SciPy; below 1 Dawson is faster). One thread on either side; the median of three runs
// after one to warm up, in ms of CPU time, so that a busy machine disturbs little.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { correctBiasField } from '../dist/volume/bias-field.js';
import { connectedComponents } from '../dist/volume/components.js';
import { distanceTransformMm } from '../dist/volume/distance.js';
import { gaussianSmooth } from '../dist/volume/gaussian.js';
import { gradientMagnitude } from '../dist/volume/gradient.js';
import { percentile } from '../dist/volume/histogram.js';
import { dilate, fillHoles } from '../dist/volume/morphology.js';
import { seededRandom } from '../dist/volume/random.js';
import { reorient } from '../dist/volume/reorient.js';
import { resample } from '../dist/volume/resample.js';
import { onGrid, voxelCount } from '../dist/volume/volume.js';

const { values: flags } = parseArgs({ options: { python: { type: 'string' } } });

const size = [182, 218, 182];
const grid = { size, affine: [1, 0, 0, -90, 0, 1, 0, -126, 0, 0, 1, -72, 0, 0, 0, 1] };
const [nx, ny] = size;

/** A ball of tissue with noise, and a mask of it with holes and specks, as segmentations have them. */
function makeData() {
  const random = seededRandom(1);
  const image = new Float32Array(voxelCount(size));
  const mask = new Uint8Array(image.length);
  for (let at = 0; at < image.length; at++) {
    const x = (at % nx) - 91;
    const y = (Math.floor(at / nx) % ny) - 109;
    const z = Math.floor(at / (nx * ny)) - 91;
    const inside = x * x + y * y + z * z < 75 * 75;
    const draw = random.uniform();
    image[at] = (inside ? 500 + 2 * x : 20) + 30 * draw;
    mask[at] = (inside ? draw > 0.05 : draw > 0.995) ? 1 : 0;
  }
  return { image: onGrid(grid, image), mask: onGrid(grid, mask) };
}

const { image, mask } = makeData();
const [c, s] = [Math.cos(0.1), Math.sin(0.1)];
const toMoving = [c, -s, 0, 3.3, s, c, 0, -2.1, 0, 0, 1.01, 1.7, 0, 0, 0, 1];
const pull = (interpolation) => resample(image, grid, { toMoving, interpolation });

// The name, our call, and the same in Python: `a` the image and `m` the mask as (z, y, x) arrays,
// `M` and `t` the map from indices to indices.
const rows = [
  ['reorient RAS to LPI', () => reorient(image, 'LPI'), 'a[::-1, ::-1, ::-1].copy()'],
  ['reorient RAS to SAL', () => reorient(image, 'SAL'), 'a.transpose(2, 1, 0)[::-1].copy()'],
  ['resample nearest', () => pull('nearest'), 'ndi.affine_transform(a, M, t, order=0)'],
  ['resample linear', () => pull('linear'), 'ndi.affine_transform(a, M, t, order=1)'],
  ['resample cubic', () => pull('cubic'), 'ndi.affine_transform(a, M, t, order=3)'],
  ['components, 6', () => connectedComponents(mask, 6), 'ndi.label(m, s6)'],
  ['components, 18', () => connectedComponents(mask, 18), 'ndi.label(m, s18)'],
  ['components, 26', () => connectedComponents(mask, 26), 'ndi.label(m, s26)'],
  ['distance transform', () => distanceTransformMm(mask), 'ndi.distance_transform_edt(m == 0)'],
  ['dilate by 3 mm', () => dilate(mask, 3), 'ndi.distance_transform_edt(m == 0) <= 3'],
  ['fill holes', () => fillHoles(mask), 'ndi.binary_fill_holes(m)'],
  ['Gaussian, sigma 1 mm', () => gaussianSmooth(image, 1), 'ndi.gaussian_filter(a, 1)'],
  ['Gaussian, sigma 4 mm', () => gaussianSmooth(image, 4), 'ndi.gaussian_filter(a, 4)'],
  [
    'gradient magnitude',
    () => gradientMagnitude(image),
    'np.sqrt(sum(g * g for g in np.gradient(a)))',
  ],
  ['percentile', () => percentile(image.data, 99), 'np.percentile(a, 99)'],
  ['bias field (N4)', () => correctBiasField(image, mask), null],
];

function medianMs(run) {
  const times = [];
  for (let repeat = 0; repeat < 4; repeat++) {
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1000);
  }
  return times.slice(1).sort((a, b) => a - b)[1];
}

function scipyMs(python) {
  const folder = mkdtempSync(join(tmpdir(), 'dawson-bench-'));
  try {
    writeFileSync(join(folder, 'image.raw'), image.data);
    writeFileSync(join(folder, 'mask.raw'), mask.data);
    const program = `
import json, sys, time
import numpy as np
from scipy import ndimage as ndi
shape = (182, 218, 182)
a = np.fromfile(sys.argv[1] + '/image.raw', '<f4').reshape(shape)
m = np.fromfile(sys.argv[1] + '/mask.raw', 'u1').reshape(shape)
s6, s18, s26 = (ndi.generate_binary_structure(3, r) for r in (1, 2, 3))
w = np.array(${JSON.stringify(toMoving)}).reshape(4, 4)
v = np.array(${JSON.stringify(grid.affine)}).reshape(4, 4)
w = np.linalg.inv(v) @ w @ v
M, t = w[2::-1, 2::-1], w[2::-1, 3]
result = []
for row in ${JSON.stringify(rows.map((row) => row[2])).replaceAll('null', 'None')}:
    if row is None:
        result.append(None)
        continue
    times = []
    for _ in range(4):
        start = time.process_time()
        eval(row)
        times.append((time.process_time() - start) * 1000)
    result.append(sorted(times[1:])[1])
print(json.dumps(result))`;
    const { stdout, stderr, status } = spawnSync(python, ['-c', program, folder], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`the Python comparison failed: ${stderr}`);
    return JSON.parse(stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const theirs = flags.python ? scipyMs(flags.python) : rows.map(() => null);
console.log(`${'at 182x218x182'.padEnd(24)}${'ms'.padStart(8)}${'SciPy ms'.padStart(10)}   ratio`);
rows.forEach(([name, run], at) => {
  const ms = medianMs(run);
  const other = theirs[at];
  const comparison =
    other === null ? '' : other.toFixed(0).padStart(10) + (ms / other).toFixed(2).padStart(8);
  console.log(name.padEnd(24) + ms.toFixed(0).padStart(8) + comparison);
});
