import { rotation, translation } from '../../dist/preprocess/register-motion.js';
import { acquire, averagedOverSlices } from '../../dist/synthesize/acquisition.js';
import { renderAnatomy } from '../../dist/synthesize/anatomy.js';
import { addArtefactsInPlace } from '../../dist/synthesize/artefacts.js';
import { paint } from '../../dist/synthesize/contrast.js';
import { sampleGeometry, uprightGrid } from '../../dist/synthesize/geometry.js';
import { noLesions } from '../../dist/synthesize/lesions.js';
import { prepareHead } from '../../dist/synthesize/prepare-heads.js';
import { isPlausible, sampleAppearance } from '../../dist/synthesize/sample-contrast.js';
import { sampleSequence } from '../../dist/synthesize/sample-exam.js';
import { sampleLesions } from '../../dist/synthesize/sample-lesions.js';
import { renderField } from '../../dist/synthesize/smooth-field.js';
import { applyToPoint, determinant, invert, multiply } from '../../dist/volume/affine.js';
import { connectedComponents } from '../../dist/volume/components.js';
import { seededRandom } from '../../dist/volume/random.js';
import { onGrid } from '../../dist/volume/volume.js';

const bodyVoxelMm = 1.25;
/** The parts of the body that are rendered, mm from the middle of the brain. */
const boxes = {
  lesions: { low: [-55, -70, -25], high: [55, 70, 50] },
  head: { low: [-105, -130, -130], high: [105, 130, 110] },
};
/** Lesions lie apart, so that thick slices do not join them: what became of each is then known. */
const leastCentreDistanceMm = 20;
const lesionsWithinMm = 55;
const mostLesions = 16;
/** Real shapes, enlarged or made smaller to volumes between these, before tissue bounds them. */
const volumesMm3 = [60, 1500];
const heads = new Map();

/** What becomes of a lesion: by which factor its volume in the first and in the second exam is that of its shape. */
const fates = [
  { share: 0.4, factors: () => [1, 1] },
  { share: 0.15, factors: () => [0, 1] },
  { share: 0.15, factors: () => [1, 0] },
  { share: 0.15, factors: (random) => [1, 1.8 + 1.2 * random.uniform()] },
  { share: 0.15, factors: (random) => [1, 0.25 + 0.25 * random.uniform()] },
];

/**
 * Two exams of one synthetic head under two protocols, the head lying otherwise, with lesions of
 * which each one's fate is known; without `changes` they are the same in both. The whole head, or,
 * which is cheaper, the part of it where lesions are.
 */
export async function syntheticPair(
  seed,
  { changes, wholeHead = false, headFiles, library, cacheFolder },
) {
  const box = wholeHead ? boxes.head : boxes.lesions;
  const random = seededRandom(seed);
  const file = headFiles[random.integer(headFiles.length)];
  const head = heads.get(file) ?? (await prepareHead(file, cacheFolder));
  heads.set(file, head);
  const geometry = sampleGeometry(random, head);
  const headSize = Math.abs(determinant(geometry.toHead)) ** (-1 / 3);
  const placed = apart(random, head, library);
  const factors = placed.map(() => (changes ? fateOf(random).factors(random) : [1, 1]));
  // What looks like lesion and is none stays with a person, as the textures of the tissues do.
  const person = sampleAppearance(random);
  const visits = [0, 1].map((visit) => {
    const shapes = placed.flatMap((placement, at) => {
      const factor = factors[at][visit];
      return factor === 0 ? [] : [{ ...placement, toShape: scaled(placement.toShape, factor) }];
    });
    // In the middle of what the generator draws (docs/decisions/0090).
    const lesions = { ...noLesions, borderMm: 0.5, insetMm: 0.25, shapes };
    const grid = bodyGrid(headSize, box);
    const anatomy = renderAnatomy(grid, head, geometry, lesions, library);
    const { fieldStrengthTesla } = sampleAppearance(random);
    const appearance = { ...person, fieldStrengthTesla };
    let sequence;
    do {
      sequence = sampleSequence(random, 'flair', appearance, headSize);
    } while (!isPlausible('flair', sequence.contrast));
    const pose = visit === 0 ? sequence.protocol.pose : repositioned(random);
    const protocol = {
      ...sequence.protocol,
      pose,
      grid: cropped(sequence.protocol.grid, pose, grid),
    };
    // Folding happens at the ends of the whole field of view.
    const artefacts = { ...sequence.artefacts, wrapVoxels: 0 };
    const taken = exam(anatomy, { ...sequence, protocol, artefacts }, appearance.mimics);
    return { anatomy, ...taken, pose };
  });
  return { visits, truth: truthOf(visits.map(({ anatomy }) => anatomy)) };
}

function apart(random, head, library) {
  const region = { centreMm: head.brainCentreMm, halfWidthMm: lesionsWithinMm };
  const taken = [];
  for (let attempt = 0; attempt < 10 && taken.length < mostLesions; attempt++) {
    for (const placement of sampleLesions(random, head, library, region).shapes) {
      const distance = (other) =>
        Math.hypot(...placement.centreMm.map((mm, axis) => mm - other.centreMm[axis]));
      const near = taken.some((other) => distance(other) < leastCentreDistanceMm);
      if (near || taken.length === mostLesions) continue;
      const { data } = library.shapes[placement.shape];
      const ownMm3 =
        data.reduce((sum, inside) => sum + inside, 0) / Math.abs(determinant(placement.toShape));
      const [least, most] = volumesMm3;
      const wantedMm3 = least * (most / least) ** random.uniform();
      taken.push({ ...placement, toShape: scaled(placement.toShape, wantedMm3 / ownMm3) });
    }
  }
  return taken;
}

function fateOf(random) {
  const drawn = random.uniform();
  let sum = 0;
  for (const fate of fates) {
    sum += fate.share;
    if (drawn < sum) return fate;
  }
  return fates[0];
}

const scaled = (toShape, factor) =>
  toShape.map((value, at) => (at < 12 && at % 4 < 3 ? value / Math.cbrt(factor) : value));

function repositioned(random) {
  const [x, y, z] = [0, 1, 2].map(() => 0.08 * random.normal());
  const shift = [0, 1, 2].map(() => 6 * random.normal());
  return multiply(translation(shift), rotation(x, y, z));
}

function bodyGrid(headSize, box) {
  const low = box.low.map((mm) => mm * headSize);
  const size = low.map((mm, axis) => Math.ceil((box.high[axis] * headSize - mm) / bodyVoxelMm) + 1);
  const affine = new Array(16).fill(0);
  for (let axis = 0; axis < 3; axis++) {
    affine[5 * axis] = bodyVoxelMm;
    affine[4 * axis + 3] = low[axis];
  }
  affine[15] = 1;
  return { size, affine };
}

/** The part of a scanner's grid in which the rendered body lies. */
function cropped(grid, pose, body) {
  const toIndex = multiply(invert(multiply(pose, grid.affine)), body.affine);
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  for (let corner = 0; corner < 8; corner++) {
    const index = body.size.map((n, axis) => ((corner >> axis) & 1 ? n - 1 : 0));
    applyToPoint(toIndex, index).forEach((value, axis) => {
      low[axis] = Math.min(low[axis], value);
      high[axis] = Math.max(high[axis], value);
    });
  }
  const first = low.map((value) => Math.max(0, Math.floor(value)));
  const last = high.map((value, axis) => Math.min(grid.size[axis] - 1, Math.ceil(value)));
  return {
    size: last.map((index, axis) => index - first[axis] + 1),
    affine: multiply(grid.affine, translation(first)),
  };
}

/** The FLAIR as it is measured, and masks of brain and lesions on its grid: more than half of a voxel. */
function exam(anatomy, { contrast, protocol, artefacts, seed }, mimics) {
  const random = seededRandom(seed);
  const field = (smooth) => renderField(smooth, uprightGrid(anatomy.grid));
  const image = acquire(paint(anatomy, contrast, mimics, random, field), protocol);
  addArtefactsInPlace(image, artefacts, random);
  const half = (data) => {
    const share = averagedOverSlices(onGrid(anatomy.grid, data), protocol);
    return onGrid(
      share,
      Uint8Array.from(share.data, (value) => (value > 0.5 ? 1 : 0)),
    );
  };
  const inBrain = Uint8Array.from(anatomy.brainDistance, (steps) => (steps < 0 ? 1 : 0));
  return { flair: image, lesions: half(anatomy.mask), brain: half(inBrain) };
}

/** Lesions of both exams that touch in the body, with their exact volumes in either exam. */
function truthOf([first, second]) {
  const either = first.mask.map((value, at) => value | second.mask[at]);
  const { labels, count } = connectedComponents(onGrid(first.grid, either), 26);
  const voxelMl = bodyVoxelMm ** 3 / 1000;
  const volumesMl = Array.from({ length: count + 1 }, () => [0, 0]);
  labels.data.forEach((label, at) => {
    volumesMl[label][0] += voxelMl * first.mask[at];
    volumesMl[label][1] += voxelMl * second.mask[at];
  });
  return { labels, volumesMl };
}
