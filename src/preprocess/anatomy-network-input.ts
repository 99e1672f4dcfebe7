import { DawsonError } from '../errors.js';
import { softmax } from '../network/index.js';
import { invert, type Mat4, multiply } from '../volume/affine.js';
import { anatomyLabel, anatomyNames } from '../volume/anatomy-labels.js';
import { cropTo, paddedBox, pasteInto } from '../volume/box.js';
import { largestComponent } from '../volume/components.js';
import { gridAround } from '../volume/grid-around.js';
import { percentile } from '../volume/histogram.js';
import { fillHoles } from '../volume/morphology.js';
import { resample } from '../volume/resample.js';
import {
  type Grid,
  type LabelMap,
  type Mask,
  maskWhere,
  onesWhere,
  onGrid,
  type Volume,
} from '../volume/volume.js';
import { inWorker } from '../workers.js';
import { requirePlausible } from './extract-brain.js';
import { atResolution } from './register-resolution.js';

/** The network sees heads in voxels of this size. */
export const anatomyVoxelMm = 2;
/** How much is shown around the brain that the atlas expects. */
const marginMm = 16;
/** No brain with its margin is longer; only an atlas that lies wrongly asks for more. */
const longestMm = 360;
/**
 * A voxel is brain unless the network is surer than this that it lies outside: half of a log odds more
 * than even. Chosen on the images of open-ms-01 and -04, where masks of people take what is doubtful.
 */
const mostOutside = 1 / (1 + Math.exp(-0.5));
/** Brightest of the usual intensities, and how far above it still differs. */
const brightPercent = 99;
const brightest = 2;

/** Intensities as the network takes them: in parts of the brightest ones. */
export function scaledIntensities(image: Float32Array, scale = 1): Float32Array {
  const bright = percentile(image, brightPercent);
  const factor = bright > 0 ? scale / bright : 0;
  return image.map((value) => Math.max(0, Math.min(brightest, value * factor)));
}

/**
 * What the network is given of a head: one channel on cubic voxels around the brain of the atlas.
 * @param atlasBrain share of heads whose brain lies at a voxel
 * @param toAtlas maps points of the image to points of the atlas, RAS mm
 * @throws DawsonError `brain-not-found` where the brain of the atlas is larger than any brain, or lies
 *   where the image shows nothing.
 */
export function anatomyNetworkInput(
  image: Volume,
  atlasBrain: Volume,
  toAtlas: Mat4,
): Volume<Float32Array> {
  const expected = {
    size: atlasBrain.size,
    affine: multiply(invert(toAtlas), atlasBrain.affine),
    data: onesWhere(atlasBrain.data, (share) => share > 0.5),
  };
  const grid = gridAround(expected, anatomyVoxelMm, marginMm);
  const lengthMm = anatomyVoxelMm * Math.max(...grid.size);
  if (!(lengthMm <= longestMm)) {
    throw new DawsonError('brain-not-found', {
      expected: `a brain of at most ${longestMm - 2 * marginMm} mm`,
      found: `${(lengthMm - 2 * marginMm).toFixed(0)} mm`,
    });
  }
  const { data } = resample(atResolution(image, anatomyVoxelMm), grid);
  const input = scaledIntensities(data as Float32Array);
  if (input.every((value) => value === input[0])) {
    throw new DawsonError('brain-not-found', {
      expected: 'different intensities where the brain is expected',
      found: `the intensity ${data[0]} everywhere`,
    });
  }
  return onGrid(grid, input);
}

export const anatomyNetworkInputInWorker = inWorker<typeof anatomyNetworkInput>(
  import.meta.url,
  'anatomyNetworkInput',
);

/** The brain and its parts as a network sees them, on the grid of the image. */
export interface SeenAnatomy {
  readonly brain: Mask;
  readonly labels: LabelMap<Uint8Array>;
}

/**
 * Scores of the network as anatomy on the grid of the image.
 * @param scores [label, z, y, x] on `grid`
 * @throws DawsonError `brain-not-found` for a brain of no plausible size.
 */
export function anatomyFromScores(scores: Float32Array, grid: Grid, image: Grid): SeenAnatomy {
  const classes = anatomyNames.size + 1;
  const probabilities = softmax(scores, classes);
  const voxels = probabilities.length / classes;
  const on = (target: Grid, label: number) =>
    resample(onGrid(grid, probabilities.subarray(label * voxels, (label + 1) * voxels)), target, {
      outside: label === anatomyLabel.outside ? 1 : 0,
    }).data as Float32Array;
  const inside = maskWhere(
    onGrid(image, on(image, anatomyLabel.outside)),
    (outside) => outside < mostOutside,
  );
  // Where nothing is inside, a brain of one voxel at most is refused below.
  const box = paddedBox(inside) ?? { first: [0, 0, 0], size: [1, 1, 1] };
  const brain = fillHoles(largestComponent(cropTo(inside, box), 6));
  requirePlausible(brain);
  const most = {
    label: new Uint8Array(brain.data.length),
    share: new Float32Array(brain.data.length),
  };
  for (const label of anatomyNames.keys()) raiseInPlace(most, label, on(brain, label));
  const labels = brain.data.map((within, voxel) => within * most.label[voxel]);
  const parts = pasteInto(inside, onGrid(brain, labels), box);
  return { brain: pasteInto(inside, brain, box), labels: { ...parts, names: anatomyNames } };
}

export const anatomyFromScoresInWorker = inWorker<typeof anatomyFromScores>(
  import.meta.url,
  'anatomyFromScores',
);

/** Where a label has a larger share than those before, it takes their place. */
function raiseInPlace(
  most: { readonly label: Uint8Array; readonly share: Float32Array },
  label: number,
  share: Float32Array,
): void {
  for (let at = 0; at < share.length; at++) {
    if (share[at] <= most.share[at]) continue;
    most.label[at] = label;
    most.share[at] = share[at];
  }
}
