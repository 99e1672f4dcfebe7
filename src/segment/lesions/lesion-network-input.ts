import { sequenceLabels, sequenceNames } from '../../preprocess/exam.js';
import type { PreparedExam } from '../../preprocess/prepared-exam.js';
import { gridAround } from '../../volume/grid-around.js';
import { type Bounds, clamp } from '../../volume/outliers.js';
import { resample } from '../../volume/resample.js';
import {
  countNonZero,
  type Grid,
  type Mask,
  onesWhere,
  onGrid,
  toFloat32,
  type Volume,
  voxelCount,
} from '../../volume/volume.js';
import { inWorker } from '../../workers.js';
import { brainBounds, emptyBrain } from '../brain-contrast.js';

/** Channels of the lesion network, in their order; T2 and T1 may be missing. */
export const lesionChannels = sequenceNames;

/** The network sees the brain in voxels of this size, parallel to the body's axes. */
const voxelMm = 1;
/** How much is shown around the brain. */
const marginMm = 6;
/** In standard deviations of the brain; what lies further out is set to them. */
const deviationBounds: Bounds = { low: -6, high: 6 };

export interface IntensityStatistics {
  readonly mean: number;
  readonly sd: number;
}

/**
 * Intensities as the network takes them: in standard deviations of the whole brain from its mean, and
 * 0 outside of the brain.
 * @param inside not 0 where the image shows the brain
 */
export function normalizedIntensities(
  image: Float32Array,
  inside: Uint8Array,
  { mean, sd }: IntensityStatistics,
): Float32Array {
  const result = new Float32Array(image.length);
  if (!(sd > 0)) return result;
  for (let at = 0; at < image.length; at++) {
    if (inside[at] === 0) continue;
    result[at] = clamp((image[at] - mean) / sd, deviationBounds);
  }
  return result;
}

/** A sequence of an exam as a channel; without a volume it is missing. */
export interface BrainChannel {
  /** For messages. */
  readonly label: string;
  readonly volume?: Volume;
}

/** The channels of the lesion network for an exam. */
export const lesionChannelsOf = (exam: Omit<PreparedExam, 'brain'>): BrainChannel[] =>
  lesionChannels.map((name) => ({ label: sequenceLabels[name], volume: exam[name] }));

/** What a network is given of a brain. */
export interface BrainInput {
  readonly grid: Grid;
  /** [channels, z, y, x]; 0 for one that is missing. */
  readonly data: Float32Array;
}

/**
 * Brings channels to the network's voxels. Outliers count as the bounds of {@link brainBounds} in
 * the statistics of a channel.
 * @throws DawsonError `segmentation-failed` for an exam without a brain, `bad-intensities` as
 *   {@link brainBounds} does.
 */
export function brainInput(channels: readonly BrainChannel[], brainMask: Mask): BrainInput {
  const grid = gridAround(brainMask, voxelMm, marginMm);
  const voxels = voxelCount(grid.size);
  const share = resample(toFloat32(brainMask), grid).data;
  const brain = onesWhere(share, (value) => value >= 0.5);
  if (countNonZero(brain) === 0) throw emptyBrain();
  const data = new Float32Array(channels.length * voxels);
  for (const [channel, { label, volume }] of channels.entries()) {
    if (!volume) continue;
    const image = resample(toFloat32(volume), grid).data;
    // Where a sequence has no voxels it has 0, as outside of a brain that somebody extracted.
    const shown = brain.map((inside, at) => (inside !== 0 && image[at] !== 0 ? 1 : 0));
    const bounds = brainBounds(image, shown, label);
    const statistics = statisticsOf(image, shown, bounds);
    data.set(normalizedIntensities(image, shown, statistics), channel * voxels);
  }
  return { grid, data };
}

export const brainInputInWorker = inWorker<typeof brainInput>(import.meta.url, 'brainInput');

/** What the lesion network is given of an exam: {@link brainInput}. */
export const lesionNetworkInput = (exam: PreparedExam): BrainInput =>
  brainInput(lesionChannelsOf(exam), exam.brain);

/** Mean and standard deviation, winsorised. */
function statisticsOf(image: Float32Array, shown: Uint8Array, bounds: Bounds): IntensityStatistics {
  let [count, sum, squares] = [0, 0, 0];
  for (let at = 0; at < image.length; at++) {
    if (shown[at] === 0) continue;
    count++;
    sum += clamp(image[at], bounds);
  }
  const mean = sum / count;
  for (let at = 0; at < image.length; at++) {
    if (shown[at] !== 0) squares += (clamp(image[at], bounds) - mean) ** 2;
  }
  return { mean, sd: Math.sqrt(squares / count) };
}

/**
 * Scores of the network, averaged over its windows, as probabilities on the exam's own grid.
 * @param scores [background lesion, z, y, x]
 */
export function lesionProbability(
  scores: Float32Array,
  grid: Grid,
  brain: Volume<Uint8Array>,
): Volume<Float32Array> {
  const voxels = voxelCount(grid.size);
  const probability = new Float32Array(voxels);
  for (let at = 0; at < voxels; at++) {
    probability[at] = 1 / (1 + Math.exp(scores[at] - scores[voxels + at]));
  }
  const onExam = resample(onGrid(grid, probability), brain);
  for (let at = 0; at < onExam.data.length; at++) if (brain.data[at] === 0) onExam.data[at] = 0;
  return onExam;
}

export const lesionProbabilityInWorker = inWorker<typeof lesionProbability>(
  import.meta.url,
  'lesionProbability',
);
