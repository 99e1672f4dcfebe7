import { about, translation } from '../preprocess/register-motion.js';
import { applyToPoint, invert, type Mat4, multiply, type Vec3 } from '../volume/affine.js';
import { distanceTransformMm } from '../volume/distance.js';
import { type Grid, type Mask, onesWhere, onGrid, type Size } from '../volume/volume.js';
import { blurred } from './along-axis.js';
import { type Points, uprightGrid, type Warp } from './geometry.js';
import { type Head, stepsPerMm } from './head.js';
import type { LesionLibrary } from './lesion-library.js';
import { renderField, type SmoothField } from './smooth-field.js';
import { carriesLesions, isFluid, isOneOf, tissue } from './tissues.js';

/** All lesions of one real person, laid into another head. */
export interface PersonPlacement {
  readonly person: number;
  /** Lesion space to lesion space: a small turn, stretch and shift, sometimes mirrored. */
  readonly toPerson: Mat4;
  readonly warp: Warp;
  /** Probability that a lesion is kept, and the seed that decides. */
  readonly kept: number;
  readonly seed: number;
}

/** One real lesion, laid anywhere. */
export interface ShapePlacement {
  readonly shape: number;
  /** RAS mm of the head. */
  readonly centreMm: Vec3;
  /** Offsets from the centre, mm, to offsets from the middle of the shape, voxels. */
  readonly toShape: Mat4;
}

export interface LesionParameters {
  readonly persons: readonly PersonPlacement[];
  readonly shapes: readonly ShapePlacement[];
  /** Lesions this close to the ventricles reach up to them; 0 leaves the gap. */
  readonly gapFilledMm: number;
  /** A band of lesion along the ventricles of this mean width; 0 for none. */
  readonly bandMm: number;
  readonly bandField: SmoothField;
  /** Lesions may cross one voxel into adjacent grey matter. */
  readonly intoGreyMatter: boolean;
  /** Lesions may lie in thalamus and pallidum. */
  readonly inDeepGreyMatter: boolean;
  /** The mask is blurred by this much and cut at `threshold`: below 0.5 lesions grow and flow together. */
  readonly blurMm: number;
  readonly threshold: number;
  /**
   * Width of the border between lesion and tissue, as the standard deviation of a blur. Small lesions
   * do not fade by it: that is the scanner's part.
   */
  readonly borderMm: number;
  /** How far inside of the mask the middle of that border lies: experts draw around what they see. */
  readonly insetMm: number;
  /** How much weaker than the middle the outer millimetre is, 0 to 1. */
  readonly halo: number;
}

export const noLesions: LesionParameters = {
  persons: [],
  shapes: [],
  gapFilledMm: 0,
  bandMm: 0,
  bandField: { seed: 0, spacingMm: 10 },
  intoGreyMatter: false,
  inDeepGreyMatter: false,
  blurMm: 0.7,
  threshold: 0.5,
  borderMm: 0.6,
  insetMm: 0,
  halo: 0,
};

/** The head on a grid, before lesions. */
export interface Surroundings {
  readonly grid: Grid;
  readonly points: Points;
  readonly tissues: Uint8Array;
  readonly ventricleDistance: Uint8Array;
}

export interface RenderedLesions {
  /** The truth: 1 in lesions. Never in fluid. */
  readonly mask: Uint8Array;
  /** How much of a voxel looks like lesion, 0 to 1. */
  readonly weight: Float32Array;
  /** 1 in the middle of a large lesion, 0 at its border and in small ones. */
  readonly core: Float32Array;
}

/** Blur of the mask from which the core of a large lesion is read. */
const depthMm = 2.2;
/** How far below its border a lesion is weaker. */
const haloMm = 1.5;
/** A logistic curve this many times as steep as 1 / sigma has the course of a border blurred by sigma. */
const logisticOfSigma = 1.7;
/** A lesion of another head must keep this share of itself in tissue that can carry it. */
const leastShareKept = 0.3;

/** Lays lesions into a head. */
export function renderLesions(
  parameters: LesionParameters,
  surroundings: Surroundings,
  head: Pick<Head, 'toLesionSpace'>,
  library: LesionLibrary,
): RenderedLesions {
  const { grid, tissues } = surroundings;
  const count = tissues.length;
  const raw = new Uint8Array(count);
  if (parameters.persons.length + parameters.shapes.length > 0 || parameters.bandMm > 0) {
    const allowed = allowedVoxels(parameters, surroundings);
    for (const placement of parameters.persons) {
      addPersonInPlace(raw, placement, surroundings, head, library, allowed);
    }
    for (const placement of parameters.shapes) {
      addShapeInPlace(raw, placement, surroundings, library, allowed);
    }
    fillGapsInPlace(raw, parameters.gapFilledMm, surroundings);
    addBandInPlace(raw, parameters, surroundings);
  }
  if (!raw.includes(1)) {
    return { mask: raw, weight: new Float32Array(count), core: new Float32Array(count) };
  }
  const voxelMm = grid.affine[0];
  const smooth = blurred(Float32Array.from(raw), grid.size, parameters.blurMm / voxelMm);
  const mask = new Uint8Array(count);
  for (let at = 0; at < count; at++) {
    if (smooth[at] > parameters.threshold && isFluid[tissues[at]] === 0 && tissues[at] !== 0) {
      mask[at] = 1;
    }
  }
  const deep = blurred(Float32Array.from(mask), grid.size, depthMm / voxelMm);
  const depth = depthsMm(onGrid(grid, mask));
  const weight = new Float32Array(count);
  const core = new Float32Array(count);
  const steepness = logisticOfSigma / parameters.borderMm;
  for (let at = 0; at < count; at++) {
    const weaker = parameters.halo * Math.exp(-Math.max(0, depth[at]) / haloMm);
    weight[at] = (1 - weaker) / (1 + Math.exp(-steepness * (depth[at] - parameters.insetMm)));
    core[at] = Math.max(0, Math.min(1, (deep[at] - 0.6) / 0.3));
  }
  return { mask, weight, core };
}

/** Depth below the surface of a mask, mm: negative outside. */
function depthsMm(mask: Mask): Float32Array {
  const outside = distanceTransformMm(mask).data;
  const inside = distanceTransformMm({ ...mask, data: mask.data.map((value) => 1 - value) }).data;
  const half = mask.affine[0] / 2;
  return outside.map((mm, at) => (mask.data[at] === 0 ? half - mm : inside[at] - half));
}

const greyMatter = isOneOf('cortex', 'caudate', 'putamen', 'thalamus', 'cerebellar cortex');

/** 1 where a lesion may lie. */
function allowedVoxels(
  { intoGreyMatter, inDeepGreyMatter }: LesionParameters,
  { grid, tissues }: Surroundings,
): Uint8Array {
  const table = carriesLesions.slice();
  if (inDeepGreyMatter) table[tissue.thalamus] = table[tissue.pallidum] = 1;
  const allowed = tissues.map((value) => table[value]);
  if (!intoGreyMatter) return allowed;
  const [nx, ny, nz] = grid.size;
  const steps = [1, -1, nx, -nx, nx * ny, -nx * ny];
  const wider = allowed.slice();
  const margin = nx * ny;
  for (let at = margin; at < nx * ny * (nz - 1); at++) {
    if (greyMatter[tissues[at]] && steps.some((step) => allowed[at + step] !== 0)) wider[at] = 1;
  }
  return wider;
}

function addPersonInPlace(
  raw: Uint8Array,
  { person, toPerson, warp, kept, seed }: PersonPlacement,
  { grid, points }: Surroundings,
  head: Pick<Head, 'toLesionSpace'>,
  library: LesionLibrary,
  allowed: Uint8Array,
): void {
  const { labels, count } = library.persons[person];
  const map = multiply(invert(labels.affine), multiply(toPerson, head.toLesionSpace));
  // The warp is in mm of body space; lesion masks have voxels of 1 mm, whatever their direction.
  const displacement = warp.fields.map((field) => renderField(field, uprightGrid(grid)));
  const [nx, ny, nz] = labels.size;
  const [px, py, pz] = points;
  const found = new Uint16Array(raw.length);
  const total = new Uint32Array(count + 1);
  const inside = new Uint32Array(count + 1);
  for (let at = 0; at < raw.length; at++) {
    const x = px[at];
    const y = py[at];
    const z = pz[at];
    const i = Math.round(
      map[0] * x + map[1] * y + map[2] * z + map[3] + warp.sdMm * displacement[0][at],
    );
    const j = Math.round(
      map[4] * x + map[5] * y + map[6] * z + map[7] + warp.sdMm * displacement[1][at],
    );
    const k = Math.round(
      map[8] * x + map[9] * y + map[10] * z + map[11] + warp.sdMm * displacement[2][at],
    );
    if (i < 0 || j < 0 || k < 0 || i >= nx || j >= ny || k >= nz) continue;
    const label = labels.data[i + nx * (j + ny * k)];
    if (label === 0) continue;
    found[at] = label;
    total[label]++;
    inside[label] += allowed[at];
  }
  const keeps = onesWhere(
    total,
    (voxels, label) =>
      label > 0 && inside[label] > leastShareKept * voxels && hashed(seed, label) < kept,
  );
  for (let at = 0; at < raw.length; at++) {
    if (keeps[found[at]] && allowed[at]) raw[at] = 1;
  }
}

/** A number in [0, 1) that depends on the seed and the label alone. */
function hashed(seed: number, label: number): number {
  let hash = seed ^ Math.imul(label, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

function addShapeInPlace(
  raw: Uint8Array,
  { shape, centreMm, toShape }: ShapePlacement,
  { grid, points }: Surroundings,
  library: LesionLibrary,
  allowed: Uint8Array,
): void {
  const { data, size } = library.shapes[shape];
  const centre = nearestVoxel(points, grid, centreMm);
  if (!centre) return;
  const reach = Math.ceil(shapeReachMm(size, toShape) / Math.min(...uprightGrid(grid).spacingMm));
  const [nx, ny] = grid.size;
  const low = centre.map((index) => Math.max(0, index - reach));
  const high = centre.map((index, axis) => Math.min(grid.size[axis] - 1, index + reach));
  const middle = size.map((length) => (length - 1) / 2);
  for (let k = low[2]; k <= high[2]; k++) {
    for (let j = low[1]; j <= high[1]; j++) {
      for (let i = low[0]; i <= high[0]; i++) {
        const at = i + nx * (j + ny * k);
        if (allowed[at] === 0) continue;
        const [u, v, w] = applyToPoint(toShape, [
          points[0][at] - centreMm[0],
          points[1][at] - centreMm[1],
          points[2][at] - centreMm[2],
        ]);
        const a = Math.round(u + middle[0]);
        const b = Math.round(v + middle[1]);
        const c = Math.round(w + middle[2]);
        if (a < 0 || b < 0 || c < 0 || a >= size[0] || b >= size[1] || c >= size[2]) continue;
        if (data[a + size[0] * (b + size[1] * c)] !== 0) raw[at] = 1;
      }
    }
  }
}

/** Farthest distance in body mm from a shape's middle to its voxels; heads are at most 1.5 times enlarged. */
function shapeReachMm(size: Size, toShape: Mat4): number {
  const fromShape = invert(toShape);
  const scale = Math.max(
    ...[0, 1, 2].map((c) => Math.hypot(fromShape[c], fromShape[4 + c], fromShape[8 + c])),
  );
  return 1.5 * scale * (Math.hypot(...size) / 2);
}

/** The voxel whose point lies nearest; undefined when the place is outside. Descends from the grid's middle. */
function nearestVoxel(points: Points, { size }: Grid, target: Vec3): Vec3 | undefined {
  const strides = [1, size[0], size[0] * size[1]];
  let voxel = size.map((n) => n >> 1);
  const distance = (v: readonly number[]) => {
    const at = v[0] + v[1] * strides[1] + v[2] * strides[2];
    return Math.hypot(...target.map((mm, axis) => points[axis][at] - mm));
  };
  for (let step = 64, best = distance(voxel); step >= 1; ) {
    const next = [0, 1, 2]
      .flatMap((axis) => [-step, step].map((d) => voxel.map((n, a) => (a === axis ? n + d : n))))
      .filter((v) => v.every((n, axis) => n >= 0 && n < size[axis]))
      .map((v) => ({ v, d: distance(v) }))
      .sort((a, b) => a.d - b.d)[0];
    if (next && next.d < best) {
      best = next.d;
      voxel = next.v;
    } else step >>= 1;
    if (step === 0) return best < 3 ? (voxel as unknown as Vec3) : undefined;
  }
  return undefined;
}

/** Voxels that lesions beside the ventricles reach within two voxels become lesion, too. */
function fillGapsInPlace(
  raw: Uint8Array,
  gapMm: number,
  { grid, tissues, ventricleDistance }: Surroundings,
): void {
  if (gapMm === 0) return;
  const [nx, ny, nz] = grid.size;
  const before = raw.slice();
  const near = gapMm * stepsPerMm;
  for (let k = 2, edge = nx * ny; k < nz - 2; k++) {
    for (let j = 2; j < ny - 2; j++) {
      for (let i = 2; i < nx - 2; i++) {
        const at = i + nx * j + edge * k;
        if (ventricleDistance[at] >= near || before[at] !== 0) continue;
        if (tissues[at] !== tissue['white matter']) continue;
        if (anyWithinTwo(before, at, nx, edge)) raw[at] = 1;
      }
    }
  }
}

function anyWithinTwo(values: Uint8Array, at: number, nx: number, nxy: number): boolean {
  for (let k = -2; k <= 2; k++) {
    for (let j = -2; j <= 2; j++) {
      const row = at + k * nxy + j * nx;
      for (let i = -2; i <= 2; i++) if (values[row + i] !== 0) return true;
    }
  }
  return false;
}

function addBandInPlace(
  raw: Uint8Array,
  { bandMm, bandField }: LesionParameters,
  { grid, tissues, ventricleDistance }: Surroundings,
): void {
  if (bandMm === 0) return;
  const width = renderField(bandField, uprightGrid(grid));
  for (let at = 0; at < raw.length; at++) {
    const distanceMm = ventricleDistance[at] / stepsPerMm;
    if (tissues[at] !== tissue['white matter'] || distanceMm > 6) continue;
    if (distanceMm < bandMm + 2 * width[at]) raw[at] = 1;
  }
}

/** Turns and stretches lesion space about the middle of the brain in it. */
export function aboutLesionSpaceCentre(linear: Mat4, shiftMm: Vec3): Mat4 {
  return multiply(translation(shiftMm), about([0, -20, 10], linear));
}
