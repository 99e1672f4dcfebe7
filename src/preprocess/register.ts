import { DawsonError } from '../errors.js';
import { applyToPoint, identity, type Mat4, multiply, type Vec3 } from '../volume/affine.js';
import { percentile } from '../volume/histogram.js';
import type { Volume } from '../volume/volume.js';
import { inWorker } from '../workers.js';
import { type Maximum, maximise } from './maximise.js';
import {
  type FixedSamples,
  type MutualInformation,
  mutualInformation,
  toClass,
} from './mutual-information.js';
import { about, moved, rotation, translation } from './register-motion.js';
import { atResolution } from './register-resolution.js';
import { type HeadSamples, headRegion, sampleHead } from './register-samples.js';

export interface RegisterOptions {
  /** Degrees of freedom: 6 is rigid (rotation and translation), 12 affine (also scales and shears). */
  readonly dof: 6 | 12;
  /** Fail when the images do not show the same head; true by default. An atlas is another head. */
  readonly sameHead?: boolean;
  /** Resolution of the last climb, 1 mm by default. What is finer differs between heads. */
  readonly finestMm?: 1 | 2;
}

/** How well two images share information under a transform, at the finest resolution. */
export interface Similarity {
  /** Mutual information in nats. */
  readonly mutualInformation: number;
  /** (H(fixed) + H(moving)) / H(both), from 1 to 2 (Studholme 1999). */
  readonly normalised: number;
  /** Share of the fixed head that lies inside the moving image, 0 to 1. */
  readonly overlap: number;
}

export interface Registration {
  /** Maps points of the fixed image to points of the moving image, RAS mm. */
  readonly fixedToMoving: Mat4;
  /** With the headers as they are. */
  readonly before: Similarity;
  readonly after: Similarity;
  /** Share of the mutual information that is lost 4 mm off the best rigid pose, up to 1. */
  readonly sharpness: number;
  /** The last climb ended at a maximum, not at the limit of its iterations. */
  readonly converged: boolean;
}

/** From coarse to fine: the blur of both images and the distance of the points compared. */
const levels = [
  { resolutionMm: 8, spacingMm: 6 },
  { resolutionMm: 4, spacingMm: 4 },
  { resolutionMm: 2, spacingMm: 3 },
  { resolutionMm: 1, spacingMm: 3 },
] as const;

/** Turns about each axis from which the search starts, besides none. */
const startAngle = (20 * Math.PI) / 180;
/** How many of the coarse results are followed to the next level, besides the headers'. */
const candidates = 3;
/** Distance from the centre of the head at which a rotation is measured in mm, as a translation is. */
const headRadiusMm = 70;
/** Least part of the fixed head in common; with less in common two images cannot be compared. */
const leastOverlap = 0.3;
const maxIterations = 100;
/** How far off the best pose an alignment must be worse; see {@link sharpness}. */
const sharpnessOffsetMm = 4;
const leastSharpness = 0.19;

interface Level {
  readonly resolutionMm: number;
  readonly similarity: (fixedToMoving: Mat4) => MutualInformation;
}

type Climb = Maximum<Mat4, MutualInformation>;

/**
 * Registers two images of one head, whatever their contrasts: the rigid or affine transform with
 * the highest mutual information (Viola and Wells 1997; Mattes et al. 2003), climbed to with its
 * exact gradient from coarse to fine. The search starts from the headers as they are and from the
 * centres of mass laid onto each other, each also turned by 20 degrees either way about each axis.
 * Deterministic: the same images give the same transform.
 *
 * @param fixed, moving both above their background
 * @throws DawsonError `bad-intensities` when an image is constant, `registration-failed` when the
 *   images overlap too little or do not show the same head (unless `sameHead` is false).
 */
export function register(fixed: Volume, moving: Volume, options: RegisterOptions): Registration {
  const coarseFixed = atResolution(fixed, levels[0].resolutionMm);
  const coarseMoving = atResolution(moving, levels[0].resolutionMm);
  const fixedHead = headRegion(coarseFixed);
  const movingHead = headRegion(coarseMoving);
  const { spacingMm } = levels[0];
  const centre = centreOfMass(sampleHead(coarseFixed, fixedHead, spacingMm));
  const movingCentre = centreOfMass(sampleHead(coarseMoving, movingHead, spacingMm));

  const levelAt = ({ resolutionMm, spacingMm }: (typeof levels)[number]): Level => {
    const atFixed = atResolution(fixed, resolutionMm);
    const atMoving = atResolution(moving, resolutionMm);
    const samples = classify(sampleHead(atFixed, fixedHead, spacingMm), centre);
    const range = intensityRange(sampleHead(atMoving, movingHead, levels[0].spacingMm).values);
    return { resolutionMm, similarity: mutualInformation(samples, atMoving, ...range) };
  };

  const coarse = levelAt(levels[0]);
  const ends = startingPoses(centre, movingCentre)
    .map((start) => climb(coarse, start, centre, 6))
    .filter((end) => end.result.overlap >= leastOverlap);
  // Where only a slab was taken, coarse images mislead; the headers are right in nearly all exams.
  const [fromHeaders] = ends;
  const others = ends.slice(1).sort(byNormalised).slice(0, candidates);
  if (ends.length === 0) {
    throw new DawsonError('registration-failed', {
      expected: 'two images that show the same part of a head',
      found: `less than ${100 * leastOverlap} % of the first inside the second at every position tried`,
    });
  }

  let level = levelAt(levels[1]);
  const [rigid] = [fromHeaders, ...others]
    .map((end) => climb(level, end.place, centre, 6))
    .sort(byNormalised);
  let best = options.dof === 6 ? rigid : climb(level, rigid.place, centre, options.dof);

  level = levelAt(levels[2]);
  const finer = climb(level, rigid.place, centre, 6);
  const peak = sharpness(level, finer.place);
  if (options.sameHead ?? true) requireOneHead(peak);
  best = options.dof === 6 ? finer : climb(level, best.place, centre, options.dof);

  if (options.finestMm !== 2) {
    level = levelAt(levels[3]);
    best = climb(level, best.place, centre, options.dof);
  }
  return {
    fixedToMoving: best.place,
    before: asSimilarity(level.similarity(identity)),
    after: asSimilarity(best.result),
    sharpness: peak,
    converged: best.converged,
  };
}

export const registerInWorker = inWorker<typeof register>(import.meta.url, 'register');

/**
 * Share of the mutual information that is lost when the images are shifted by 4 mm off a pose, on
 * average over the six directions along the axes. The outlines of different people's heads can be
 * laid onto each other, and 4 mm hardly matters to them; one head shares its inner structure too,
 * for which 4 mm is far. At 2 mm resolution and the best rigid pose there, since 12 degrees of
 * freedom bring strangers closer: sequences of one head lose 0.28 and more (0.21 after strong
 * blur), those of different heads 0.17 and less (docs/decisions/0021-failed-registration.md).
 */
function sharpness({ similarity }: Level, pose: Mat4): number {
  let off = 0;
  for (let axis = 0; axis < 3; axis++) {
    for (const mm of [-sharpnessOffsetMm, sharpnessOffsetMm]) {
      const shift = [0, 0, 0];
      shift[axis] = mm;
      off += similarity(multiply(translation([shift[0], shift[1], shift[2]]), pose)).value / 6;
    }
  }
  return 1 - off / similarity(pose).value;
}

function requireOneHead(peak: number): void {
  if (peak >= leastSharpness) return;
  const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
  throw new DawsonError('registration-failed', {
    expected: `two images of one head, which lose ${percent(leastSharpness)} or more of their mutual information ${sharpnessOffsetMm} mm off the best alignment`,
    found: `a loss of ${percent(peak)}, as between different heads`,
  });
}

function byNormalised(a: Climb, b: Climb): number {
  return b.result.normalised - a.result.normalised;
}

function asSimilarity({ value, normalised, overlap }: MutualInformation): Similarity {
  return { mutualInformation: value, normalised, overlap };
}

/** The headers as they are and the centres laid onto each other, each straight and turned. */
function startingPoses(fixedCentre: Vec3, movingCentre: Vec3): Mat4[] {
  const [x, y, z] = fixedCentre;
  const centred = translation([movingCentre[0] - x, movingCentre[1] - y, movingCentre[2] - z]);
  const turns = [0, 1, 2].flatMap((axis) =>
    [-startAngle, startAngle].map((angle) => {
      const vector = [0, 0, 0];
      vector[axis] = angle;
      return rotation(vector[0], vector[1], vector[2]);
    }),
  );
  return [identity, centred].flatMap((pose) => [
    pose,
    ...turns.map((turn) => multiply(about(applyToPoint(pose, fixedCentre), turn), pose)),
  ]);
}

function climb({ resolutionMm, similarity }: Level, start: Mat4, centre: Vec3, dof: 6 | 12): Climb {
  // Steps in mm: a turn or stretch by 1 moves the points at the head's radius by as many mm.
  const perMm = Float64Array.from({ length: dof }, (_, i) => (i < 3 ? 1 : 1 / headRadiusMm));
  return maximise(
    start,
    (pose) => {
      const result = similarity(pose);
      const value = result.overlap >= leastOverlap ? result.value : -1;
      return { ...result, value, gradient: perMm.map((scale, i) => scale * result.gradient[i]) };
    },
    (pose, step) =>
      moved(
        pose,
        step.map((mm, i) => mm * perMm[i]),
        centre,
      ),
    { longestStep: resolutionMm, tolerance: 0.005 * resolutionMm, maxIterations },
  );
}

function centreOfMass({ pointsMm, values }: HeadSamples): Vec3 {
  const sums = [0, 0, 0];
  let mass = 0;
  for (let n = 0; n < values.length; n++) {
    mass += values[n];
    for (let axis = 0; axis < 3; axis++) sums[axis] += values[n] * pointsMm[3 * n + axis];
  }
  return [sums[0] / mass, sums[1] / mass, sums[2] / mass];
}

/** Range of intensities that is told apart: what is darker or brighter counts as its ends. */
function intensityRange(values: Float32Array): [low: number, high: number] {
  const range: [number, number] =
    values.length === 0 ? [0, 0] : [percentile(values, 0.5), percentile(values, 99.5)];
  if (!(range[1] > range[0])) {
    throw new DawsonError('bad-intensities', {
      expected: 'an image with contrast',
      found: `the intensity ${range[0]} nearly everywhere`,
    });
  }
  return range;
}

function classify({ pointsMm, values }: HeadSamples, centre: Vec3): FixedSamples {
  const [low, high] = intensityRange(values);
  return {
    centre,
    offsetsMm: pointsMm.map((value, at) => value - centre[at % 3]),
    classes: new Uint8Array(values.map((value) => Math.round(toClass(value, low, high)))),
  };
}
