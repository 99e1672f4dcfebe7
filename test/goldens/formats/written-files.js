/** The files of written.json: what is in them, for write-files.js and for the test. */

const degrees = Math.PI / 180;
const [cosine, sine] = [Math.cos(20 * degrees), Math.sin(20 * degrees)];
/** A rotation about x with voxels of 0.7 x 0.9 x 4 mm. */
const rotated = [
  ...[-0.7, 0, 0, 80.5],
  ...[0, 0.9 * cosine, -4 * sine, -60.25],
  ...[0, 0.9 * sine, 4 * cosine, 12.125],
  ...[0, 0, 0, 1],
];
const flipped = rotated.map((value, index) => (index < 12 && index % 4 === 0 ? -value : value));
const sheared = rotated.map((value, index) => (index === 1 ? 0.2 : value));
const size = [4, 3, 2];
const ramp = Array.from({ length: 24 }, (_, voxel) => voxel * 3);

export const volumes = {
  'uint8.nii': { data: Uint8Array.from(ramp), size, affine: rotated },
  'int8.nii': { data: Int8Array.from(ramp, (value) => value - 40), size, affine: flipped },
  'uint16.nii': { data: Uint16Array.from(ramp, (value) => 900 * value), size, affine: sheared },
  'int16.nii': { data: Int16Array.from(ramp, (value) => -400 * value), size, affine: rotated },
  'uint32.nii': { data: Uint32Array.from(ramp, (value) => 6e7 * value), size, affine: rotated },
  'int32.nii': { data: Int32Array.from(ramp, (value) => -3e7 * value), size, affine: rotated },
  'float32.nii': { data: Float32Array.from(ramp, (value) => value / 7), size, affine: rotated },
  'float64.nii': { data: Float64Array.from(ramp, (value) => value / 7), size, affine: rotated },
};

/** A mask on the grid of this image of files.json, whose header is copied. */
export const likeImages = {
  'like-nifti1.nii': 'sform and qform that differ',
  'like-nifti2.nii': 'nifti2 BE int16',
  'like-qform.nii': 'qform only, left-handed',
};

/** Points of fixed to points of moving, RAS mm. */
export const transforms = {
  'rigid.txt': [1, 0, 0, 4.5, 0, cosine, -sine, -7, 0, sine, cosine, 11.25, 0, 0, 0, 1],
  'affine.txt': [1.1, 0.1, -0.05, 5, 0.02, 0.95, 0.2, 6, 0.01, -0.1, 1.03, -7, 0, 0, 0, 1],
};
