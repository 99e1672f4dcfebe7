import { about, translation } from '../preprocess/register-motion.js';
import { applyToPoint, invert, type Mat4, mapAxes, multiply, type Vec3 } from '../volume/affine.js';
import type { Volume } from '../volume/volume.js';

/** A structure of the brain, its label on the left and on the right, and its centre on the right. */
interface Landmark {
  readonly left: number;
  readonly right: number;
  /** Centre on the right side in lesion space, RAS mm; x is 0 for a structure in the middle. */
  readonly centreMm: Vec3;
}

/**
 * Centres of structures in the space of the lesion masks (the pose of MNI space, the size of real
 * brains): means of twenty label maps registered affinely to a brain in that space, both sides
 * averaged. Standard deviations between the heads were 1 to 2 mm (ventricle 4 mm).
 */
const landmarks: readonly Landmark[] = [
  { left: 4, right: 43, centreMm: [12.9, -13.8, 16.4] },
  { left: 10, right: 49, centreMm: [11.6, -17.3, 8.8] },
  { left: 11, right: 50, centreMm: [14.2, 6.3, 11.5] },
  { left: 12, right: 51, centreMm: [24.0, -1.1, 3.4] },
  { left: 13, right: 52, centreMm: [19.1, -4.5, 2.2] },
  { left: 17, right: 53, centreMm: [22.9, -21.1, -8.0] },
  { left: 18, right: 54, centreMm: [21.7, -5.6, -12.5] },
  { left: 2, right: 41, centreMm: [24.9, -18.1, 19.2] },
  { left: 3, right: 42, centreMm: [28.3, -17.4, 17.1] },
  { left: 8, right: 47, centreMm: [21.2, -57.4, -26.4] },
  { left: 7, right: 46, centreMm: [15.4, -49.1, -23.2] },
  { left: 28, right: 60, centreMm: [10.0, -15.4, -3.9] },
  { left: 16, right: 16, centreMm: [0, -29.4, -21.9] },
  { left: 15, right: 15, centreMm: [0, -42.2, -23.0] },
];

/** The cortex is divided here into eight parts: left and right, behind and before, below and above. */
const cortexCentreMm: Vec3 = [0, -17.4, 17.1];
/** Centres of the four right parts: behind below, before below, behind above, before above. */
const cortexParts: readonly Vec3[] = [
  [32.8, -52.7, -0.1],
  [30.5, 16.5, -5.2],
  [25.5, -47.3, 38.1],
  [24.3, 13.1, 37.9],
];
const cortexLabels = [3, 42];
/** Which part a voxel of cortex belongs to depends on the fit: repeated, it settles. */
const fits = 6;

/**
 * The affine map from a head to the space of the lesion masks: a least-squares fit of the centres
 * of its structures, and of the parts of its cortex, to where they lie on average. Against affine
 * registration of the twenty heads it differs by 2.1 mm (RMS over the cortex; 1.2 to 3.8 mm).
 * @param labels a label map with FreeSurfer's labels
 * @throws RangeError when the label map lacks a structure.
 */
export function placeInLesionSpace(labels: Volume): Mat4 {
  const centres = structureCentres(labels);
  const targets = landmarks.flatMap(bothSides);
  const cortex = cortexPoints(labels);
  let toLesionSpace = leastSquaresAffine(centres, targets);
  for (let fit = 1; fit < fits; fit++) {
    const parts = partCentres(cortex, toLesionSpace);
    const partTargets = cortexParts.flatMap(([x, y, z]): Vec3[] => [
      [-x, y, z],
      [x, y, z],
    ]);
    toLesionSpace = leastSquaresAffine([...centres, ...parts], [...targets, ...partTargets]);
  }
  return toLesionSpace;
}

function bothSides({ left, right, centreMm: [x, y, z] }: Landmark): Vec3[] {
  const atRight: Vec3 = [x, y, z];
  return left === right ? [atRight] : [[-x, y, z], atRight];
}

/** Centres of the landmarks in the order of {@link bothSides}, RAS mm of the head. */
function structureCentres({ data, size: [nx, ny], affine }: Volume): Vec3[] {
  const sums = new Float64Array(4 * 64);
  for (let at = 0; at < data.length; at++) {
    const label = data[at];
    if (!(label > 0 && label < 64)) continue;
    const row = at / nx;
    sums[4 * label]++;
    sums[4 * label + 1] += at % nx;
    sums[4 * label + 2] += Math.floor(row) % ny;
    sums[4 * label + 3] += Math.floor(row / ny);
  }
  const centre = (label: number): Vec3 => {
    const [count, i, j, k] = sums.subarray(4 * label, 4 * label + 4);
    if (count === 0) throw new RangeError(`a label map without label ${label}`);
    return applyToPoint(affine, [i / count, j / count, k / count]);
  };
  return landmarks.flatMap(({ left, right }) =>
    left === right ? [centre(left)] : [centre(left), centre(right)],
  );
}

/** Places of one in seven voxels of cortex, RAS mm. */
function cortexPoints({ data, size: [nx, ny], affine }: Volume): Vec3[] {
  const points: Vec3[] = [];
  let seen = 0;
  for (let at = 0; at < data.length; at++) {
    if (!cortexLabels.includes(data[at]) || seen++ % 7 !== 0) continue;
    const row = Math.floor(at / nx);
    points.push(applyToPoint(affine, [at % nx, row % ny, Math.floor(row / ny)]));
  }
  return points;
}

/** Centres of the eight parts of the cortex, left and right in turn. */
function partCentres(cortex: readonly Vec3[], toLesionSpace: Mat4): Vec3[] {
  const sums = new Float64Array(4 * 8);
  for (const point of cortex) {
    const placed = applyToPoint(toLesionSpace, point);
    const part = placed.reduce(
      (bits, mm, axis) => bits + (mm > cortexCentreMm[axis] ? 1 << axis : 0),
      0,
    );
    sums[4 * part]++;
    for (let axis = 0; axis < 3; axis++) sums[4 * part + 1 + axis] += point[axis];
  }
  return Array.from({ length: 8 }, (_, part): Vec3 => {
    const [count, x, y, z] = sums.subarray(4 * part, 4 * part + 4);
    if (count === 0) throw new RangeError('a label map without part of the cortex');
    return [x / count, y / count, z / count];
  });
}

/** The affine map with the smallest sum of squared distances between images and targets. */
function leastSquaresAffine(points: readonly Vec3[], targets: readonly Vec3[]): Mat4 {
  const from = mean(points);
  const to = mean(targets);
  const covariance = new Array<number>(16).fill(0);
  const cross = new Array<number>(16).fill(0);
  covariance[15] = cross[15] = 1;
  points.forEach((point, n) => {
    for (let row = 0; row < 3; row++) {
      for (let column = 0; column < 3; column++) {
        const offset = point[column] - from[column];
        covariance[4 * row + column] += (point[row] - from[row]) * offset;
        cross[4 * row + column] += (targets[n][row] - to[row]) * offset;
      }
    }
  });
  const linear = multiply(cross as unknown as Mat4, invert(covariance as unknown as Mat4));
  const shift = mapAxes(to, (mm, axis) => mm - from[axis]);
  return multiply(translation(shift), about(from, linear));
}

function mean(points: readonly Vec3[]): Vec3 {
  return mapAxes([0, 1, 2], (axis) => points.reduce((sum, p) => sum + p[axis], 0) / points.length);
}
