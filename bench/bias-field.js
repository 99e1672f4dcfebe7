// Bias-field correction of raw clinical exams, beside the N4 of ITK.
//
//   npm run bench -- bias-field [--data DIR] [--python PATH]
//
// DIR is the development data (default ../shared/data); PATH a Python with NumPy and SimpleITK.
// For each exam, FLAIR and T1 on the FLAIR's grid, within the publisher's brain mask:
//   CV        coefficient of variation in white matter, before and after
//   known     correlation, in the logarithm, of a field of up to +-30 % that is multiplied onto
//             the image with the ratio of the two fields found with and without it
//   agreement correlation of the two programs' log fields
//   s         CPU seconds of one thread
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readNifti, readTransform } from '../dist/formats/index.js';
import { invert, voxelSizeMm } from '../dist/volume/affine.js';
import { correctBiasField } from '../dist/volume/bias-field.js';
import { percentile } from '../dist/volume/histogram.js';
import { erode } from '../dist/volume/morphology.js';
import { resample } from '../dist/volume/resample.js';
import { onGrid, toFloat32 } from '../dist/volume/volume.js';

const { values: flags } = parseArgs({
  options: {
    data: {
      type: 'string',
      default: fileURLToPath(new URL('../../shared/data', import.meta.url)),
    },
    python: { type: 'string' },
  },
});

const itkProgram = `
import json, sys, time
import numpy as np, SimpleITK as sitk
folder, size, spacing = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
def image(name, dtype):
    result = sitk.GetImageFromArray(np.fromfile(folder + '/' + name, dtype).reshape(size[::-1]))
    result.SetSpacing(spacing)
    return result
volume, mask = image('image.raw', '<f4'), image('mask.raw', 'u1')
sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
start = time.process_time()
shrink = [max(1, round(4 / mm)) for mm in spacing]
n4 = sitk.N4BiasFieldCorrectionImageFilter()
n4.SetNumberOfThreads(1)
n4.Execute(sitk.Shrink(volume, shrink), sitk.Shrink(mask, shrink))
field = sitk.GetArrayFromImage(n4.GetLogBiasFieldAsImage(volume))
print(time.process_time() - start)
np.exp(field).astype('<f4').tofile(folder + '/field.raw')`;

function itkField(volume, mask) {
  const folder = mkdtempSync(join(tmpdir(), 'dawson-bench-'));
  try {
    writeFileSync(join(folder, 'image.raw'), volume.data);
    writeFileSync(join(folder, 'mask.raw'), mask.data);
    const { stdout, stderr, status } = spawnSync(
      flags.python,
      [
        '-c',
        itkProgram,
        folder,
        JSON.stringify(volume.size),
        JSON.stringify(voxelSizeMm(volume.affine)),
      ],
      { encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(`SimpleITK failed: ${stderr}`);
    const bytes = readFileSync(join(folder, 'field.raw'));
    return {
      field: new Float32Array(new Uint8Array(bytes).buffer),
      seconds: Number(stdout),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function ourField(volume, mask) {
  const before = process.cpuUsage();
  const { field } = correctBiasField(volume, mask);
  const { user, system } = process.cpuUsage(before);
  return { field: field.data, seconds: (user + system) / 1e6 };
}

/** A fixed smooth field between exp(-0.3) and exp(0.3). */
function knownField({ size }) {
  const [nx, ny, nz] = size;
  return Float32Array.from({ length: nx * ny * nz }, (_, at) => {
    const x = (2 * (at % nx)) / nx - 1;
    const y = (2 * (Math.floor(at / nx) % ny)) / ny - 1;
    const z = (2 * Math.floor(at / (nx * ny))) / nz - 1;
    return Math.exp(0.3 * Math.sin(2 * x + 0.5 * z + 0.4) * Math.cos(1.5 * y - 0.7 * z));
  });
}

function moments(selected, value) {
  let [n, sum, squares] = [0, 0, 0];
  for (let at = 0; at < selected.length; at++) {
    if (!selected[at]) continue;
    n++;
    sum += value(at);
    squares += value(at) ** 2;
  }
  const mean = sum / n;
  return { mean, deviation: Math.sqrt(squares / n - mean * mean) };
}

const variation = (selected, value) => {
  const { mean, deviation } = moments(selected, value);
  return deviation / mean;
};

function correlation(selected, a, b) {
  const [ma, mb] = [moments(selected, a), moments(selected, b)];
  const product = moments(selected, (at) => (a(at) - ma.mean) * (b(at) - mb.mean));
  return product.mean / (ma.deviation * mb.deviation);
}

/** Rough white matter: bright on the corrected T1, not bright on FLAIR, away from other tissue. */
function whiteMatter(t1, flair, brain) {
  const { corrected } = correctBiasField(t1, brain);
  const t1Bound = percentile(corrected.data, 60, brain.data);
  const flairBound = percentile(flair.data, 90, brain.data);
  const bright = brain.data.map(
    (inside, at) => inside && corrected.data[at] > t1Bound && flair.data[at] < flairBound,
  );
  return erode(onGrid(brain, bright), 1).data;
}

const programs = flags.python ? { Dawson: ourField, ITK: itkField } : { Dawson: ourField };
console.log('exam                image  program  CV before  after  known  agreement    s');
for (const exam of ['open-ms-01/study1', 'open-ms-03/study2', 'open-ms-04/study1']) {
  const folder = join(flags.data, 'exams', exam);
  const flair = toFloat32((await readNifti(join(folder, 'flair.nii.gz'))).volume);
  const t1 = resample((await readNifti(join(folder, 't1.nii.gz'))).volume, flair, {
    toMoving: await readTransform(join(folder, 't1-to-flair.txt')),
  });
  const { volume: commonBrain } = await readNifti(join(folder, '..', 'brain.nii.gz'));
  const onFlair = resample(commonBrain, flair, {
    toMoving: invert(await readTransform(join(folder, 'flair-to-common.txt'))),
    interpolation: 'nearest',
  });
  const inside = Uint8Array.from(onFlair.data, (value, at) =>
    value > 0 && flair.data[at] > 0 && t1.data[at] > 0 ? 1 : 0,
  );
  const brain = onGrid(flair, inside);
  const white = whiteMatter(t1, flair, brain);
  const known = knownField(flair);
  for (const [name, image] of Object.entries({ FLAIR: flair, T1: t1 })) {
    const shaded = onGrid(
      image,
      image.data.map((value, at) => value * known[at]),
    );
    const logField = {};
    for (const [program, estimate] of Object.entries(programs)) {
      const { field, seconds } = estimate(image, brain);
      const { field: fieldOfShaded } = estimate(shaded, brain);
      logField[program] = (at) => Math.log(field[at]);
      const cells = [
        exam.padEnd(18),
        name.padStart(6),
        program.padStart(8),
        variation(white, (at) => image.data[at])
          .toFixed(3)
          .padStart(10),
        variation(white, (at) => image.data[at] / field[at])
          .toFixed(3)
          .padStart(6),
        correlation(
          inside,
          (at) => Math.log(fieldOfShaded[at] / field[at]),
          (at) => Math.log(known[at]),
        )
          .toFixed(3)
          .padStart(6),
        (program === 'ITK'
          ? correlation(inside, logField.Dawson, logField.ITK).toFixed(3)
          : ''
        ).padStart(10),
        seconds.toFixed(1).padStart(4),
      ];
      console.log(cells.join(' '));
    }
  }
}
