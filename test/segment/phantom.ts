import type { PreparedExam } from '../../src/preprocess/prepared-exam.js';
import { gaussianSmooth } from '../../src/volume/gaussian.js';
import { seededRandom } from '../../src/volume/random.js';
import { type Mask, onGrid, type Size, type Volume, voxelCount } from '../../src/volume/volume.js';

export interface PhantomOptions {
  readonly size?: Size;
  readonly spacingMm?: Size;
  /** Centre in mm from the middle of the brain, and radius. */
  readonly lesions?: readonly (readonly [x: number, y: number, z: number, radius: number])[];
  /** Standard deviation of the noise; white matter is 110 in the T1, 90 in the FLAIR. */
  readonly noise?: number;
  /** Largest deviation of the bias field from 1. */
  readonly shading?: number;
  readonly seed?: number;
}

export interface Phantom {
  readonly exam: Required<Omit<PreparedExam, 'tissuePriors'>>;
  /** 1 CSF, 2 grey matter, 3 white matter; under lesions white matter. */
  readonly tissues: Mask;
  readonly lesions: Mask;
}

/** Lesions in the white matter: beside a ventricle, alone, and two that touch. */
export const someLesions = [
  [22, 0, 6, 7],
  [-26, 16, 0, 6],
  [-24, -22, 8, 6],
  [-32, -26, 8, 5],
] as const;

const background = { t1: 0, t2: 0, flair: 0 };
const intensities = [
  background,
  { t1: 30, t2: 220, flair: 20 },
  { t1: 80, t2: 120, flair: 105 },
  { t1: 110, t2: 85, flair: 90 },
];
const lesionIntensities = { t1: 78, t2: 150, flair: 155 };

/**
 * A brain of ellipsoids, 120 x 140 x 100 mm: two ventricles in white matter under a cortex of 6 mm
 * and 5 mm of CSF; with partial volume, noise and a bias field of its own in every image.
 */
export function makePhantom({
  size = [66, 74, 56],
  spacingMm = [2, 2, 2],
  lesions = [],
  noise = 3,
  shading = 0.15,
  seed = 1,
}: PhantomOptions = {}): Phantom {
  const [nx, ny, nz] = size;
  const middle = [(nx - 1) / 2, (ny - 1) / 2, (nz - 1) / 2];
  const [sx, sy, sz] = spacingMm;
  const affine = [
    ...[sx, 0, 0, -middle[0] * sx],
    ...[0, sy, 0, -middle[1] * sy],
    ...[0, 0, sz, -middle[2] * sz],
    ...[0, 0, 0, 1],
  ] as unknown as Volume['affine'];
  const grid = { size, affine };
  const tissues = new Uint8Array(voxelCount(size));
  const lesionMask = new Uint8Array(tissues.length);
  const within = (p: readonly number[], radii: readonly number[]) =>
    (p[0] / radii[0]) ** 2 + (p[1] / radii[1]) ** 2 + (p[2] / radii[2]) ** 2 <= 1;
  const positions: number[][] = [];
  for (let at = 0; at < tissues.length; at++) {
    const p = [
      ((at % nx) - middle[0]) * sx,
      ((Math.floor(at / nx) % ny) - middle[1]) * sy,
      (Math.floor(at / (nx * ny)) - middle[2]) * sz,
    ];
    positions.push(p);
    if (!within(p, [60, 70, 50])) continue;
    const ventricle = within([Math.abs(p[0]) - 10, p[1], p[2] - 4], [5, 22, 8]);
    if (!within(p, [55, 65, 45]) || ventricle) tissues[at] = 1;
    else tissues[at] = within(p, [49, 59, 39]) ? 3 : 2;
    const inLesion = lesions.some(
      ([x, y, z, radius]) => Math.hypot(p[0] - x, p[1] - y, p[2] - z) <= radius,
    );
    if (inLesion && tissues[at] === 3) lesionMask[at] = 1;
  }

  const random = seededRandom(seed);
  const render = (sequence: keyof typeof background, phase: number) => {
    const sharp = Float32Array.from(tissues, (tissue, at) =>
      lesionMask[at] ? lesionIntensities[sequence] : intensities[tissue][sequence],
    );
    const image = gaussianSmooth(onGrid(grid, sharp), 0.8);
    for (let at = 0; at < sharp.length; at++) {
      if (tissues[at] === 0) {
        image.data[at] = 0;
        continue;
      }
      const [x, y, z] = positions[at];
      const field = 1 + shading * Math.sin(x / 60 + phase) * Math.cos((y + z) / 80);
      image.data[at] = image.data[at] * field + noise * random.normal();
    }
    return image;
  };
  return {
    exam: {
      flair: render('flair', 0),
      t2: render('t2', 1),
      t1: render('t1', 2),
      brain: onGrid(
        grid,
        tissues.map((tissue) => (tissue === 0 ? 0 : 1)),
      ),
    },
    tissues: onGrid(grid, tissues),
    lesions: onGrid(grid, lesionMask),
  };
}

/** The volume mirrored along a voxel axis, on the same grid. */
export function flipped<V extends Volume>(volume: V, axis: 0 | 1 | 2): V {
  const [nx, ny, nz] = volume.size;
  const data = volume.data.slice();
  let at = 0;
  for (let k = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++) {
      for (let i = 0; i < nx; i++, at++) {
        const from = [i, j, k];
        from[axis] = volume.size[axis] - 1 - from[axis];
        data[at] = volume.data[from[0] + nx * (from[1] + ny * from[2])];
      }
    }
  }
  return { ...volume, data };
}

/** Dice similarity of the voxels of two volumes that belong. */
export function dice(
  a: Volume,
  b: Volume,
  belongsToA = (value: number) => value !== 0,
  belongsToB = belongsToA,
): number {
  let both = 0;
  let sum = 0;
  for (let at = 0; at < a.data.length; at++) {
    const inA = belongsToA(a.data[at]);
    const inB = belongsToB(b.data[at]);
    if (inA && inB) both++;
    sum += Number(inA) + Number(inB);
  }
  return sum === 0 ? 1 : (2 * both) / sum;
}
