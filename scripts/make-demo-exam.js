// Makes demo/exam: one synthetic exam on three clinical grids, with its truth.
//
//   node scripts/make-demo-exam.js [data folder]        (../shared/data by default; build first)
//
// The same data give the same bytes. What the numbers mean: src/synthesize.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readVolume, writeNifti } from '../dist/formats/index.js';
import { about, rotation, translation } from '../dist/preprocess/register-motion.js';
import { noArtefacts } from '../dist/synthesize/artefacts.js';
import { typicalMeans } from '../dist/synthesize/contrast.js';
import { renderExam } from '../dist/synthesize/exam.js';
import { describeHead, tissuesFromLabels } from '../dist/synthesize/head.js';
import { lesionLibrary } from '../dist/synthesize/lesion-library.js';
import { aboutLesionSpaceCentre, noLesions } from '../dist/synthesize/lesions.js';
import { placeInLesionSpace } from '../dist/synthesize/place-in-lesion-space.js';
import { tissue, tissues } from '../dist/synthesize/tissues.js';
import { identity, multiply } from '../dist/volume/affine.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const data = process.argv[2] ?? join(root, '../shared/data');
const read = async (...path) => (await readVolume(join(data, ...path))).volume;

const labels = await read('synthesis/heads/head-19.nii.gz');
const head = {
  ...describeHead('head-19', tissuesFromLabels(labels)),
  toLesionSpace: placeInLesionSpace(labels),
};
const library = lesionLibrary([await read('synthesis/lesions/open-ms-cs-11.nii.gz')]);

const degrees = (x, y, z) => rotation(...[x, y, z].map((angle) => (angle * Math.PI) / 180));
const field = (seed, spacingMm) => ({ seed, spacingMm });

/** Voxels of the given sizes, centred in the brain and tilted; LPS as scanners store axial slices. */
function centredGrid(size, voxelMm, axes, tilt, centreMm = [0, 0, 0]) {
  const voxelToMm = new Array(16).fill(0);
  voxelToMm[15] = 1;
  axes.forEach(([row, sign], axis) => {
    voxelToMm[4 * row + axis] = sign * voxelMm[axis];
  });
  const middle = translation(size.map((n) => -(n - 1) / 2));
  const turned = about([0, 0, 0], degrees(...tilt));
  return {
    size,
    affine: multiply(translation(centreMm), multiply(turned, multiply(voxelToMm, middle))),
  };
}

const axialLps = [
  [0, -1],
  [1, -1],
  [2, 1],
];
const sagittalAsl = [
  [1, -1],
  [2, -1],
  [0, 1],
];
const pose = (angles, shiftMm) =>
  multiply(translation(shiftMm), about([0, -20, -60], degrees(...angles)));

function contrast(kind, rest, changedMeans = {}) {
  const means = typicalMeans(kind);
  for (const [name, value] of Object.entries(changedMeans)) means[tissue[name]] = value;
  const grey = ['cortex', 'caudate', 'putamen', 'thalamus', 'hippocampus and amygdala'];
  const white = ['white matter', 'cerebellar white matter', 'brainstem', 'ventral diencephalon'];
  const contrastStep = Math.abs(means[tissue.cortex] - means[tissue['white matter']]);
  return {
    means,
    grain: tissues.map((_, number) => 0.12 * means[number] * (number >= 14 ? 0.7 : 0.3)),
    textures: [
      { field: field(11, 14), tissues: grey, sd: 0.15 * contrastStep },
      { field: field(12, 5), tissues: grey, sd: 0.2 * contrastStep },
      { field: field(13, 3), tissues: ['cerebellar cortex'], sd: 0.45 * contrastStep },
      { field: field(14, 18), tissues: white, sd: 0.14 * contrastStep },
      { field: field(15, 4), tissues: white, sd: 0.09 * contrastStep },
      { field: field(16, 4), tissues: ['csf'], sd: 0.08 * means[tissue.csf] },
      {
        field: field(17, 3),
        tissues: ['muscle', 'marrow', 'sinus and fat'],
        sd: 0.3 * means[tissue.muscle],
      },
      { field: field(18, 3), tissues: ['fat', 'skin', 'mucosa'], sd: 0.12 * means[tissue.fat] },
    ],
    lesionVariation: 0.25,
    lesionField: field(20, 10),
    lesionCore: 0,
    dirty: 0.12,
    rim: 0.35,
    ...rest,
  };
}

const parameters = {
  head: head.name,
  geometry: {
    toHead: multiply(translation(head.brainCentreMm), degrees(4, -2, 3)),
    warp: { fields: [field(1, 24), field(2, 24), field(3, 24)], sdMm: 1.2 },
  },
  lesions: {
    ...noLesions,
    persons: [
      {
        person: 0,
        toPerson: aboutLesionSpaceCentre(identity, [0, 0, 0]),
        warp: { fields: [field(4, 14), field(5, 14), field(6, 14)], sdMm: 1 },
        kept: 1,
        seed: 7,
      },
    ],
    gapFilledMm: 2.5,
    intoGreyMatter: true,
    threshold: 0.45,
    halo: 0.3,
  },
  mimics: {
    dirtyDecayMm: 8,
    dirtyField: field(30, 10),
    rimMm: 0.6,
    capMm: 0,
    rimField: field(31, 10),
    sheetField: field(34, 10),
    greySpecksField: field(32, 4),
    greySpecksAbove: 1.2,
    greySpecksWeight: 0.6,
    vesselField: field(33, 2.4),
    vesselsAbove: 1.7,
  },
  sequences: {
    flair: {
      contrast: contrast(
        'flair',
        { lesion: 0.4 },
        { fat: 0.16, marrow: 0.1, muscle: 0.18, skin: 0.22 },
      ),
      protocol: {
        grid: centredGrid([256, 256, 36], [0.9, 0.9, 4.4], axialLps, [-9, 1.5, 2], [0, 0, -4]),
        sliceAxis: 2,
        thicknessMm: 4,
        pose: identity,
        blurMm: 0.3,
      },
      artefacts: {
        ...noArtefacts,
        biasSd: 0.12,
        biasField: field(40, 90),
        noiseSd: 0.012,
        scale: 250,
        ghostStrength: 0.008,
        ghostShiftVoxels: 61,
      },
      seed: 50,
    },
    t2: {
      contrast: contrast('t2', { lesion: 0.26, lesionCore: 0.1 }, { 'white matter': 0.33, fat: 1 }),
      protocol: {
        grid: centredGrid([272, 312, 36], [0.75, 0.75, 4.4], axialLps, [-5, 1, -2], [1, 2, -3]),
        sliceAxis: 2,
        thicknessMm: 4,
        pose: pose([1.5, -1, 2], [1.5, -2, 1]),
        blurMm: 0.3,
      },
      artefacts: {
        ...noArtefacts,
        biasSd: 0.1,
        biasField: field(41, 90),
        noiseSd: 0.01,
        scale: 250,
      },
      seed: 51,
    },
    t1: {
      contrast: contrast('t1', { lesion: -0.16, lesionCore: -0.2, rim: 0.1 }),
      protocol: {
        grid: centredGrid([196, 184, 130], [1.1, 1.1, 1.2], sagittalAsl, [1, 2, 1], [0, 0, -12]),
        sliceAxis: 2,
        thicknessMm: 1.2,
        pose: pose([-2, 1.5, -1.5], [-2, 1, 2.5]),
        blurMm: 0.3,
      },
      artefacts: {
        ...noArtefacts,
        biasSd: 0.1,
        biasField: field(42, 90),
        noiseSd: 0.01,
        scale: 120,
      },
      seed: 52,
    },
  },
};

const { images, truth } = renderExam(parameters, head, library);
const out = join(root, 'demo/exam');
mkdirSync(out, { recursive: true });
for (const [name, image] of Object.entries({ ...images, truth })) {
  await writeNifti(join(out, `${name}.nii.gz`), image);
}
