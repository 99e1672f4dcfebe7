import { applyToPoint, invert, type Mat4, type Vec3, voxelSizeMm } from '../volume/affine.js';
import { distanceTransformMm } from '../volume/distance.js';
import { percentile, type Spread, spreadOf } from '../volume/histogram.js';
import { type Random, seededRandom } from '../volume/random.js';
import { resample } from '../volume/resample.js';
import {
  countNonZero,
  type Mask,
  maskWhere,
  onesWhere,
  onGrid,
  toFloat32,
  type Volume,
  voxelIndex,
} from '../volume/volume.js';
import { inWorker } from '../workers.js';

/** A lesion that was painted into an exam. */
export interface PaintedLesion {
  readonly volumeMm3: number;
  /** RAS mm. */
  readonly centreMm: Vec3;
  /** Its voxels: those that are at least `borderShare` lesion, or the one that is most. */
  readonly voxels: readonly number[];
}

/** An exam that lesions can be painted into; all on the grid of its FLAIR. */
export interface PaintableExam {
  readonly flair: Volume;
  readonly brain: Mask;
  readonly lesions: Mask;
  /** What the exam that it is compared with marks, on the grid of that one. */
  readonly otherLesions: Mask;
  /** From RAS mm of this exam to RAS mm of the other one. */
  readonly toOther: Mat4;
}

/** Volumes that are painted, in mm3: from the least that counts as new on. */
export const paintedVolumesMm3 = [15, 30, 60, 120, 250, 500] as const;
/** How many of each are tried. */
const eachVolume = 12;
/** From the middle of a painted lesion to the border of the brain and to lesions; between two painted ones. */
const roomMm = { border: 10, lesion: 10, between: 7 } as const;
/** Tissue is even where the places so far away, along each axis, are as bright as the middle of the brain. */
const evenMm = 4;
const mostDeviations = 1.2;
/**
 * The border of lesions as experts draw it, measured on a real one (docs/decisions/0087): a ramp of this standard
 * deviation whose middle lies so far inside.
 */
const ramp = { deviationMm: 1.3, insetMm: 0.5 } as const;
/** A logistic curve this many times as steep as 1 / sigma has the course of a border blurred by sigma. */
const logisticOfSigma = 1.7;
/** What of its middle's contrast a lesion has on the border that experts draw. */
const borderShare = 0.4;

/** Painted lesions are so bright where the exam marks none, in standard deviations of the brain's tissue. */
const usualBrightness = 3;
/** Percentile of the values where lesions are marked that is as bright as their middles, not their borders. */
const middlePercentile = 75;

/**
 * Paints lesions of known volume into even tissue of a FLAIR, far from its border and from all lesions.
 * Each is an ellipsoid with the ramp of real borders, averaged over the voxels, its middle as bright as
 * those of the lesions that the exam marks; noise stays as it is.
 * @param seed of their places and shapes
 * @returns the FLAIR with them, as many as there was room for (none without tissue, or where all of it
 *   is equally bright), and their brightness in standard deviations of the brain's tissue
 */
export function paintLesions(
  { flair, brain, lesions, otherLesions, toOther }: PaintableExam,
  seed: number,
): { flair: Volume<Float32Array>; painted: PaintedLesion[]; brightness: number } {
  const random = seededRandom(seed);
  const data = Float32Array.from(flair.data);
  const painted: PaintedLesion[] = [];
  const others = resample(otherLesions, flair, { toMoving: toOther, interpolation: 'nearest' });
  const either = onesWhere(lesions.data, (value, at) => value !== 0 || others.data[at] !== 0);
  const tissue = tissueOf(flair, brain, either);
  const brightness = brightnessOf(flair, lesions, tissue) ?? usualBrightness;
  const places = tissue ? evenPlaces(flair, brain, either, tissue) : [];
  for (let round = 0; round < eachVolume; round++) {
    for (const volumeMm3 of paintedVolumesMm3) {
      const centreMm = freePlace(places, volumeMm3, painted, flair, random);
      if (!centreMm || !tissue) continue;
      const weights = ellipsoid(volumeMm3, centreMm, flair, random);
      for (const [voxel, weight] of weights) data[voxel] += brightness * tissue.deviation * weight;
      painted.push({ volumeMm3, centreMm, voxels: voxelsOf(weights) });
    }
  }
  return { flair: onGrid(flair, data), painted, brightness };
}

export const paintLesionsInWorker = inWorker<typeof paintLesions>(import.meta.url, 'paintLesions');

/** The brain outside all lesions; undefined where nothing is left of it, or nothing differs. */
function tissueOf(flair: Volume, brain: Mask, lesions: Uint8Array): Spread | undefined {
  const isTissue = maskWhere(brain, (value, at) => value !== 0 && lesions[at] === 0).data;
  if (countNonZero(isTissue) === 0) return undefined;
  const spread = spreadOf(toFloat32(flair).data, isTissue);
  return spread.deviation > 0 ? spread : undefined;
}

/** How bright the middles of lesions are; undefined where none is marked, or they are no brighter than tissue. */
function brightnessOf(flair: Volume, lesions: Mask, tissue: Spread | undefined) {
  if (!tissue || countNonZero(lesions.data) === 0) return undefined;
  const middles = percentile(flair.data, middlePercentile, lesions.data);
  return middles > tissue.middle ? (middles - tissue.middle) / tissue.deviation : undefined;
}

/** Voxels where a lesion can be painted. */
function evenPlaces(
  flair: Volume,
  brain: Mask,
  lesions: Uint8Array,
  { middle, deviation }: Spread,
): number[] {
  const { data, size, affine } = flair;
  const outside = distanceTransformMm(
    onGrid(
      flair,
      onesWhere(brain.data, (value) => value === 0),
    ),
  );
  const lesion = distanceTransformMm(onGrid(flair, lesions));
  const isEven = (voxel: number) =>
    brain.data[voxel] !== 0 && Math.abs(data[voxel] - middle) < mostDeviations * deviation;
  const steps = voxelSizeMm(affine).map((mm) => Math.max(1, Math.round(evenMm / mm)));
  const places: number[] = [];
  for (let voxel = 0; voxel < data.length; voxel++) {
    if (outside.data[voxel] < roomMm.border || lesion.data[voxel] < roomMm.lesion) continue;
    const place = voxelIndex(voxel, size);
    const strides = [1, size[0], size[0] * size[1]];
    const isAround = steps.every(
      (step, axis) =>
        place[axis] >= step &&
        place[axis] + step < size[axis] &&
        isEven(voxel - step * strides[axis]) &&
        isEven(voxel + step * strides[axis]),
    );
    if (isEven(voxel) && isAround) places.push(voxel);
  }
  return places;
}

/** One of the places, anywhere within its voxel, far from those that are painted; none after many tries. */
function freePlace(
  places: readonly number[],
  volumeMm3: number,
  painted: readonly PaintedLesion[],
  { affine, size }: Volume,
  random: Random,
): Vec3 | undefined {
  for (let attempt = 0; attempt < 200 && places.length > 0; attempt++) {
    const voxel = voxelIndex(places[random.integer(places.length)], size);
    const within = voxel.map((at) => at + random.uniform() - 0.5) as unknown as Vec3;
    const centre = applyToPoint(affine, within);
    const isFar = painted.every(
      (other) =>
        Math.hypot(...centre.map((mm, axis) => mm - other.centreMm[axis])) >=
        ballRadiusMm(volumeMm3) + ballRadiusMm(other.volumeMm3) + roomMm.between,
    );
    if (isFar) return centre;
  }
  return undefined;
}

const ballRadiusMm = (volumeMm3: number) => Math.cbrt((3 * volumeMm3) / (4 * Math.PI));

/** How much of each voxel is lesion, 0 to 1, for an ellipsoid that is drawn; voxels of next to nothing are left out. */
function ellipsoid(volumeMm3: number, centre: Vec3, { affine, size }: Volume, random: Random) {
  const radiusMm = ballRadiusMm(volumeMm3);
  const ratios = [0, 1, 2].map(() => Math.exp(0.25 * random.normal()));
  const mean = Math.cbrt(ratios[0] * ratios[1] * ratios[2]);
  const radiiMm = ratios.map((ratio) => (radiusMm * ratio) / mean);
  const steepness = logisticOfSigma / ramp.deviationMm;
  const weightAt = ([x, y, z]: Vec3): number => {
    const along = [
      (x - centre[0]) / radiiMm[0],
      (y - centre[1]) / radiiMm[1],
      (z - centre[2]) / radiiMm[2],
    ];
    const depthMm = radiusMm * (1 - Math.hypot(along[0], along[1], along[2]));
    return 1 / (1 + Math.exp(-steepness * (depthMm - ramp.insetMm)));
  };
  const spacingMm = voxelSizeMm(affine);
  const reachVoxels = spacingMm.map((mm) => Math.ceil((1.8 * radiusMm + 4) / mm));
  const middle = applyToPoint(invert(affine), centre).map(Math.round);
  // Points within a voxel, at most 1 mm apart.
  const points = gridPoints(spacingMm.map((mm) => Math.ceil(mm)));
  const weights = new Map<number, number>();
  for (let k = middle[2] - reachVoxels[2]; k <= middle[2] + reachVoxels[2]; k++) {
    for (let j = middle[1] - reachVoxels[1]; j <= middle[1] + reachVoxels[1]; j++) {
      for (let i = middle[0] - reachVoxels[0]; i <= middle[0] + reachVoxels[0]; i++) {
        if (i < 0 || j < 0 || k < 0 || i >= size[0] || j >= size[1] || k >= size[2]) continue;
        let sum = 0;
        for (const [x, y, z] of points) {
          sum += weightAt(applyToPoint(affine, [i + x, j + y, k + z]));
        }
        const weight = sum / points.length;
        if (weight > 0.005) weights.set(i + size[0] * (j + size[1] * k), weight);
      }
    }
  }
  return weights;
}

/** Points of a voxel, as parts of it from its middle: so many along each axis. */
function gridPoints(counts: readonly number[]): Vec3[] {
  const along = (axis: number) =>
    Array.from({ length: counts[axis] }, (_, at) => (at + 0.5) / counts[axis] - 0.5);
  return along(0).flatMap((x) => along(1).flatMap((y) => along(2).map((z): Vec3 => [x, y, z])));
}

function voxelsOf(weights: ReadonlyMap<number, number>): number[] {
  let most = 0;
  for (const weight of weights.values()) most = Math.max(most, weight);
  return [...weights]
    .filter(([, weight]) => weight >= Math.min(borderShare, most))
    .map(([voxel]) => voxel);
}
