import { determinant, largestCosine, type Mat4, type Vec3, voxelSizeMm } from '../volume/affine.js';
import { type Grid, sameGrid } from '../volume/volume.js';
import { affineWithoutForms, scannerCode } from './nifti-affine.js';
import type { NiftiHeader } from './nifti-header.js';

/** NIFTI_UNITS_MM. */
const millimetres = 2;

/** NIFTI_XFORM_ALIGNED_ANAT. */
const alignedCode = 2;

/** Axes whose cosines differ from a right angle by less than this have a quaternion. */
const rightAngleTolerance = 1e-5;

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
 * A grid as header fields: the affine as sform, and as qform too where its axes are at right angles,
 * both of this code (see {@link formCodeOf}). Without a code readers lay an image where they lay all
 * such: one that lies elsewhere, as it was turned, gets that of an image aligned to another. NIfTI-2
 * where NIfTI-1 has no room for the lengths.
 */
export function gridFields({ size, affine }: Grid, wanted = scannerCode): GridFields {
  const usual = { size, affine: affineWithoutForms(size, voxelSizeMm(affine)) };
  const code = wanted === 0 && !sameGrid({ size, affine }, usual) ? alignedCode : wanted;
  const rotation = quaternionOf(affine);
  return {
    version: size.every((length) => length < 2 ** 15) ? 1 : 2,
    dim: [3, ...size, 1, 1, 1, 1],
    pixdim: [determinant(affine) < 0 ? -1 : 1, ...voxelSizeMm(affine), 1, 1, 1, 1],
    dimInfo: 0,
    xyztUnits: millimetres,
    qformCode: rotation ? code : 0,
    sformCode: code,
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
  if (largestCosine(affine) > rightAngleTolerance) return undefined;
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
