import { describeHead, type Head, tissuesFromLabels } from '../../src/synthesize/head.js';
import { lesionLibrary } from '../../src/synthesize/lesion-library.js';
import { placeInLesionSpace } from '../../src/synthesize/place-in-lesion-space.js';
import { applyToPoint, invert, type Mat4, type Vec3 } from '../../src/volume/affine.js';
import { onGrid, type Size, type Volume } from '../../src/volume/volume.js';

/** Small balls of the deep structures: label on the left, on the right, centre on the right, RAS mm. */
const balls: readonly (readonly [number, number, Vec3, number])[] = [
  [10, 49, [11.6, -17.3, 8.8], 5],
  [11, 50, [14.2, 6.3, 11.5], 5],
  [12, 51, [24, -1.1, 3.4], 4],
  [13, 52, [19.1, -4.5, 2.2], 3],
  [17, 53, [22.9, -21.1, -8], 4],
  [18, 54, [21.7, -5.6, -12.5], 4],
  [28, 60, [10, -15.4, -3.9], 4],
  [8, 47, [21.2, -57.4, -26.4], 10],
  [7, 46, [15.4, -49.1, -23.2], 5],
  [4, 43, [12.9, -13.8, 16.4], 4],
  [15, 15, [0, -42.2, -23], 4],
  [16, 16, [0, -29.4, -21.9], 7],
];

/** As Math.hypot, which takes several times as long. */
const lengthOf = (x: number, y: number, z: number) => Math.sqrt(x * x + y * y + z * z);

/** Label of a place in lesion space: nested ellipsoids about the brain, and the balls in them. */
function labelAt([x, y, z]: Vec3): number {
  const ellipsoid = (grown: number) =>
    lengthOf(x / (60 + grown), (y + 17) / (76 + grown), (z - 14) / (56 + grown));
  if (ellipsoid(20) >= 1) return 0;
  for (const [left, right, [cx, cy, cz], radius] of balls) {
    if (lengthOf(Math.abs(x) - cx, y - cy, z - cz) < radius) return x < 0 ? left : right;
  }
  if (ellipsoid(0) < 0.88) return x < 0 ? 2 : 41;
  if (ellipsoid(0) < 1) return x < 0 ? 3 : 42;
  if (ellipsoid(4) < 1) return 24;
  if (ellipsoid(10) < 1) return 515;
  if (ellipsoid(18) < 1) return 507;
  return 511;
}

/** Voxels of 2 mm that hold the phantom, in the orientation of real label maps (LIA). */
const size: Size = [90, 86, 104];
const affine: Mat4 = [-2, 0, 0, 90, 0, 0, 2, -120, 0, -2, 0, 100, 0, 0, 0, 1];

/** A label map of a head; `toLesionSpace` says where it lies. */
export function phantomLabels(toLesionSpace: Mat4): Volume<Int16Array> {
  const data = new Int16Array(size[0] * size[1] * size[2]);
  for (let k = 0, at = 0; k < size[2]; k++) {
    for (let j = 0; j < size[1]; j++) {
      for (let i = 0; i < size[0]; i++, at++) {
        data[at] = labelAt(applyToPoint(toLesionSpace, applyToPoint(affine, [i, j, k])));
      }
    }
  }
  return { data, size, affine };
}

/** A mask of lesions in lesion space: balls of the given radii. */
export function phantomLesions(lesions: readonly (readonly [Vec3, number])[]): Volume<Uint8Array> {
  const grid = {
    size: [121, 141, 91] as Size,
    affine: [-1, 0, 0, 60, 0, 1, 0, -90, 0, 0, 1, -20, 0, 0, 0, 1] as Mat4,
  };
  const data = new Uint8Array(121 * 141 * 91);
  for (const [centre, radius] of lesions) {
    const [ci, cj, ck] = applyToPoint(invert(grid.affine), centre).map(Math.round);
    const reach = Math.ceil(radius);
    for (let k = ck - reach; k <= ck + reach; k++) {
      for (let j = cj - reach; j <= cj + reach; j++) {
        for (let i = ci - reach; i <= ci + reach; i++) {
          if (Math.hypot(i - ci, j - cj, k - ck) <= radius) data[i + 121 * (j + 141 * k)] = 1;
        }
      }
    }
  }
  return onGrid(grid, data);
}

/** How the phantom's head lies: turned by 6 degrees about x, larger than average, and shifted. */
export const phantomPose: Mat4 = [
  0.93, 0, 0, 2, 0, 0.925, -0.097, -3, 0, 0.097, 0.925, 4, 0, 0, 0, 1,
];

/** The same of a head of two thirds the size, of which exams are made in half the time. */
export const smallPose: Mat4 = [1.4, 0, 0, 2, 0, 1.4, -0.15, -3, 0, 0.15, 1.4, 4, 0, 0, 0, 1];

export function phantomHead(): Head {
  const labels = phantomLabels(phantomPose);
  return {
    ...describeHead('phantom', tissuesFromLabels(labels)),
    toLesionSpace: placeInLesionSpace(labels),
  };
}

/** Two people's lesions: three balls, and one large one beside the ventricle. */
export const phantomMasks = [
  phantomLesions([
    [[30, -40, 25], 4],
    [[-32, 10, 25], 3],
    [[25, 20, 30], 2],
  ]),
  phantomLesions([[[24, -20, 22], 7]]),
];

export const phantomLibrary = () => lesionLibrary(phantomMasks);
