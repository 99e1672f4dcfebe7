import { DawsonError } from '../errors.js';
import { determinant, type Mat4, type Vec3, voxelSizeMm } from '../volume/affine.js';
import type { Grid } from '../volume/volume.js';
import { requireUsableAffine } from './check-geometry.js';
import type { NiftiHeader } from './nifti-header.js';

/** Codes of xyzt_units, lowest three bits. Files that say nothing are in mm by custom. */
const mmPerUnit = new Map([
  [0, 1],
  [1, 1000],
  [2, 1],
  [3, 0.001],
]);

/** NIFTI_XFORM_SCANNER_ANAT and NIFTI_UNITS_MM. */
const scannerCode = 1;
const millimetres = 2;

/** Axes whose cosines differ from a right angle by less than this have a quaternion. */
const rightAngleTolerance = 1e-5;

/**
 * The affine from voxel indices to RAS mm: of the sform where its code is positive, else of the
 * qform, else (method 1 of the standard) of the voxel sizes alone, which `notes` then says.
 * @throws DawsonError `bad-geometry` when that affine cannot be used; another is not tried.
 */
export function affineOf(header: NiftiHeader, file: string): { affine: Mat4; notes: string[] } {
  const notes: string[] = [];
  const mm = mmPerUnit.get(header.xyztUnits & 7);
  if (mm === undefined) {
    throw new DawsonError('bad-geometry', {
      file,
      expected: 'lengths in metres, millimetres or micrometres',
      found: `xyzt_units ${header.xyztUnits}`,
    });
  }
  let affine: Mat4;
  if (header.sformCode > 0) {
    affine = [...header.srow, 0, 0, 0, 1] as unknown as Mat4;
  } else {
    const sizes = header.pixdim.slice(1, 4) as unknown as Vec3;
    if (!sizes.every((size) => size > 0)) {
      throw new DawsonError('bad-geometry', {
        file,
        expected: 'positive voxel sizes',
        found: sizes.join(' x '),
      });
    }
    if (header.qformCode > 0) {
      affine = affineOfQuaternion(header, sizes, file);
    } else {
      affine = [sizes[0], 0, 0, 0, 0, sizes[1], 0, 0, 0, 0, sizes[2], 0, 0, 0, 0, 1];
      notes.push(
        'the file has neither sform nor qform, so that its place and which side is left are ' +
          'unknown; its axes are taken as right, anterior, superior',
      );
    }
  }
  affine = affine.map((value, index) => (index < 12 ? value * mm : value)) as unknown as Mat4;
  requireUsableAffine(affine, file);
  return { affine, notes };
}

/** Method 2 of the standard: a unit quaternion, voxel sizes and an origin. */
function affineOfQuaternion(header: NiftiHeader, sizes: Vec3, file: string): Mat4 {
  const [b, c, d] = header.quatern;
  const squares = b * b + c * c + d * d;
  if (!(squares <= 1 + 1e-4)) {
    throw new DawsonError('bad-geometry', {
      file,
      expected: 'a unit quaternion in the qform',
      found: `${b} ${c} ${d}`,
    });
  }
  const a = Math.sqrt(Math.max(0, 1 - squares));
  const scale = 2 / (a * a + squares);
  const [x, y, z] = [sizes[0], sizes[1], header.pixdim[0] < 0 ? -sizes[2] : sizes[2]];
  return [
    x * (1 - scale * (c * c + d * d)),
    y * scale * (b * c - a * d),
    z * scale * (b * d + a * c),
    header.qoffset[0],
    x * scale * (b * c + a * d),
    y * (1 - scale * (b * b + d * d)),
    z * scale * (c * d - a * b),
    header.qoffset[1],
    x * scale * (b * d - a * c),
    y * scale * (c * d + a * b),
    z * (1 - scale * (b * b + c * c)),
    header.qoffset[2],
    0,
    0,
    0,
    1,
  ];
}

/** The fields of a header that describe a grid. */
export type GridFields = Pick<
  NiftiHeader,
  | 'version'
  | 'dim'
  | 'pixdim'
  | 'dimInfo'
  | 'xyztUnits'
  | 'qformCode'
  | 'sformCode'
  | 'quatern'
  | 'qoffset'
  | 'srow'
>;

/**
 * A grid as header fields: the affine as sform (code 1), and as qform too where its axes are at
 * right angles. NIfTI-2 where NIfTI-1 has no room for the lengths.
 */
export function gridFields({ size, affine }: Grid): GridFields {
  const rotation = quaternionOf(affine);
  return {
    version: size.every((length) => length < 2 ** 15) ? 1 : 2,
    dim: [3, ...size, 1, 1, 1, 1],
    pixdim: [determinant(affine) < 0 ? -1 : 1, ...voxelSizeMm(affine), 1, 1, 1, 1],
    dimInfo: 0,
    xyztUnits: millimetres,
    qformCode: rotation ? scannerCode : 0,
    sformCode: scannerCode,
    quatern: rotation ?? [0, 0, 0],
    qoffset: rotation ? [affine[3], affine[7], affine[11]] : [0, 0, 0],
    srow: affine.slice(0, 12),
  };
}

/**
 * The quaternion (b, c, d), with a >= 0, of the rotation in an affine whose third axis is flipped
 * where it is left-handed; undefined where the axes are not at right angles.
 */
function quaternionOf(affine: Mat4): Vec3 | undefined {
  const sizes = voxelSizeMm(affine);
  const flip = determinant(affine) < 0 ? -1 : 1;
  const column = (axis: 0 | 1 | 2): Vec3 => {
    const length = axis === 2 ? flip * sizes[2] : sizes[axis];
    return [affine[axis] / length, affine[4 + axis] / length, affine[8 + axis] / length];
  };
  const [u, v, w] = [column(0), column(1), column(2)];
  const cosine = (a: Vec3, b: Vec3) => Math.abs(a[0] * b[0] + a[1] * b[1] + a[2] * b[2]);
  if (Math.max(cosine(u, v), cosine(v, w), cosine(u, w)) > rightAngleTolerance) return undefined;
  // Of a, b, c and d the largest is found first: dividing by it is stable.
  const squares = [
    1 + u[0] + v[1] + w[2],
    1 + u[0] - v[1] - w[2],
    1 - u[0] + v[1] - w[2],
    1 - u[0] - v[1] + w[2],
  ];
  const largest = squares.indexOf(Math.max(...squares));
  const doubled = Math.sqrt(squares[largest]);
  const [vw, wu, uv] = [v[2] - w[1], w[0] - u[2], u[1] - v[0]];
  const sums = { xy: v[0] + u[1], xz: w[0] + u[2], yz: w[1] + v[2] };
  const [a, b, c, d] = [
    [doubled ** 2, vw, wu, uv],
    [vw, doubled ** 2, sums.xy, sums.xz],
    [wu, sums.xy, doubled ** 2, sums.yz],
    [uv, sums.xz, sums.yz, doubled ** 2],
  ][largest].map((value) => value / (2 * doubled));
  const sign = a < 0 ? -1 : 1;
  return [sign * b, sign * c, sign * d];
}
