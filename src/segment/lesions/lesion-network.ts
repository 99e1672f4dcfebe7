import { type Predict, slideWindow } from '../../model/sliding-window.js';
import type { PreparedExam } from '../../preprocess/prepared-exam.js';
import type { Run } from '../../run.js';
import type { Axes3 } from '../../volume/arrays.js';
import type { Mask, Volume } from '../../volume/volume.js';
import {
  type BrainChannel,
  brainInputInWorker,
  lesionChannelsOf,
  lesionProbabilityInWorker,
} from './lesion-network-input.js';

/** Shape of the windows: as the patches in training, so that instance norm sees as much (docs/decisions/0088). */
export const windowShape: Axes3 = [64, 64, 64];
export const stepSize = 0.5;

interface BrainOptions extends Pick<Run, 'pool' | 'signal' | 'onProgress'> {
  /** Distance between windows, as a part of the window; else half. */
  readonly stepSize?: number;
}

/**
 * Probability of lesion, by networks that see the brain as Dawson's own does: in voxels of 1 mm,
 * through windows that overlap by half, where nothing else is asked for. Peak memory: about ten arrays of the brain's box at 1 mm, and
 * the network's own.
 * @param channels in the networks' order, on the grid of the brain
 * @param networks from [channels, 64, 64, 64] to logits [background lesion, 64, 64, 64], whose mean counts
 * @returns on the grid of the brain, 0 outside of it
 */
export async function predictInBrain(
  channels: readonly BrainChannel[],
  brain: Mask,
  networks: readonly Predict[],
  { pool, signal, onProgress, stepSize: step = stepSize }: BrainOptions,
): Promise<Volume<Float32Array>> {
  const caller = { pool, signal };
  const { grid, data } = await brainInputInWorker(caller, channels, brain);
  const [nx, ny, nz] = grid.size;
  const image = { data, channels: channels.length, shape: [nz, ny, nx] } as const;
  const scores = await slideWindow(image, networks, {
    patchShape: windowShape,
    classes: 2,
    stepSize: step,
    mirrorAxes: [],
    // Left and right: the body is nearly symmetric.
    chessboardAxis: 2,
    signal,
    onProgress,
  });
  return lesionProbabilityInWorker(caller, scores, grid, brain);
}

/** {@link predictInBrain} by the lesion network. */
export const predictLesions = (
  exam: PreparedExam,
  predict: Predict,
  run: Pick<Run, 'pool' | 'signal' | 'onProgress'>,
): Promise<Volume<Float32Array>> =>
  predictInBrain(lesionChannelsOf(exam), exam.brain, [predict], run);
