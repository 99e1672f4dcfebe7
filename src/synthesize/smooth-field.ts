import type { Vec3 } from '../volume/affine.js';
import type { Size } from '../volume/volume.js';
import { normalQuantiles } from './noise.js';

/**
 * A smooth random function of space with mean 0 and standard deviation 1: a cubic B-spline over a
 * lattice of independent normal numbers. It depends on the place in mm and on the seed alone, so
 * that a patch and a whole head with the same field show the same values at the same place.
 */
export interface SmoothField {
  readonly seed: number;
  /** Distance of the lattice points: structures are about twice as wide. */
  readonly spacingMm: number;
}

/** Voxels parallel to the axes of the space in which a field is defined. */
export interface UprightGrid {
  readonly size: Size;
  /** Centre of voxel (0, 0, 0). */
  readonly originMm: Vec3;
  readonly spacingMm: Vec3;
}

/** Mean of the sum of squared cubic B-spline weights, in one dimension: what smoothing leaves of the variance. */
const varianceKept = 151 / 315;

/** Values of a field at the voxels of a box. */
export function renderField(field: SmoothField, box: UprightGrid): Float32Array {
  const axes = [0, 1, 2].map((axis) => splineAxis(field.spacingMm, box, axis));
  const [x, y, z] = axes;
  const scale = varianceKept ** -1.5;
  let values = new Float32Array(x.nodes * y.nodes * z.nodes);
  for (let k = 0, at = 0; k < z.nodes; k++) {
    for (let j = 0; j < y.nodes; j++) {
      for (let i = 0; i < x.nodes; i++, at++) {
        values[at] = scale * nodeValue(field.seed, x.first + i, y.first + j, z.first + k);
      }
    }
  }
  values = refined(values, 1, x, y.nodes * z.nodes);
  values = refined(values, box.size[0], y, z.nodes);
  return refined(values, box.size[0] * box.size[1], z, 1);
}

interface SplineAxis {
  /** Lattice index of the first node used and the number of nodes. */
  readonly first: number;
  readonly nodes: number;
  /** By voxel: the first of its four nodes, counted from `first`, and their weights. */
  readonly start: Int32Array;
  readonly weights: Float32Array;
}

function splineAxis(spacingMm: number, box: UprightGrid, axis: number): SplineAxis {
  const count = box.size[axis];
  const position = (n: number) => (box.originMm[axis] + n * box.spacingMm[axis]) / spacingMm;
  const first = Math.floor(Math.min(position(0), position(count - 1))) - 1;
  const last = Math.floor(Math.max(position(0), position(count - 1))) + 2;
  const start = new Int32Array(count);
  const weights = new Float32Array(4 * count);
  for (let n = 0; n < count; n++) {
    const cell = Math.floor(position(n));
    const t = position(n) - cell;
    start[n] = cell - 1 - first;
    weights[4 * n] = (1 - t) ** 3 / 6;
    weights[4 * n + 1] = (3 * t ** 3 - 6 * t ** 2 + 4) / 6;
    weights[4 * n + 2] = (-3 * t ** 3 + 3 * t ** 2 + 3 * t + 1) / 6;
    weights[4 * n + 3] = t ** 3 / 6;
  }
  return { first, nodes: last - first + 1, start, weights };
}

/** Replaces the nodes along one axis by voxels; `stride` values lie between neighbours, `blocks` outside. */
function refined(nodes: Float32Array, stride: number, axis: SplineAxis, blocks: number) {
  const count = axis.start.length;
  const values = new Float32Array(stride * count * blocks);
  for (let block = 0; block < blocks; block++) {
    for (let n = 0; n < count; n++) {
      const w0 = axis.weights[4 * n];
      const w1 = axis.weights[4 * n + 1];
      const w2 = axis.weights[4 * n + 2];
      const w3 = axis.weights[4 * n + 3];
      const to = (block * count + n) * stride;
      let from = (block * axis.nodes + axis.start[n]) * stride;
      for (let at = to; at < to + stride; at++, from++) {
        values[at] =
          w0 * nodes[from] +
          w1 * nodes[from + stride] +
          w2 * nodes[from + 2 * stride] +
          w3 * nodes[from + 3 * stride];
      }
    }
  }
  return values;
}

/** The normal number of a lattice point: a hash of its place and the seed, as a quantile. */
function nodeValue(seed: number, i: number, j: number, k: number): number {
  let hash = seed ^ Math.imul(i, 0x9e3779b1) ^ Math.imul(j, 0x85ebca77) ^ Math.imul(k, 0xc2b2ae3d);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return normalQuantiles[(hash ^ (hash >>> 16)) & 0xfff];
}
