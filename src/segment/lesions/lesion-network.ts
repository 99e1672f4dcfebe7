import { type Predict, slideWindow } from '../../model/sliding-window.js';
import type { PreparedExam } from '../../preprocess/prepared-exam.js';
import type { Axes3 } from '../../volume/arrays.js';
import type { Volume } from '../../volume/volume.js';
import type { WorkerPool } from '../../workers.js';
import { lesionNetworkInputInWorker, lesionProbabilityInWorker } from './lesion-network-input.js';

/** Of the windows: as the patches in training, so that instance norm sees as much (docs/decisions/0088). */
export const windowShape: Axes3 = [64, 64, 64];
const stepSize = 0.5;

/**
 * Probability of lesion, by the lesion network: the brain in voxels of 1 mm, through windows that
 * overlap by half. Peak memory: about ten arrays of the brain's box at 1 mm, and the network's own.
 * @param predict from [flair t2 t1, 64, 64, 64] to logits [background lesion, 64, 64, 64]
 * @returns on the exam's grid, 0 outside the brain
 */
export async function predictLesions(
  exam: PreparedExam,
  predict: Predict,
  {
    pool,
    signal,
    onProgress,
  }: {
    pool: WorkerPool;
    signal?: AbortSignal;
    onProgress?: (done: number, all: number) => void;
  },
): Promise<Volume<Float32Array>> {
  const { flair, t2, t1, brain } = exam;
  const { grid, data } = await lesionNetworkInputInWorker(
    { pool, signal },
    { flair, t2, t1, brain },
  );
  const [nx, ny, nz] = grid.size;
  const scores = await slideWindow({ data, channels: 3, shape: [nz, ny, nx] }, [predict], {
    patchShape: windowShape,
    classes: 2,
    stepSize,
    mirrorAxes: [],
    // Left and right: the body is nearly symmetric.
    chessboardAxis: 2,
    signal,
    onProgress,
  });
  return lesionProbabilityInWorker({ pool, signal }, scores, grid, brain);
}
