import { type Mat4, voxelSizeMm } from '../volume/affine.js';
import type { Grid } from '../volume/volume.js';
import {
  type LesionShape,
  lesionShape,
  markingOffsetsMm,
  offsetForVoxelsMm,
  shapeVolumeMl,
} from './lesion-shape.js';

/** What an exam marks of a lesion. */
export interface MarkedLesion {
  /** On the grid of the space in which exams are compared, of 1 mm. */
  readonly voxels: readonly number[];
  /** Number of voxels on the exam's own grid. */
  readonly markedVoxels: number;
  readonly examGrid: Grid;
  /** RAS mm of the space to RAS mm of the exam, rigid. */
  readonly toExam: Mat4;
}

/** Volumes of one lesion in two exams, freed of what their voxels make of it. */
export interface ComparedVolumes {
  readonly previousMl: number;
  readonly currentMl: number;
  /** Standard deviation of the difference of both, as far as the shape is unsure. */
  readonly shapeDeviationMl: number;
}

/** Part of a change, as a logarithm, by which both exams' shapes may differ about it because of it. */
const ownDifference = 0.4;

/**
 * Volumes of a lesion in two exams as if both had the same voxels. Slices mark more or less of a
 * lesion, as thick as they are and as they happen to lie. So the shape that one exam marks is laid
 * into both, and its border is moved until each would mark as many voxels as it does. This is done
 * with the shapes of both exams, where both mark the lesion; the result is their geometric mean, with
 * weights that fall with the square of an exam's longest voxel side, and how far they differ tells the
 * error. In an exam that marks nothing the volume is the largest that it can miss.
 * @returns undefined where no exam has a voxel of the lesion in the space of the comparison
 */
export function comparedVolumes(
  exams: readonly [MarkedLesion, MarkedLesion],
  space: Grid,
): ComparedVolumes | undefined {
  const within = exams.flatMap(({ voxels }) => voxels);
  const estimates = exams
    .filter(({ voxels }) => voxels.length > 0)
    .map(({ voxels, examGrid }) => {
      const shape = lesionShape(voxels, within, space);
      const [previous, current] = exams.map((exam) => Math.log(volumeInMl(shape, exam)));
      return { weight: Math.max(...voxelSizeMm(examGrid.affine)) ** -2, previous, current };
    });
  if (estimates.length === 0) return undefined;
  const total = estimates.reduce((sum, { weight }) => sum + weight, 0);
  const mean = (of: 'previous' | 'current') =>
    estimates.reduce((sum, estimate) => sum + (estimate.weight / total) * estimate[of], 0);
  const [previous, current] = [mean('previous'), mean('current')];
  const [first, last] = [estimates[0], estimates[estimates.length - 1]];
  const difference = Math.abs(last.current - last.previous - (first.current - first.previous));
  const unexplained = Math.max(0, difference - ownDifference * Math.abs(current - previous));
  return {
    previousMl: Math.exp(previous),
    currentMl: Math.exp(current),
    // Two measurements: half of their difference is the error of their mean.
    shapeDeviationMl: (unexplained / 2) * Math.exp((previous + current) / 2),
  };
}

/** Not 0, so that it has a logarithm. */
const leastVolumeMl = 1e-6;

/** Volume of a shape whose border lies where an exam would mark as many voxels as it does. */
function volumeInMl(shape: LesionShape, { markedVoxels, examGrid, toExam }: MarkedLesion): number {
  const offsetMm = offsetForVoxelsMm(markingOffsetsMm(shape, examGrid, toExam), markedVoxels);
  return Math.max(leastVolumeMl, shapeVolumeMl(shape, offsetMm));
}
