import { invert, type Mat4, multiply, type Vec3 } from '../volume/affine.js';
import type { Volume } from '../volume/volume.js';
import type { Motion } from './register-motion.js';

/** Intensity classes of each image; 32 are customary for registration (Mattes et al. 2003). */
export const bins = 32;

/** Points of the fixed image and the classes of the intensities there. */
export interface FixedSamples {
  /** About which the points are given, RAS mm. */
  readonly centre: Vec3;
  /** x, y, z of each point less the centre, RAS mm. */
  readonly offsetsMm: Float64Array;
  /** Class of the intensity at each point, 0 to `bins` - 1. */
  readonly classes: Uint8Array;
}

export interface MutualInformation {
  /** Mutual information in nats. */
  readonly value: number;
  /** (H(fixed) + H(moving)) / H(both), from 1 to 2; hardly depends on the overlap (Studholme 1999). */
  readonly normalised: number;
  /** Share of the points that fall into the moving image, 0 to 1. */
  readonly overlap: number;
  /** Derivative of `value` by a {@link Motion} with 12 degrees of freedom after the transform. */
  readonly gradient: Motion;
}

/** Clips intensities to a range and stretches it over the classes. */
export function toClass(value: number, low: number, high: number): number {
  const clipped = Math.min(Math.max(value, low), high);
  return ((clipped - low) / (high - low)) * (bins - 1);
}

/**
 * Mutual information of an image with samples of another, and its gradient, as a function of the
 * transform (Mattes et al. 2003, doi 10.1109/TMI.2003.809072). The joint histogram takes each
 * sample into one class of the fixed intensity and, by cubic B-spline weights, into four of the
 * moving intensity, which makes it differentiable; the moving image is interpolated linearly.
 * Points up to half a voxel outside the outermost voxel centres take the outermost values; points
 * beyond do not count. One long function: a call for each sample would cost more than its work.
 *
 * @param low, high range of the moving image's intensities that is told apart
 * @returns a function of the map of fixed points to moving points, RAS mm; its result has the value
 *   0 and no gradient where no point falls into the moving image.
 */
export function mutualInformation(
  samples: FixedSamples,
  moving: Volume<Float32Array>,
  low: number,
  high: number,
): (fixedToMoving: Mat4) => MutualInformation {
  const { centre, offsetsMm, classes } = samples;
  const [nx, ny, nz] = moving.size;
  const nxy = nx * ny;
  // Cubic weights reach from the class below to two above: one class of room at either end.
  const room = 1;
  const image = moving.data.map(
    (value) => room + (toClass(value, low, high) * (bins - 4)) / (bins - 1),
  );
  const toVoxel = invert(moving.affine);
  const joint = new Float64Array(bins * bins);
  const weights = new Float64Array(bins * bins);
  const values = new Float32Array(classes.length);
  const slopes = new Float32Array(3 * classes.length);

  return (fixedToMoving) => {
    const m = multiply(toVoxel, fixedToMoving);
    const [m0, m1, m2, , m4, m5, m6, , m8, m9, m10] = m;
    const m3 = m[0] * centre[0] + m[1] * centre[1] + m[2] * centre[2] + m[3];
    const m7 = m[4] * centre[0] + m[5] * centre[1] + m[6] * centre[2] + m[7];
    const m11 = m[8] * centre[0] + m[9] * centre[1] + m[10] * centre[2] + m[11];

    joint.fill(0);
    let inside = 0;
    for (let n = 0, o = 0; n < classes.length; n++, o += 3) {
      const dx = offsetsMm[o];
      const dy = offsetsMm[o + 1];
      const dz = offsetsMm[o + 2];
      let x = m0 * dx + m1 * dy + m2 * dz + m3;
      let y = m4 * dx + m5 * dy + m6 * dz + m7;
      let z = m8 * dx + m9 * dy + m10 * dz + m11;
      if (!(x >= -0.5 && x < nx - 0.5 && y >= -0.5 && y < ny - 0.5 && z >= -0.5 && z < nz - 0.5)) {
        values[n] = -1;
        continue;
      }
      inside++;
      x = x < 0 ? 0 : Math.min(x, nx - 1);
      y = y < 0 ? 0 : Math.min(y, ny - 1);
      z = z < 0 ? 0 : Math.min(z, nz - 1);
      const i = x | 0;
      const j = y | 0;
      const k = z | 0;
      const fx = x - i;
      const fy = y - j;
      const fz = z - k;
      const right = i < nx - 1 ? 1 : 0;
      const ahead = j < ny - 1 ? nx : 0;
      const above = k < nz - 1 ? nxy : 0;
      const a = i + nx * j + nxy * k;
      const b = a + ahead;
      const c = a + above;
      const d = c + ahead;
      const va = image[a];
      const vb = image[b];
      const vc = image[c];
      const vd = image[d];
      const da = image[a + right] - va;
      const db = image[b + right] - vb;
      const dc = image[c + right] - vc;
      const dd = image[d + right] - vd;
      const ra = va + fx * da;
      const rc = vc + fx * dc;
      const ba = vb + fx * db - ra;
      const dc2 = vd + fx * dd - rc;
      const lower = ra + fy * ba;
      const upper = rc + fy * dc2;
      const lowerX = da + fy * (db - da);
      const upperX = dc + fy * (dd - dc);
      slopes[o] = lowerX + fz * (upperX - lowerX);
      slopes[o + 1] = ba + fz * (dc2 - ba);
      slopes[o + 2] = upper - lower;
      const value = lower + fz * (upper - lower);
      values[n] = value;

      const whole = value | 0;
      const f = value - whole;
      const g = 1 - f;
      const at = classes[n] * bins + whole - 1;
      const w0 = (g * g * g) / 6;
      const w1 = 2 / 3 - 0.5 * f * f * (2 - f);
      const w3 = (f * f * f) / 6;
      joint[at] += w0;
      joint[at + 1] += w1;
      joint[at + 2] += 1 - w0 - w1 - w3;
      joint[at + 3] += w3;
    }
    if (inside === 0) {
      return { value: 0, normalised: 1, overlap: 0, gradient: new Float64Array(12) };
    }

    const { value, normalised } = informationInto(weights, joint, inside);

    // Sum over the samples of d value / d voxel position (3) times (offset, 1) (4).
    let x0 = 0;
    let x1 = 0;
    let x2 = 0;
    let x3 = 0;
    let y0 = 0;
    let y1 = 0;
    let y2 = 0;
    let y3 = 0;
    let z0 = 0;
    let z1 = 0;
    let z2 = 0;
    let z3 = 0;
    for (let n = 0, o = 0; n < classes.length; n++, o += 3) {
      const moved = values[n];
      if (moved < 0) continue;
      const whole = moved | 0;
      const f = moved - whole;
      const g = 1 - f;
      const at = classes[n] * bins + whole - 1;
      // Derivatives of the four cubic weights by the intensity.
      const slope =
        -0.5 * g * g * weights[at] +
        f * (1.5 * f - 2) * weights[at + 1] +
        g * (2 - 1.5 * g) * weights[at + 2] +
        0.5 * f * f * weights[at + 3];
      const gx = slope * slopes[o];
      const gy = slope * slopes[o + 1];
      const gz = slope * slopes[o + 2];
      const dx = offsetsMm[o];
      const dy = offsetsMm[o + 1];
      const dz = offsetsMm[o + 2];
      x0 += gx * dx;
      x1 += gx * dy;
      x2 += gx * dz;
      x3 += gx;
      y0 += gy * dx;
      y1 += gy * dy;
      y2 += gy * dz;
      y3 += gy;
      z0 += gz * dx;
      z1 += gz * dy;
      z2 += gz * dz;
      z3 += gz;
    }
    const sums = [x0, x1, x2, x3, y0, y1, y2, y3, z0, z1, z2, z3].map((sum) => sum / inside);
    return {
      value,
      normalised,
      overlap: inside / classes.length,
      gradient: byMotion(sums, toVoxel, fixedToMoving),
    };
  };
}

/**
 * Mutual information of a joint histogram of `count` samples, and into `weights` the derivative of
 * it by each entry (times the count, up to a constant that cancels): log p(f, m) - log p(m).
 */
function informationInto(weights: Float64Array, joint: Float64Array, count: number) {
  const movingSums = new Float64Array(bins);
  for (let f = 0; f < bins; f++)
    for (let m = 0; m < bins; m++) movingSums[m] += joint[f * bins + m];
  const movingLogs = movingSums.map((sum) => (sum > 0 ? Math.log(sum / count) : 0));
  let movingEntropy = 0;
  for (let m = 0; m < bins; m++) movingEntropy -= (movingSums[m] / count) * movingLogs[m];
  let fixedEntropy = 0;
  let jointEntropy = 0;
  for (let f = 0; f < bins; f++) {
    let fixedSum = 0;
    for (let m = 0; m < bins; m++) {
      const p = joint[f * bins + m] / count;
      fixedSum += p;
      const log = p > 0 ? Math.log(p) : 0;
      jointEntropy -= p * log;
      weights[f * bins + m] = log - movingLogs[m];
    }
    if (fixedSum > 0) fixedEntropy -= fixedSum * Math.log(fixedSum);
  }
  return {
    value: fixedEntropy + movingEntropy - jointEntropy,
    normalised: jointEntropy > 0 ? (fixedEntropy + movingEntropy) / jointEntropy : 1,
  };
}

/**
 * From the derivative by the rows of the map "offset to voxel" to that by a motion of the moving
 * points: y = T x, dy = t + L (y - T centre), so the part by L is J^T sums A^T, A being the linear
 * part of T and J that of the map from RAS mm to voxels.
 */
function byMotion(sums: number[], toVoxel: Mat4, transform: Mat4): Motion {
  const linear = new Float64Array(9);
  const shift = new Float64Array(3);
  for (let row = 0; row < 3; row++) {
    const inMm = [0, 1, 2, 3].map((column) => {
      let sum = 0;
      for (let axis = 0; axis < 3; axis++) sum += toVoxel[4 * axis + row] * sums[4 * axis + column];
      return sum;
    });
    shift[row] = inMm[3];
    for (let column = 0; column < 3; column++) {
      const t = 4 * column;
      linear[3 * row + column] =
        inMm[0] * transform[t] + inMm[1] * transform[t + 1] + inMm[2] * transform[t + 2];
    }
  }
  const [xx, xy, xz, yx, yy, yz, zx, zy, zz] = linear;
  return Float64Array.of(
    ...shift,
    ...[zy - yz, xz - zx, yx - xy],
    ...[xx, yy, zz],
    ...[xy + yx, xz + zx, yz + zy],
  );
}
