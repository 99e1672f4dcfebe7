/**
 * Affine maps of three-dimensional space as 4x4 matrices, 16 numbers row by row. An image's affine
 * maps voxel indices (i, j, k), counted from 0 at the centre of the first voxel, to millimetres in
 * RAS: x to the person's right, y to anterior, z to superior.
 */
export type Mat4 = readonly [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];

export type Vec3 = readonly [number, number, number];

/** Three numbers of an axis each, made from three others. */
export const mapAxes = (
  values: readonly number[],
  of: (value: number, axis: number) => number,
): [number, number, number] => [of(values[0], 0), of(values[1], 1), of(values[2], 2)];

export const identity: Mat4 = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];

/** The map that applies `b` first, then `a`. */
export function multiply(a: Mat4, b: Mat4): Mat4 {
  const product = new Array<number>(16);
  for (let row = 0; row < 4; row++) {
    for (let column = 0; column < 4; column++) {
      let sum = 0;
      for (let inner = 0; inner < 4; inner++) sum += a[4 * row + inner] * b[4 * inner + column];
      product[4 * row + column] = sum;
    }
  }
  return product as unknown as Mat4;
}

/** Determinant of the linear part: the volume of a voxel, negative where the axes are left-handed. */
export function determinant(m: Mat4): number {
  return (
    m[0] * (m[5] * m[10] - m[6] * m[9]) -
    m[1] * (m[4] * m[10] - m[6] * m[8]) +
    m[2] * (m[4] * m[9] - m[5] * m[8])
  );
}

/** The inverse of an affine map. @throws RangeError when the map is singular or not finite. */
export function invert(m: Mat4): Mat4 {
  const det = determinant(m);
  if (!Number.isFinite(det) || det === 0) throw new RangeError('the affine is singular');
  const a = (m[5] * m[10] - m[6] * m[9]) / det;
  const b = (m[2] * m[9] - m[1] * m[10]) / det;
  const c = (m[1] * m[6] - m[2] * m[5]) / det;
  const d = (m[6] * m[8] - m[4] * m[10]) / det;
  const e = (m[0] * m[10] - m[2] * m[8]) / det;
  const f = (m[2] * m[4] - m[0] * m[6]) / det;
  const g = (m[4] * m[9] - m[5] * m[8]) / det;
  const h = (m[1] * m[8] - m[0] * m[9]) / det;
  const i = (m[0] * m[5] - m[1] * m[4]) / det;
  return [
    a,
    b,
    c,
    -(a * m[3] + b * m[7] + c * m[11]),
    d,
    e,
    f,
    -(d * m[3] + e * m[7] + f * m[11]),
    g,
    h,
    i,
    -(g * m[3] + h * m[7] + i * m[11]),
    0,
    0,
    0,
    1,
  ];
}

/** The image of a point. */
export function applyToPoint(m: Mat4, p: Vec3): Vec3 {
  return [
    m[0] * p[0] + m[1] * p[1] + m[2] * p[2] + m[3],
    m[4] * p[0] + m[5] * p[1] + m[6] * p[2] + m[7],
    m[8] * p[0] + m[9] * p[1] + m[10] * p[2] + m[11],
  ];
}

/** Distances in mm between neighbouring voxel centres along the three voxel axes. */
export function voxelSizeMm(affine: Mat4): Vec3 {
  return [
    Math.hypot(affine[0], affine[4], affine[8]),
    Math.hypot(affine[1], affine[5], affine[9]),
    Math.hypot(affine[2], affine[6], affine[10]),
  ];
}

/** Largest cosine between two voxel axes: 0 where all are at right angles. */
export function largestCosine(affine: Mat4): number {
  const sizes = voxelSizeMm(affine);
  const cosine = (a: number, b: number) =>
    Math.abs(
      affine[a] * affine[b] + affine[4 + a] * affine[4 + b] + affine[8 + a] * affine[8 + b],
    ) /
    (sizes[a] * sizes[b]);
  return Math.max(cosine(0, 1), cosine(1, 2), cosine(0, 2));
}

/** Volume of one voxel in mm3. */
export function voxelVolumeMm3(affine: Mat4): number {
  return Math.abs(determinant(affine));
}
