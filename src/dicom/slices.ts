import type { Mat4, Vec3 } from '../volume/affine.js';
import { mapAxes } from '../volume/affine.js';
import type { Size } from '../volume/volume.js';
import { type Frame, type Instance, sourceName } from './instance.js';
import type { Refusal } from './refusal.js';

/** One image plane and the object that it belongs to. */
export interface Slice {
  readonly instance: Instance;
  readonly frame: Frame;
}

/** A grid that slices lie on, and the slices in the order of its third axis. */
export interface Layout {
  readonly slices: readonly Slice[];
  readonly size: Size;
  /** Voxel index (column, row, slice) to RAS mm. */
  readonly affine: Mat4;
  readonly stepMm: number;
}

/** Positions are texts of some decimals; nearer ones are the same. */
const samePlaceMm = 1e-2;

/** Distances between slices may differ by this share of them, and by what rounding can do. */
const unevenShare = 0.02;
const roundingMm = 2e-2;

/** Stacks whose slices are shifted against each other by more are tilted: half a degree. */
const largestTilt = 8.7e-3;

/** Least skew of row and column directions, and deviation of their lengths from 1. */
const directionTolerance = 1e-3;

/**
 * The grid of slices of one orientation.
 * @returns why there is none, where there is none: fewer than two slices, no or impossible
 *   positions, two slices at one place, gaps, gantry tilt. It names the place and the file.
 */
export function layOut(slices: readonly Slice[]): Layout | Refusal {
  const incomplete = slices.find(
    ({ frame }) => !frame.position || !frame.orientation || !frame.spacing,
  );
  if (incomplete) {
    return badGeometry(
      incomplete,
      'position, orientation and pixel spacing of every slice',
      'a slice without',
    );
  }
  const { orientation, spacing } = slices[0].frame;
  const [along, down] = [vector(orientation!, 0), vector(orientation!, 3)];
  const impossible = impossibleDirections(along, down) ?? impossibleSpacing(spacing!);
  if (impossible) return badGeometry(slices[0], ...impossible);
  if (slices.length < 2) {
    return {
      code: 'unsupported-image',
      file: sourceName(slices[0].instance.source),
      expected: 'two slices or more',
      found: 'a single one',
    };
  }
  const normal = cross(along, down);
  const height = ({ frame }: Slice) => dot(frame.position!, normal);
  const sorted = [...slices].sort((a, b) => height(a) - height(b) || inOrder(a, b));
  return (
    doublePosition(sorted, height) ??
    unevenStep(sorted, height) ??
    grid(sorted, { along, down, normal })
  );
}

export const isRefusal = <T extends object>(value: T | Refusal): value is Refusal =>
  'code' in value && 'expected' in value;

const inOrder = (a: Slice, b: Slice) =>
  (a.instance.instanceNumber ?? 0) - (b.instance.instanceNumber ?? 0) ||
  a.frame.number - b.frame.number;

function badGeometry({ instance }: Slice, expected: string, found: string): Refusal {
  return {
    code: 'bad-geometry',
    file: sourceName(instance.source),
    expected,
    found,
    advice: 'Export the series again, whole; Dawson does not guess where slices lie.',
  };
}

function impossibleDirections(along: Vec3, down: Vec3): [string, string] | undefined {
  const errors = [Math.hypot(...along) - 1, Math.hypot(...down) - 1, dot(along, down)];
  return errors.every((error) => Math.abs(error) <= directionTolerance)
    ? undefined
    : [
        'rows and columns at right angles, as unit vectors',
        `${along.join(' ')}, ${down.join(' ')}`,
      ];
}

function impossibleSpacing(spacing: readonly number[]): [string, string] | undefined {
  return spacing.every((mm) => mm >= 1e-2 && mm <= 100)
    ? undefined
    : ['a pixel spacing of 0.01 to 100 mm', spacing.join(' x ')];
}

/** Whether two slices lie at one place. */
export function overlap(slices: readonly Slice[]): boolean {
  const { orientation } = slices[0].frame;
  if (!orientation || slices.some(({ frame }) => !frame.position)) return false;
  const normal = cross(vector(orientation, 0), vector(orientation, 3));
  const heights = slices.map(({ frame }) => dot(frame.position!, normal)).sort((a, b) => a - b);
  return heights.some((mm, index) => index > 0 && mm - heights[index - 1] < samePlaceMm);
}

function doublePosition(sorted: readonly Slice[], height: (slice: Slice) => number) {
  const at = sorted.findIndex(
    (slice, index) => index > 0 && height(slice) - height(sorted[index - 1]) < samePlaceMm,
  );
  if (at < 0) return undefined;
  const other = sourceName(sorted[at - 1].instance.source);
  const same = other === sourceName(sorted[at].instance.source);
  return badGeometry(
    sorted[at],
    'every slice at a place of its own',
    `two at ${height(sorted[at]).toFixed(2)} mm along the stack${same ? '' : `, also in ${other}`}`,
  );
}

function unevenStep(sorted: readonly Slice[], height: (slice: Slice) => number) {
  const steps = sorted.slice(1).map((slice, index) => height(slice) - height(sorted[index]));
  const usual = [...steps].sort((a, b) => a - b)[Math.floor((steps.length - 1) / 2)];
  const at = steps.findIndex((mm) => Math.abs(mm - usual) > unevenShare * usual + roundingMm);
  if (at < 0) return undefined;
  const missing = Math.round(steps[at] / usual) - 1;
  return badGeometry(
    sorted[at + 1],
    `slices ${usual.toFixed(3)} mm apart`,
    `${steps[at].toFixed(3)} mm between ${height(sorted[at]).toFixed(2)} and ` +
      `${height(sorted[at + 1]).toFixed(2)} mm along the stack` +
      (missing > 0 ? `: ${missing} missing` : ''),
  );
}

/** The grid through the first and the last slice; refused where the others do not lie on it. */
function grid(
  sorted: readonly Slice[],
  { along, down, normal }: { along: Vec3; down: Vec3; normal: Vec3 },
): Layout | Refusal {
  const last = sorted.length - 1;
  const origin = sorted[0].frame.position!;
  const end = sorted[last].frame.position!;
  const step = mapAxes(origin, (mm, axis) => (end[axis] - mm) / last);
  const stepMm = dot(step, normal);
  const sideways = Math.sqrt(Math.max(0, dot(step, step) - stepMm ** 2));
  if (sideways > largestTilt * stepMm) {
    const degrees = (Math.atan2(sideways, stepMm) * 180) / Math.PI;
    return badGeometry(
      sorted[last],
      'slices straight above each other',
      `a gantry tilt of ${degrees.toFixed(1)} degrees`,
    );
  }
  const strayed = sorted.find(({ frame }, index) => {
    const offset = frame.position!.map((mm, axis) => mm - origin[axis] - index * step[axis]);
    return Math.hypot(...offset) > unevenShare * stepMm + roundingMm + samePlaceMm;
  });
  if (strayed)
    return badGeometry(strayed, 'slices straight above each other', 'one beside its place');
  const [rowMm, columnMm] = sorted[0].frame.spacing!;
  const row = (axis: number, sign: number) => [
    sign * along[axis] * columnMm,
    sign * down[axis] * rowMm,
    sign * step[axis],
    sign * origin[axis],
  ];
  const { columns, rows } = sorted[0].instance.pixels!;
  return {
    slices: sorted,
    size: [columns, rows, sorted.length],
    affine: [...row(0, -1), ...row(1, -1), ...row(2, 1), 0, 0, 0, 1] as unknown as Mat4,
    stepMm,
  };
}

const vector = (numbers: readonly number[], at: number) =>
  numbers.slice(at, at + 3) as unknown as Vec3;

const dot = (a: Vec3, b: Vec3) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

function cross(a: Vec3, b: Vec3): Vec3 {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}
