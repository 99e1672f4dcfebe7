import type { ImagePlan } from '../../model/nnunet-plans.js';
import { softmax } from '../../network/index.js';
import { type Axes3, voxelsIn } from '../../volume/arrays.js';
import type { Grid, Volume } from '../../volume/volume.js';
import { inWorker } from '../../workers.js';
import { type CaseGeometry, toBoxGrid, toNativeGrid } from './preprocess.js';

/**
 * Brings the scores of a network back to the case's grid: interpolated as they are, and made
 * probabilities only then.
 * @param scores [classes, ...shape], logits or probabilities as the model averages them
 * @returns probability of any class but the background, 0 outside of the case's box. Slow.
 */
export function probabilityFromScores(
  scores: Float32Array,
  shape: Axes3,
  geometry: CaseGeometry,
  {
    plan,
    classCount,
    average,
  }: {
    readonly plan: ImagePlan;
    readonly classCount: number;
    readonly average: 'logits' | 'probabilities';
  },
  grid: Grid,
): Volume<Float32Array> {
  const voxels = voxelsIn(shape);
  const boxVoxels = voxelsIn(geometry.box.shape);
  const inBox = new Float32Array(classCount * boxVoxels);
  for (let c = 0; c < classCount; c++) {
    const scoresOfClass = scores.slice(c * voxels, (c + 1) * voxels);
    inBox.set(toBoxGrid(scoresOfClass, shape, geometry, plan), c * boxVoxels);
  }
  const probabilities = average === 'probabilities' ? inBox : softmax(inBox, classCount);
  const foreground = new Float32Array(boxVoxels);
  for (let at = 0; at < boxVoxels; at++) {
    foreground[at] = Math.min(1, Math.max(0, 1 - probabilities[at]));
  }
  return toNativeGrid(foreground, geometry, plan, grid);
}

export const probabilityFromScoresInWorker = inWorker<typeof probabilityFromScores>(
  import.meta.url,
  'probabilityFromScores',
);
