import { distanceTransformMm } from '../volume/distance.js';
import { type Mask, onGrid } from '../volume/volume.js';
import type { Definition } from './definitions.js';
import type { MaskPair } from './mask-pair.js';
import { quantileOfSorted } from './statistics/descriptive.js';
import type { Undefined } from './undefined.js';

/** Distances in mm from each surface voxel of one mask to the nearest surface voxel of the other. */
export interface DirectedDistances {
  readonly meanMm: number;
  readonly p95Mm: number;
  readonly maximumMm: number;
}

/** Distances between the surfaces of two masks, voxel centre to voxel centre. */
export interface SurfaceDistances {
  /** Average symmetric surface distance: the mean of the distances of both directions together. */
  readonly assdMm: number;
  /** The larger of the two directed 95th percentiles. */
  readonly hd95Mm: number;
  /** The 95th percentile of the distances of both directions together. */
  readonly hd95PooledMm: number;
  readonly maximumMm: number;
  readonly referenceToPrediction: DirectedDistances;
  readonly predictionToReference: DirectedDistances;
}

/**
 * Surface distances of a pair; null when either mask is empty or has no surface. Percentiles interpolate linearly
 * between order statistics. Distances are computed in single precision: about 7 digits hold.
 */
export function surfaceDistances(
  pair: MaskPair,
  surface: Definition['surface'],
  undefinedFigures: Undefined,
): SurfaceDistances | null {
  if (pair.referenceVoxels === 0 || pair.predictionVoxels === 0) {
    undefinedFigures.surface =
      pair.referenceVoxels > 0
        ? 'the prediction is empty'
        : pair.predictionVoxels > 0
          ? 'the reference is empty'
          : 'both masks are empty';
    return null;
  }
  const surfaceOf = surface === 'face-3d' ? faceSurface : inSliceSurface;
  const reference = surfaceOf(pair.reference);
  const prediction = surfaceOf(pair.prediction);
  // Where the array's edge is inside, a mask that fills its slices has none.
  const without = !hasVoxels(reference)
    ? 'reference'
    : !hasVoxels(prediction)
      ? 'prediction'
      : undefined;
  if (without) {
    undefinedFigures.surface = `the ${without} has no surface in its slices`;
    return null;
  }
  const toPrediction = distancesFrom(reference, prediction);
  const toReference = distancesFrom(prediction, reference);
  const pooled = new Float64Array(toPrediction.length + toReference.length);
  pooled.set(toPrediction);
  pooled.set(toReference, toPrediction.length);
  pooled.sort();
  const referenceToPrediction = directed(toPrediction);
  const predictionToReference = directed(toReference);
  return {
    assdMm: mean(pooled),
    hd95Mm: Math.max(referenceToPrediction.p95Mm, predictionToReference.p95Mm),
    hd95PooledMm: quantileOfSorted(pooled, 0.95),
    maximumMm: pooled[pooled.length - 1],
    referenceToPrediction,
    predictionToReference,
  };
}

const hasVoxels = ({ data }: Mask): boolean => data.some((value) => value !== 0);

/** Sorted distances from the voxels of one surface to the nearest voxel of the other. */
function distancesFrom(from: Mask, to: Mask): Float64Array {
  const distance = distanceTransformMm(to).data;
  const distances: number[] = [];
  for (let voxel = 0; voxel < distance.length; voxel++) {
    if (from.data[voxel] !== 0) distances.push(distance[voxel]);
  }
  return Float64Array.from(distances).sort();
}

function directed(sorted: Float64Array): DirectedDistances {
  return {
    meanMm: mean(sorted),
    p95Mm: quantileOfSorted(sorted, 0.95),
    maximumMm: sorted[sorted.length - 1],
  };
}

function mean(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** Voxels with a face neighbour outside the mask; beyond the array's edge is outside. */
function faceSurface(mask: Mask): Mask {
  const { data, size } = mask;
  const [nx, ny, nz] = size;
  const surface = new Uint8Array(data.length);
  for (let k = 0, at = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++) {
      for (let i = 0; i < nx; i++, at++) {
        if (data[at] === 0) continue;
        const inside =
          i > 0 &&
          i < nx - 1 &&
          j > 0 &&
          j < ny - 1 &&
          k > 0 &&
          k < nz - 1 &&
          data[at - 1] !== 0 &&
          data[at + 1] !== 0 &&
          data[at - nx] !== 0 &&
          data[at + nx] !== 0 &&
          data[at - nx * ny] !== 0 &&
          data[at + nx * ny] !== 0;
        if (!inside) surface[at] = 1;
      }
    }
  }
  return onGrid(mask, surface);
}

/** Voxels with one of their eight neighbours in the slice outside; beyond the edge is inside. */
function inSliceSurface(mask: Mask): Mask {
  const { data, size } = mask;
  const [nx, ny, nz] = size;
  const surface = new Uint8Array(data.length);
  for (let k = 0, at = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++) {
      for (let i = 0; i < nx; i++, at++) {
        if (data[at] === 0) continue;
        for (let y = Math.max(0, j - 1); y <= Math.min(ny - 1, j + 1); y++) {
          for (let x = Math.max(0, i - 1); x <= Math.min(nx - 1, i + 1); x++) {
            if (data[x + nx * (y + ny * k)] === 0) surface[at] = 1;
          }
        }
      }
    }
  }
  return onGrid(mask, surface);
}
