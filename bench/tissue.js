// Tissues of T1 images rendered from label maps of whole heads, whose truth is known: Dice for each
// tissue, and the fractions' mean absolute error.
//
//   npm run bench -- tissue [--data FOLDER] [--heads 1,5,12]
//
// FOLDER holds synthesis/heads/head-NN.nii.gz; the default is the development data beside the
// repository. Deep nuclei are rendered between grey and white matter, as a T1 shows them, and count
// as grey matter.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readVolume, writeNifti } from '../dist/formats/index.js';
import { segmentTissues } from '../dist/segment/lst-lga/tissue.js';
import { gaussianSmooth } from '../dist/volume/gaussian.js';
import { fillHoles } from '../dist/volume/morphology.js';
import { seededRandom } from '../dist/volume/random.js';
import { reorient } from '../dist/volume/reorient.js';
import { onGrid } from '../dist/volume/volume.js';

const { values: flags } = parseArgs({
  options: {
    data: {
      type: 'string',
      default: fileURLToPath(new URL('../../shared/data', import.meta.url)),
    },
    heads: { type: 'string', default: '1,5,12' },
    out: { type: 'string' },
  },
});

// FreeSurfer's label numbers: the tissue (1 CSF, 2 grey, 3 white) and its intensity in a T1.
const rows = [
  [[4, 5, 14, 15, 24, 43, 44, 72], 1, 30],
  [[3, 8, 17, 18, 42, 47, 53, 54], 2, 75],
  [[11, 12, 26, 50, 51, 58, 136, 137, 163, 164], 2, 80],
  [[10, 49, 13, 52], 2, 92],
  [[2, 7, 41, 46, 85, 251, 252, 253, 254, 255], 3, 110],
  [[16, 28, 60], 3, 105],
];
const tissueOf = new Uint8Array(65536);
const intensityOf = new Float32Array(65536);
for (const [labels, tissue, intensity] of rows) {
  for (const label of labels) {
    tissueOf[label] = tissue;
    intensityOf[label] = intensity;
  }
}

for (const [noise, shading] of [
  [3, 0.1],
  [6, 0.3],
]) {
  console.log(`noise ${noise} of 110, shading +-${100 * shading} %`);
  for (const head of flags.heads.split(',')) {
    const file = join(flags.data, 'synthesis', 'heads', `head-${head.padStart(2, '0')}.nii.gz`);
    const labels = reorient((await readVolume(file)).volume);
    const truth = Uint8Array.from(labels.data, (label) => tissueOf[label]);
    const brain = fillHoles(
      onGrid(
        labels,
        truth.map((tissue) => (tissue === 0 ? 0 : 1)),
      ),
    );
    const sharp = Float32Array.from(labels.data, (label) => intensityOf[label]);
    const t1 = gaussianSmooth(onGrid(labels, sharp), 0.6);
    const [nx, ny, nz] = labels.size;
    const random = seededRandom(Number(head));
    for (let at = 0; at < t1.data.length; at++) {
      if (brain.data[at] === 0) continue;
      const x = (at % nx) / nx;
      const y = (Math.floor(at / nx) % ny) / ny;
      const z = Math.floor(at / (nx * ny)) / nz;
      const field = 1 + shading * Math.sin(2 * x + 1) * Math.cos(4 * y) + (shading * (z - 0.5)) / 2;
      t1.data[at] = t1.data[at] * field + noise * random.normal();
    }
    const before = process.cpuUsage();
    const { labels: found, content } = segmentTissues(t1, brain, 'T1');
    const { user, system } = process.cpuUsage(before);
    if (flags.out) {
      await writeNifti(join(flags.out, `head-${head}-t1.nii.gz`), t1);
      await writeNifti(join(flags.out, `head-${head}-content.nii.gz`), content);
      await writeNifti(join(flags.out, `head-${head}-truth.nii.gz`), onGrid(t1, truth));
    }
    const dice = [1, 2, 3].map((tissue) => {
      let [both, sum] = [0, 0];
      for (let at = 0; at < truth.length; at++) {
        const a = truth[at] === tissue;
        const b = found.data[at] === tissue;
        if (a && b) both++;
        sum += Number(a) + Number(b);
      }
      return ((2 * both) / sum).toFixed(3);
    });
    const ml = [1, 2, 3].map((tissue) =>
      (found.data.filter((v) => v === tissue).length / 1000).toFixed(0),
    );
    const trueMl = [1, 2, 3].map((tissue) =>
      (truth.filter((v) => v === tissue).length / 1000).toFixed(0),
    );
    console.log(
      `  head ${head}: Dice CSF ${dice[0]} GM ${dice[1]} WM ${dice[2]}; ` +
        `ml ${ml.join(' ')} (truth ${trueMl.join(' ')}); ${((user + system) / 1e6).toFixed(1)} s`,
    );
  }
}
