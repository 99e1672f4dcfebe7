import { outsideLabel } from '../segment/nnunet/preprocess.js';
import { mapAxes } from '../volume/affine.js';
import { type Axes3, voxelsIn } from '../volume/arrays.js';
import type { CasePatch } from './cache.js';

/** A rotation and scaling about the centre of a patch; elastic deformation is off, as in nnU-Net. */
export interface SpatialParameters {
  /** About the first, second and third axis of the array, in radians. */
  readonly rotation: Axes3;
  /** Above 1 the patch shows more of the image, and everything smaller. */
  readonly scale: Axes3;
}

/** Nine numbers, row by row: from places in the patch to places in the image, about the centres. */
export type Matrix3 = readonly number[];

/** Rotations about axis 0, then 1, then 2, after the scaling (batchgeneratorsv2). */
export function spatialMatrix({ rotation, scale }: SpatialParameters): Matrix3 {
  const [ca, cb, cc] = rotation.map(Math.cos);
  const [sa, sb, sc] = rotation.map(Math.sin);
  const turned = [
    cc * cb,
    cc * sb * sa - sc * ca,
    cc * sb * ca + sc * sa,
    sc * cb,
    sc * sb * sa + cc * ca,
    sc * sb * ca - cc * sa,
    -sb,
    cb * sa,
    cb * ca,
  ];
  return turned.map((value, at) => value * scale[at % 3]);
}

/** The shape that a patch of this shape shows of the image, with a voxel on each side to spare. */
export function reachOf(matrix: Matrix3, shape: Axes3): Axes3 {
  return mapAxes([0, 1, 2], (row) => {
    let reach = 0;
    for (let axis = 0; axis < 3; axis++) reach += Math.abs(matrix[3 * row + axis]) * shape[axis];
    return Math.ceil(reach) + 2;
  });
}

/**
 * The patch of this shape around the centre of a larger one, turned and scaled: images by linear
 * interpolation with 0 beyond the border; a label is the one with the largest interpolated part,
 * ties going to the nearest voxel's. The same for labels of a stage before.
 */
export function transformPatch(
  { image, labels, previous }: CasePatch,
  from: Axes3,
  to: Axes3,
  matrix: Matrix3,
): CasePatch {
  const channels = image.length / labels.length;
  const fromVoxels = voxelsIn(from);
  const toVoxels = voxelsIn(to);
  const result = new Float32Array(channels * toVoxels);
  const resultLabels = new Int8Array(toVoxels);
  const resultPrevious = previous && new Int8Array(toVoxels);
  const offsets = new Int32Array(8);
  const weights = new Float64Array(8);
  const [nd, nh, nw] = from;
  const strideD = nh * nw;
  let at = 0;
  for (let d = 0; d < to[0]; d++) {
    const pd = d - (to[0] - 1) / 2;
    for (let h = 0; h < to[1]; h++) {
      const ph = h - (to[1] - 1) / 2;
      const d0 = matrix[0] * pd + matrix[1] * ph + (nd - 1) / 2;
      const h0 = matrix[3] * pd + matrix[4] * ph + (nh - 1) / 2;
      const w0 = matrix[6] * pd + matrix[7] * ph + (nw - 1) / 2;
      for (let w = 0; w < to[2]; w++, at++) {
        const pw = w - (to[2] - 1) / 2;
        const x = d0 + matrix[2] * pw;
        const y = h0 + matrix[5] * pw;
        const z = w0 + matrix[8] * pw;
        const xi = Math.floor(x);
        const yi = Math.floor(y);
        const zi = Math.floor(z);
        const fx = x - xi;
        const fy = y - yi;
        const fz = z - zi;
        const touches = xi >= -1 && xi < nd && yi >= -1 && yi < nh && zi >= -1 && zi < nw;
        if (!touches) {
          resultLabels[at] = outsideLabel;
          if (resultPrevious) resultPrevious[at] = outsideLabel;
          continue;
        }
        for (let corner = 0; corner < 8; corner++) {
          const cx = xi + (corner >> 2);
          const cy = yi + ((corner >> 1) & 1);
          const cz = zi + (corner & 1);
          const inside = cx >= 0 && cx < nd && cy >= 0 && cy < nh && cz >= 0 && cz < nw;
          offsets[corner] = inside ? cx * strideD + cy * nw + cz : -1;
          weights[corner] =
            (corner & 4 ? fx : 1 - fx) * (corner & 2 ? fy : 1 - fy) * (corner & 1 ? fz : 1 - fz);
        }
        for (let channel = 0; channel < channels; channel++) {
          const base = channel * fromVoxels;
          let sum = 0;
          for (let corner = 0; corner < 8; corner++) {
            if (offsets[corner] >= 0) sum += weights[corner] * image[base + offsets[corner]];
          }
          result[channel * toVoxels + at] = sum;
        }
        const nearest = (fx >= 0.5 ? 4 : 0) + (fy >= 0.5 ? 2 : 0) + (fz >= 0.5 ? 1 : 0);
        resultLabels[at] = heaviestLabel(labels, offsets, weights, nearest);
        if (previous) resultPrevious![at] = heaviestLabel(previous, offsets, weights, nearest);
      }
    }
  }
  return {
    image: result,
    labels: resultLabels,
    ...(resultPrevious && { previous: resultPrevious }),
  };
}

/** Sums of weights this close are equal but for rounding. */
const weightTolerance = 1e-9;

/** The label with the largest sum of weights among eight corners; the nearest one's in a tie. */
function heaviestLabel(
  labels: Int8Array,
  offsets: Int32Array,
  weights: Float64Array,
  nearest: number,
): number {
  let best = labelAt(labels, offsets[nearest]);
  let corner = 0;
  while (corner < 8 && labelAt(labels, offsets[corner]) === best) corner++;
  if (corner === 8) return best;
  let heaviest = weightOf(best, labels, offsets, weights);
  for (; corner < 8; corner++) {
    const label = labelAt(labels, offsets[corner]);
    const weight = weightOf(label, labels, offsets, weights);
    if (weight > heaviest + weightTolerance) {
      heaviest = weight;
      best = label;
    }
  }
  return best;
}

function labelAt(labels: Int8Array, offset: number): number {
  return offset < 0 ? outsideLabel : labels[offset];
}

function weightOf(
  label: number,
  labels: Int8Array,
  offsets: Int32Array,
  weights: Float64Array,
): number {
  let sum = 0;
  for (let corner = 0; corner < 8; corner++) {
    if (labelAt(labels, offsets[corner]) === label) sum += weights[corner];
  }
  return sum;
}
