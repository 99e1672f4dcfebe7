import { cutPatch } from '../../../model/sliding-window.js';
import { lesionChannels } from '../../../segment/lesions/lesion-network-input.js';
import { outsideLabel } from '../../../segment/nnunet/preprocess.js';
import {
  alongAxis,
  composed,
  interpolationRows,
  profileRows,
} from '../../../synthesize/along-axis.js';
import { between, betweenLog, chance, oneOf } from '../../../synthesize/sampling.js';
import { type AugmentationSettings, augment, sampleAugmentation } from '../../../train/augment.js';
import { reachOf, spatialMatrix, transformPatch } from '../../../train/augment-spatial.js';
import type { CasePatch } from '../../../train/cache.js';
import { batchSeed } from '../../../train/patch-source.js';
import type { StepInput } from '../../../train/step.js';
import { mapAxes } from '../../../volume/affine.js';
import { type Axes3, copyOverlap, voxelsIn } from '../../../volume/arrays.js';
import { type Random, seededRandom } from '../../../volume/random.js';
import type { Size } from '../../../volume/volume.js';
import { inWorker } from '../../../workers.js';
import type { Anatomies } from '../lesion-batches.js';
import { type BatchSettings, makeLesionBatch } from '../lesion-batches.js';
import { lesionEmphasis } from '../lesion-emphasis.js';
import { type TrainingCase, unknownLabel } from './training-case.js';

/** Synthetic and real exams, on memory that workers share. */
export interface MixedExams {
  readonly anatomies: Anatomies;
  readonly cases: readonly TrainingCase[];
}

/** Synthetic exams keep in memory what the few real ones hardly show: heavy loads, small lesions, thin slices. */
const syntheticShare = 1 / 3;
/** Share of real patches about a lesion; the others lie anywhere in the brain. */
const aboutLesion = 0.5;
const jitterVoxels = 16;
/** Share of patches that are turned and scaled, by at most this. */
const moved = 0.7;
const largestAngleRadians = Math.PI / 12;
const largestScale = 1.2;
/** Share of sequences whose slices are made thicker. */
const thickened = 0.25;
const thickestMm = 7;
/** Standard deviations of the mean and of the log of the spread: other heads, fields and brain masks. */
const meanJitter = 0.1;
const spreadJitter = 0.08;
/** Real and synthetic patches of one number have nothing in common. */
const realSeed = 0x5eed;

/** Left to right, and T2 and T1 sometimes left out; what else happens is nnU-Net's. */
const augmentation: AugmentationSettings = { mirrorAxes: [2], channelDropout: [0, 0.3, 0.25] };

/**
 * A batch of which the first third is synthetic and the rest comes from real exams: as
 * {@link makeLesionBatch}. Runs in a worker; the same settings and index give the same batch.
 */
export function makeMixedBatch(
  { anatomies, cases }: MixedExams,
  settings: BatchSettings,
  index: number,
): StepInput {
  const real = Math.ceil((1 - syntheticShare) * settings.batchSize);
  const parts = [
    makeLesionBatch(anatomies, { ...settings, batchSize: settings.batchSize - real }, index),
    makeRealBatch(cases, { ...settings, batchSize: real }, index),
  ];
  return {
    image: joined(parts.map(({ image }) => image)),
    labels: joined(parts.map(({ labels }) => labels)),
    voxelWeights: joined(parts.map(({ voxelWeights }) => voxelWeights!)),
  };
}

export const makeMixedBatchInWorker = inWorker<typeof makeMixedBatch>(
  import.meta.url,
  'makeMixedBatch',
);

function joined<T extends Float32Array | Uint8Array>(parts: readonly T[]): T {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const result = new (parts[0].constructor as new (length: number) => T)(length);
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

/** Patches of real exams: every site, and in it every exam, comes as often as another. */
export function makeRealBatch(
  cases: readonly TrainingCase[],
  { batchSize, edgeVoxels, seed }: BatchSettings,
  index: number,
): StepInput {
  const voxels = edgeVoxels ** 3;
  const channels = lesionChannels.length;
  const image = new Float32Array(batchSize * channels * voxels);
  const labels = new Uint8Array(batchSize * voxels);
  const voxelWeights = new Float32Array(batchSize * voxels);
  const random = seededRandom(batchSeed((seed ^ realSeed) >>> 0, index));
  const shape: Axes3 = [edgeVoxels, edgeVoxels, edgeVoxels];
  const sites = [...new Set(cases.map(({ site }) => site))];
  for (let place = 0; place < batchSize; place++) {
    const site = oneOf(random, sites);
    const chosen = oneOf(
      random,
      cases.filter((one) => one.site === site),
    );
    const patch = drawPatch(random, chosen, shape);
    image.set(patch.image, place * channels * voxels);
    const known = patch.labels.map((label) => (label === unknownLabel ? 0 : label));
    const weights = lesionEmphasis(known, shape);
    for (let at = 0; at < voxels; at++) if (patch.labels[at] === unknownLabel) weights[at] = 0;
    labels.set(known, place * voxels);
    voxelWeights.set(weights, place * voxels);
  }
  return { image, labels, voxelWeights };
}

function drawPatch(
  random: Random,
  chosen: TrainingCase,
  shape: Axes3,
): { image: Float32Array; labels: Uint8Array } {
  const centre = drawCentre(random, chosen);
  const drawn = sampleAugmentation(random, shape, chosen.present.length, augmentation);
  const cut = cutMoved(random, chosen, centre, shape);
  for (const channel of chosen.present.keys()) {
    const values = cut.image.subarray(channel * voxelsIn(shape), (channel + 1) * voxelsIn(shape));
    if (chance(random, thickened)) thickenInPlace(random, values, shape, chosen.sliceMm);
    const shift = meanJitter * random.normal();
    const spread = Math.exp(spreadJitter * random.normal());
    for (let at = 0; at < values.length; at++) values[at] = values[at] * spread + shift;
  }
  // Outside of the brain all is 0 again.
  const masked = chosen.present.map(() => true);
  return augment(cut, shape, { present: chosen.present, masked }, drawn);
}

/** About a lesion, each alike however large, or about any voxel of the brain. */
function drawCentre(random: Random, chosen: TrainingCase): Axes3 {
  const { labels, shape, lesionVoxels, lesionStarts } = chosen;
  const [, nh, nw] = shape;
  const lesions = lesionStarts.length - 1;
  let at = 0;
  if (lesions > 0 && chance(random, aboutLesion)) {
    const lesion = random.integer(lesions);
    const voxels = lesionStarts[lesion + 1] - lesionStarts[lesion];
    at = lesionVoxels[lesionStarts[lesion] + random.integer(voxels)];
  } else {
    do at = random.integer(labels.length);
    while (labels[at] === outsideLabel);
  }
  const voxel: Axes3 = [Math.floor(at / (nh * nw)), Math.floor(at / nw) % nh, at % nw];
  const jitter = () => random.integer(2 * jitterVoxels + 1) - jitterVoxels;
  return mapAxes(voxel, (n) => n + jitter());
}

/** The patch about a voxel, as it is, or turned and scaled. */
function cutMoved(random: Random, chosen: TrainingCase, centre: Axes3, shape: Axes3): CasePatch {
  const angle = () => between(random, -largestAngleRadians, largestAngleRadians);
  const scale = betweenLog(random, 1 / largestScale, largestScale);
  const stretch = () => scale * betweenLog(random, 0.95, 1.05);
  if (!chance(random, moved)) return cut(chosen, centre, shape);
  const matrix = spatialMatrix({
    rotation: [angle(), angle(), angle()],
    scale: [stretch(), stretch(), stretch()],
  });
  // A patch and its surroundings have the same centre when they differ by an even number of voxels.
  const reach = reachOf(matrix, shape).map(
    (n, axis) => n + ((n - shape[axis]) & 1),
  ) as unknown as Axes3;
  return transformPatch(cut(chosen, centre, reach), reach, shape, matrix);
}

function cut({ image, labels, shape: whole, present }: TrainingCase, centre: Axes3, shape: Axes3) {
  const start = mapAxes(centre, (n, axis) => n - (shape[axis] >> 1));
  const cutLabels = new Int8Array(voxelsIn(shape)).fill(outsideLabel);
  copyOverlap(labels, whole, cutLabels, shape, start);
  const all = { data: image, channels: present.length, shape: whole };
  return { image: cutPatch(all, start, shape), labels: cutLabels };
}

/** As if measured in thicker slices of any plane, in voxels of 1 mm; slices that are thick already stay as they are. */
function thickenInPlace(random: Random, values: Float32Array, shape: Axes3, sliceMm: number): void {
  const axis = random.integer(3);
  const distanceMm = betweenLog(random, 1.5, thickestMm);
  if (distanceMm < sliceMm) return;
  const [nd, nh, nw] = shape;
  const size: Size = [nw, nh, nd];
  const first = -random.uniform() * distanceMm;
  const samples = Math.ceil((size[axis] - first) / distanceMm) + 1;
  const centres = Array.from({ length: samples }, (_, n) => first + n * distanceMm);
  const places = Array.from({ length: size[axis] }, (_, n) => (n - first) / distanceMm);
  const rows = composed(
    interpolationRows(places, samples),
    profileRows(centres, distanceMm, size[axis]),
  );
  values.set(alongAxis(values, size, axis, rows).data);
}
