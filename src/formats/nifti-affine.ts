import { DawsonError } from '../errors.js';
import { largestCosine, type Mat4, type Vec3, voxelSizeMm } from '../volume/affine.js';
import { gridDistance, type Size } from '../volume/volume.js';
import { requireUsableAffine } from './check-geometry.js';
import type { NiftiHeader } from './nifti-header.js';

/** Codes of xyzt_units, lowest three bits. Files that say nothing are in mm by custom. */
const units = new Map([
  [0, { mm: 1, name: 'of no stated unit' }],
  [1, { mm: 1000, name: 'metres' }],
  [2, { mm: 1, name: 'millimetres' }],
  [3, { mm: 0.001, name: 'micrometres' }],
]);

/** NIFTI_XFORM_SCANNER_ANAT, and the last code that the standard has. */
export const scannerCode = 1;
const lastCode = 5;

/** Voxel sizes of two fields that differ by more than this share contradict each other. */
const sizeTolerance = 0.01;

/** A size of exactly 1 is what a field holds that nobody has filled; tolerance in the file's unit. */
const unitTolerance = 1e-4;

/** sform and qform that place a corner further apart than this, in voxels, are said to differ. */
const mentionedVoxels = 1;

/** Axes that are further off a right angle than this, as a cosine, are said to be. */
const mentionedCosine = 1e-3;

/** An affine, in the unit of the file, and what was assumed to choose it. */
interface Choice {
  readonly affine: Mat4;
  readonly notes: readonly string[];
}

/** The code of an sform or qform; what the standard does not know is none. */
const knownCode = (code: number) => (code >= 1 && code <= lastCode ? code : 0);

const hasSform = ({ sformCode }: NiftiHeader) => knownCode(sformCode) > 0;
const hasQform = ({ qformCode }: NiftiHeader) => knownCode(qformCode) > 0;

/**
 * The code (NIFTI_XFORM) for images that lie where another does: that of its header; 0 where nobody
 * knows its place and which side is left; that of scanner coordinates where it is no NIfTI.
 */
export function formCodeOf(header: NiftiHeader | undefined): number {
  if (!header) return scannerCode;
  return knownCode(header.sformCode) || knownCode(header.qformCode);
}

/**
 * The affine from voxel indices to RAS mm, of the sform where its code is positive, else of the
 * qform, else of the voxel sizes alone. nibabel and ITK do the same where sform, qform and pixdim
 * agree; where these differ, or those programs do, `notes` says what was taken.
 * @throws DawsonError `bad-geometry` when that affine cannot be used (another is not tried), or when
 *   sform and pixdim contradict each other in voxel size and neither is plainly unset.
 */
export function affineOf(header: NiftiHeader, file: string): { affine: Mat4; notes: string[] } {
  const unit = units.get(header.xyztUnits & 7);
  if (unit === undefined) {
    throw new DawsonError('bad-geometry', {
      file,
      expected: 'lengths in metres, millimetres or micrometres',
      found: `xyzt_units ${header.xyztUnits}`,
    });
  }
  const size: Size = [header.dim[1], header.dim[2], header.dim[3]];
  const inMm = (affine: Mat4) => {
    const scaled = affine.map((value, at) => (at < 12 ? value * unit.mm : value));
    requireUsableAffine(scaled as unknown as Mat4, size, file, `lengths ${unit.name}`);
    return scaled as unknown as Mat4;
  };
  const sform = [...header.srow, 0, 0, 0, 1] as unknown as Mat4;
  if (hasSform(header)) inMm(sform);
  const chosen = hasSform(header) ? reconciled(sform, header, file) : withoutSform(header, file);
  const affine = inMm(chosen.affine);
  return { affine, notes: [...unknownCodes(header), ...chosen.notes, ...obliqueness(affine)] };
}

function unknownCodes({ sformCode, qformCode }: NiftiHeader): string[] {
  return [['sform', sformCode] as const, ['qform', qformCode] as const].flatMap(([form, code]) =>
    code === 0 || knownCode(code)
      ? []
      : [`${form}_code ${code} is none of the standard: no ${form}`],
  );
}

/** nibabel reads any axes; ITK and what is built on it only those at right angles. */
function obliqueness(affine: Mat4): string[] {
  const degrees = (180 / Math.PI) * Math.asin(Math.min(1, largestCosine(affine)));
  if (largestCosine(affine) <= mentionedCosine) return [];
  return [
    `the voxel axes are ${degrees.toPrecision(2)} degrees off right angles, as after an affine ` +
      'registration: some programs will show the image elsewhere or not at all',
  ];
}

/** Where readers lay an image of whose place nothing is known. */
export function affineWithoutForms(size: Size, voxelMm: Vec3): Mat4 {
  const [x, y, z] = voxelMm;
  const [atX, atY, atZ] = voxelMm.map((mm, axis) => ((size[axis] - 1) / 2) * mm);
  return [-x, 0, 0, atX, 0, y, 0, -atY, 0, 0, z, -atZ, 0, 0, 0, 1];
}

/** As nibabel and FSL: the standard says nothing, and ITK takes other axes. */
function withoutSform(header: NiftiHeader, file: string): Choice {
  if (hasQform(header)) return { affine: qformOf(header, file), notes: [] };
  const size = header.dim.slice(1, 4) as unknown as Size;
  return {
    affine: affineWithoutForms(size, statedSizes(header, file)),
    notes: [
      'the file has neither sform nor qform, so that its place and which side is left are ' +
        'unknown; its axes are taken as left, anterior, superior',
    ],
  };
}

/** The sform, or what stands for it where it and pixdim state different voxel sizes. */
function reconciled(sform: Mat4, header: NiftiHeader, file: string): Choice {
  const { pixdim } = header;
  const ofSform = voxelSizeMm(sform);
  const stated = pixdim.slice(1, 4).map(Math.abs);
  const inWords = (sizes: readonly number[]) =>
    sizes.map((size) => Number(size.toPrecision(6))).join(' x ');
  if (!stated.every((size) => size > 0 && Number.isFinite(size))) {
    const found = pixdim.slice(1, 4).join(' x ');
    return { affine: sform, notes: [`pixdim states no voxel size (${found}): the sform is taken`] };
  }
  const agree = stated.every(
    (size, axis) => Math.abs(size - ofSform[axis]) <= sizeTolerance * ofSform[axis],
  );
  if (agree) return { affine: sform, notes: differenceOfForms(sform, header, file) };
  // The qform has no size of its own: it uses pixdim's. An sform of unit vectors has lost its scale.
  if (isUnset(ofSform) && hasQform(header)) {
    const note =
      `the sform states voxels of ${inWords(ofSform)}, as where its scale was lost, but qform and ` +
      `pixdim state ${inWords(stated)}: the qform is taken; check sizes and sides in a viewer`;
    return { affine: qformOf(header, file), notes: [note] };
  }
  if (isUnset(stated) && !hasQform(header)) {
    const note =
      `pixdim states voxels of ${inWords(stated)}, as where it was never set, but the sform states ` +
      `${inWords(ofSform)}: the sform is taken`;
    return { affine: sform, notes: [note] };
  }
  throw new DawsonError('bad-geometry', {
    file,
    expected: 'one voxel size in sform, qform and pixdim',
    found:
      `${inWords(ofSform)} in the sform, ` +
      `${hasQform(header) ? `${inWords(stated)} in the qform` : 'no qform'}, ` +
      `${inWords(stated)} in pixdim`,
    advice: 'Convert it again from the scanner data, or correct the field that is wrong.',
  });
}

const isUnset = (sizes: readonly number[]) =>
  sizes.every((size) => Math.abs(size - 1) <= unitTolerance);

/** nibabel takes the sform of two; ITK, by their codes, at times the qform. */
function differenceOfForms(sform: Mat4, header: NiftiHeader, file: string): string[] {
  if (!hasUsableQform(header)) return [];
  const size = header.dim.slice(1, 4) as unknown as Size;
  const { mm, voxels } = gridDistance(
    { size, affine: sform },
    { size, affine: qformOf(header, file) },
  );
  if (voxels <= mentionedVoxels) return [];
  return [
    `sform and qform place the image differently, up to ${mm.toPrecision(3)} mm apart: ` +
      'the sform is taken',
  ];
}

function statedSizes({ pixdim }: NiftiHeader, file: string): Vec3 {
  const sizes = pixdim.slice(1, 4) as unknown as Vec3;
  if (sizes.every((size) => size > 0)) return sizes;
  throw new DawsonError('bad-geometry', {
    file,
    expected: 'positive voxel sizes',
    found: sizes.join(' x '),
  });
}

const hasUnitQuaternion = ({ quatern: [b, c, d] }: NiftiHeader) =>
  b * b + c * c + d * d <= 1 + 1e-4;

const hasUsableQform = (header: NiftiHeader) =>
  hasQform(header) &&
  hasUnitQuaternion(header) &&
  header.pixdim.slice(1, 4).every((size) => size > 0) &&
  header.qoffset.every(Number.isFinite);

/** Method 2 of the standard: a unit quaternion, voxel sizes and an origin. */
function qformOf(header: NiftiHeader, file: string): Mat4 {
  const sizes = statedSizes(header, file);
  if (!hasUnitQuaternion(header)) {
    throw new DawsonError('bad-geometry', {
      file,
      expected: 'a unit quaternion in the qform',
      found: header.quatern.join(' '),
    });
  }
  const [a, b, c, d] = unitQuaternion(header.quatern);
  const [x, y, z] = [sizes[0], sizes[1], header.pixdim[0] < 0 ? -sizes[2] : sizes[2]];
  return [
    x * (a * a + b * b - c * c - d * d),
    y * 2 * (b * c - a * d),
    z * 2 * (b * d + a * c),
    header.qoffset[0],
    x * 2 * (b * c + a * d),
    y * (a * a + c * c - b * b - d * d),
    z * 2 * (c * d - a * b),
    header.qoffset[1],
    x * 2 * (b * d - a * c),
    y * 2 * (c * d + a * b),
    z * (a * a + d * d - b * b - c * c),
    header.qoffset[2],
    0,
    0,
    0,
    1,
  ];
}

/**
 * The first number of a quaternion, which the header leaves out, is known to 3e-4 at best where it
 * is near 0: below the noise of single precision the rotation is one by 180 degrees (as in nifti1_io.c).
 */
const halfTurnSquare = 1e-7;

function unitQuaternion([b, c, d]: Vec3): readonly [number, number, number, number] {
  const squares = b * b + c * c + d * d;
  if (1 - squares >= halfTurnSquare) return [Math.sqrt(1 - squares), b, c, d];
  const norm = Math.sqrt(squares);
  return [0, b / norm, c / norm, d / norm];
}
