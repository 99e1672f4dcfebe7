import { rotation, translation } from '../preprocess/register-motion.js';
import type { SequenceName } from '../sequences.js';
import { identity, type Mat4, mapAxes, multiply, type Vec3 } from '../volume/affine.js';
import type { Random } from '../volume/random.js';
import type { Grid, Size } from '../volume/volume.js';
import type { Protocol } from './acquisition.js';
import type { Artefacts } from './artefacts.js';
import { between, betweenLog, chance, rotationDegrees } from './sampling.js';

/** How a sequence cuts the head into slices. */
export interface Slicing {
  /** The body's axis across the slices: 0 sagittal, 1 coronal, 2 axial slices. */
  readonly bodyAxis: 0 | 1 | 2;
  readonly thicknessMm: number;
  /** From the middle of a slice to that of the next: thickness and gap. */
  readonly distanceMm: number;
  readonly inPlaneMm: number;
}

/** Share of sequences taken in 3D. */
const in3d: Record<SequenceName, number> = { flair: 0.4, t2: 0.2, t1: 0.5 };

export function sampleSlicing(random: Random, kind: SequenceName): Slicing {
  const inPlaneMm = between(random, 0.5, 1.2);
  if (chance(random, in3d[kind])) {
    const thicknessMm = between(random, 0.8, 1.5);
    const bodyAxis = chance(random, 0.7) ? 0 : 2;
    return { bodyAxis, thicknessMm, distanceMm: thicknessMm, inPlaneMm: Math.max(0.7, inPlaneMm) };
  }
  const thicknessMm = between(random, 1.5, 6.5);
  const gap = chance(random, 0.6) ? between(random, 0, 0.3) : 0;
  const direction = random.uniform();
  return {
    bodyAxis: direction < 0.8 ? 2 : direction < 0.9 ? 0 : 1,
    thicknessMm,
    distanceMm: thicknessMm * (1 + gap),
    inPlaneMm,
  };
}

/** Extent of a head of size 1 that a clinical field of view covers, along the body's axes. */
const headMm: Vec3 = [160, 200, 155];
const largestMatrix = 512;
/** Voxel axes of the three slice directions as scanners store them: [body axis, sign] by voxel axis. */
const storage = {
  0: [
    [1, -1],
    [2, -1],
    [0, 1],
  ],
  1: [
    [0, -1],
    [2, -1],
    [1, 1],
  ],
  2: [
    [0, -1],
    [1, -1],
    [2, 1],
  ],
} as const;

/** Voxels and pose of one sequence of a whole exam. `headSize` is 1 for a head of common size. */
export function sampleProtocol(
  random: Random,
  slicing: Slicing,
  headSize: number,
  first: boolean,
): Protocol {
  const axes = storage[slicing.bodyAxis];
  const extentMm = axes.map(([axis]) => headSize * headMm[axis] * between(random, 1, 1.2));
  const voxelMm = [slicing.inPlaneMm, slicing.inPlaneMm, slicing.distanceMm];
  const size = mapAxes(voxelMm, (mm, axis) =>
    Math.min(largestMatrix, Math.max(8, Math.ceil(extentMm[axis] / mm))),
  );
  const tilt = rotation(
    ...(([15, 5, 5] as const).map(
      (degrees) => (between(random, -degrees, degrees) * Math.PI) / 180,
    ) as [number, number, number]),
  );
  const off = [0, 0, -5].map((mm) => mm + 4 * random.normal()) as unknown as Vec3;
  return {
    grid: gridAbout(off, tilt, axes, voxelMm, size),
    sliceAxis: 2,
    thicknessMm: slicing.thicknessMm,
    pose: first ? identity : samplePose(random),
    blurMm: between(random, 0.3, 0.7),
  };
}

function gridAbout(
  centreMm: Vec3,
  tilt: Mat4,
  axes: readonly (readonly [number, number])[],
  voxelMm: readonly number[],
  size: Size,
): Grid {
  const scale = new Array<number>(16).fill(0);
  scale[15] = 1;
  axes.forEach(([row, sign], axis) => {
    scale[4 * row + axis] = sign * voxelMm[axis];
  });
  const [i, j, k] = size.map((n) => -(n - 1) / 2);
  const toMiddle = multiply(scale as unknown as Mat4, translation([i, j, k]));
  return { size, affine: multiply(translation(centreMm), multiply(tilt, toMiddle)) };
}

/** How far a head has moved since the first sequence; now and then a lot. */
export function samplePose(random: Random): Mat4 {
  const much = chance(random, 0.15);
  const shift = mapAxes([0, 1, 2], () => (much ? 6 : 1.5) * random.normal());
  return multiply(translation(shift), rotationDegrees(random, much ? 10 : 2.5));
}

/** Artefacts of a sequence of `size` voxels. */
export function sampleArtefacts(
  random: Random,
  size: Size,
  fieldStrengthTesla: 1.5 | 3,
): Artefacts {
  const lowSignal = chance(random, 0.08) ? between(random, 1.5, 3) : 1;
  const phaseAxis = chance(random, 0.5) ? 0 : 1;
  return {
    biasSd: between(random, 0, fieldStrengthTesla === 3 ? 0.2 : 0.12),
    biasField: { seed: random.bits(), spacingMm: between(random, 60, 110) },
    noiseSd: lowSignal * (0.003 + 0.035 * random.uniform() ** 2),
    ghostStrength: chance(random, 0.25) ? between(random, 0.005, 0.06) : 0,
    ghostShiftVoxels: Math.round(size[phaseAxis] / between(random, 2.2, 12)),
    phaseAxis,
    wrapVoxels: chance(random, 0.05) ? Math.round(size[phaseAxis] * between(random, 0.02, 0.1)) : 0,
    gamma: chance(random, 0.5) ? Math.exp(0.2 * random.normal()) : 1,
    scale: betweenLog(random, 150, 4000),
  };
}
