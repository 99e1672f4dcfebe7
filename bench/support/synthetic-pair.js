import { acquire, averagedOverSlices } from '../../dist/train/synthesize/acquisition.js';
import { renderAnatomy } from '../../dist/train/synthesize/anatomy.js';
import { addArtefactsInPlace } from '../../dist/train/synthesize/artefacts.js';
import { paint } from '../../dist/train/synthesize/contrast.js';
import { boxOf, sampleGeometry } from '../../dist/train/synthesize/geometry.js';
import { noLesions } from '../../dist/train/synthesize/lesions.js';
import { prepareHead } from '../../dist/train/synthesize/prepare-heads.js';
import { sampleAppearance } from '../../dist/train/synthesize/sample-contrast.js';
import { sampleSequence } from '../../dist/train/synthesize/sample-exam.js';
import { sampleLesions } from '../../dist/train/synthesize/sample-lesions.js';
import { renderField } from '../../dist/train/synthesize/smooth-field.js';
import { tissue } from '../../dist/train/synthesize/tissues.js';
import { rotation, translation } from '../../dist/preprocess/register-motion.js';
import { determinant, multiply } from '../../dist/volume/affine.js';
import { connectedComponents } from '../../dist/volume/components.js';
import { seededRandom } from '../../dist/volume/random.js';
import { onGrid } from '../../dist/volume/volume.js';

const bodyVoxelMm = 1.25;
/** Lesions lie apart, so that thick slices do not join them: what became of each is then known. */
const leastCentreDistanceMm = 22;
const mostLesions = 24;

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
 * which each one's fate is known; without `changes` they are the same in both.
 */
export async function syntheticPair(seed, { changes, headFiles, library, cacheFolder }) {
  const random = seededRandom(seed);
  const head = await prepareHead(headFiles[random.integer(headFiles.length)], cacheFolder);
  const geometry = sampleGeometry(random, head);
  const headSize = Math.abs(determinant(geometry.toHead)) ** (-1 / 3);
  const placed = apart(random, head, library);
  const factors = placed.map(() => (changes ? fateOf(random).factors(random) : [1, 1]));
  const visits = [0, 1].map((visit) => {
    const shapes = placed.flatMap((placement, at) => {
      const factor = factors[at][visit];
      return factor === 0 ? [] : [{ ...placement, toShape: scaled(placement.toShape, factor) }];
    });
    const lesions = { ...noLesions, shapes, threshold: 0.5, borderMm: 0.6 };
    const grid = bodyGrid(headSize);
    const anatomy = renderAnatomy(grid, head, geometry, lesions, library);
    const appearance = sampleAppearance(random);
    let sequence;
    do {
      sequence = sampleSequence(random, 'flair', appearance, headSize);
    } while (!isFlair(sequence.contrast));
    const pose = visit === 0 ? sequence.protocol.pose : repositioned(random);
    const protocol = { ...sequence.protocol, pose };
    return { anatomy, ...exam(anatomy, { ...sequence, protocol }, appearance.mimics), protocol };
  });
  return { visits, truth: truthOf(visits.map(({ anatomy }) => anatomy)) };
}

function apart(random, head, library) {
  const taken = [];
  for (let attempt = 0; attempt < 12 && taken.length < mostLesions; attempt++) {
    for (const placement of sampleLesions(random, head, library).shapes) {
      const distance = (other) =>
        Math.hypot(...placement.centreMm.map((mm, axis) => mm - other.centreMm[axis]));
      const near = taken.some((other) => distance(other) < leastCentreDistanceMm);
      if (!near && taken.length < mostLesions) taken.push(placement);
    }
  }
  return taken;
}

function fateOf(random) {
  let left = random.uniform();
  return fates.find(({ share }) => (left -= share) < 0) ?? fates[0];
}

const scaled = (toShape, factor) =>
  toShape.map((value, at) => (at < 12 && at % 4 < 3 ? value / Math.cbrt(factor) : value));

/** As {@link syntheticExam}: the generator also draws sequences of any contrast. */
const isFlair = ({ means }) =>
  means[tissue.bone] <= 0.12 && means[tissue.csf] < means[tissue['white matter']];

function repositioned(random) {
  const [x, y, z] = [0, 1, 2].map(() => 0.08 * random.normal());
  const shift = [0, 1, 2].map(() => 6 * random.normal());
  return multiply(translation(shift), rotation(x, y, z));
}

function bodyGrid(headSize) {
  const low = [-88, -108, -95].map((mm) => mm * headSize);
  const high = [88, 108, 90].map((mm) => mm * headSize);
  const size = low.map((mm, axis) => Math.ceil((high[axis] - mm) / bodyVoxelMm) + 1);
  const affine = new Array(16).fill(0);
  for (let axis = 0; axis < 3; axis++) {
    affine[5 * axis] = bodyVoxelMm;
    affine[4 * axis + 3] = low[axis];
  }
  affine[15] = 1;
  return { size, affine };
}

/** The FLAIR as it is measured, and masks of brain and lesions on its grid: more than half of a voxel. */
function exam(anatomy, { contrast, protocol, artefacts, seed }, mimics) {
  const random = seededRandom(seed);
  const field = (smooth) => renderField(smooth, boxOf(anatomy.grid));
  const image = acquire(paint(anatomy, contrast, mimics, random, field), protocol);
  addArtefactsInPlace(image, artefacts, random);
  const half = (data) => {
    const share = averagedOverSlices(onGrid(anatomy.grid, data), protocol);
    return onGrid(share, Uint8Array.from(share.data, (value) => (value > 0.5 ? 1 : 0)));
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
