import { voxelSizeMm } from './affine.js';
import { type Mask, onGrid, strides, type Volume } from './volume.js';

/**
 * Exact Euclidean distance in mm from the centre of each voxel to the centre of the nearest
 * non-zero voxel; 0 inside the mask, Infinity everywhere when the mask is empty. Single precision.
 *
 * Assumes that the voxel axes are at right angles to each other (in any orientation, with any voxel
 * size), as scanners make them: a shear in the affine is not taken into account.
 *
 * Felzenszwalb and Huttenlocher 2012, doi 10.4086/toc.2012.v008a019: squared distances along one
 * axis after another, each as the lower envelope of parabolas; linear in the number of voxels.
 */
export function distanceTransformMm(mask: Mask): Volume<Float32Array> {
  const { data, size } = mask;
  const spacingMm = voxelSizeMm(mask.affine);
  const distances = new Float32Array(data.length);
  for (let at = 0; at < data.length; at++) distances[at] = data[at] === 0 ? Infinity : 0;
  for (let axis = 0; axis < 3; axis++) {
    lowerEnvelopesInPlace(distances, size[axis], strides(size)[axis], spacingMm[axis]);
  }
  for (let at = 0; at < distances.length; at++) distances[at] = Math.sqrt(distances[at]);
  return onGrid(mask, distances);
}

/** Lines gathered at once, so that a cache line fetched for one serves its neighbours too. */
const linesAtOnce = 16;

/**
 * Replaces the values f of each line of `n` voxels, `stride` apart in memory, by
 * min over q of f(q) + (spacing (p - q))^2.
 */
function lowerEnvelopesInPlace(
  squared: Float32Array,
  n: number,
  stride: number,
  spacingMm: number,
): void {
  const lines = new Float64Array(n * linesAtOnce);
  const apex = new Int32Array(n);
  const border = new Float64Array(n + 1);
  for (let block = 0; block < squared.length; block += n * stride) {
    for (let first = 0; first < stride; first += linesAtOnce) {
      const width = Math.min(linesAtOnce, stride - first);
      for (let p = 0; p < n; p++) {
        const from = block + first + p * stride;
        for (let line = 0; line < width; line++) lines[line * n + p] = squared[from + line];
      }
      for (let line = 0; line < width; line++) {
        const to = block + first + line;
        lowerEnvelope(lines, line * n, n, spacingMm, apex, border, squared, to, stride);
      }
    }
  }
}

/**
 * One line: `values[from + q]` for q in [0, n) is read, `squared[to + p * stride]` is written.
 * `apex` and `border` are room to work in: parabola number v of the envelope has its apex at voxel
 * apex[v] and is the lowest from border[v] to border[v + 1], in voxels.
 */
function lowerEnvelope(
  values: Float64Array,
  from: number,
  n: number,
  spacingMm: number,
  apex: Int32Array,
  border: Float64Array,
  squared: Float32Array,
  to: number,
  stride: number,
): void {
  const scale = spacingMm * spacingMm;
  let count = 0;
  for (let q = 0; q < n; q++) {
    const value = values[from + q];
    if (value === Infinity) continue;
    let left = -Infinity;
    while (count > 0) {
      const other = apex[count - 1];
      left = (q + other) / 2 + (value - values[from + other]) / (2 * scale * (q - other));
      if (left > border[count - 1]) break;
      count--;
    }
    apex[count] = q;
    border[count] = count === 0 ? -Infinity : left;
    count++;
  }
  if (count === 0) return; // nothing in this line: it stays infinite
  border[count] = Infinity;
  let parabola = 0;
  for (let p = 0; p < n; p++) {
    while (border[parabola + 1] < p) parabola++;
    const steps = p - apex[parabola];
    squared[to + p * stride] = scale * steps * steps + values[from + apex[parabola]];
  }
}
