import { applyToPoint, type Mat4, multiply, type Vec3 } from '../volume/affine.js';

/**
 * A small motion of space: translation in mm (3), rotation in radians about the x, y and z axes (3)
 * and, with 12 degrees of freedom, stretch along xx, yy, zz, xy, xz and yz (6). The first six are
 * the rigid motions.
 */
export type Motion = Float64Array;

/** Rotation by a vector whose length is the angle in radians and whose direction the axis. */
export function rotation(x: number, y: number, z: number): Mat4 {
  const angle = Math.hypot(x, y, z);
  // sin(a)/a and (1 - cos(a))/a^2, with their limits
  const s = angle < 1e-8 ? 1 : Math.sin(angle) / angle;
  const c = angle < 1e-8 ? 0.5 : (1 - Math.cos(angle)) / (angle * angle);
  return [
    ...[1 - c * (y * y + z * z), c * x * y - s * z, c * x * z + s * y, 0],
    ...[c * x * y + s * z, 1 - c * (x * x + z * z), c * y * z - s * x, 0],
    ...[c * x * z - s * y, c * y * z + s * x, 1 - c * (x * x + y * y), 0],
    ...[0, 0, 0, 1],
  ] as unknown as Mat4;
}

export function translation(offset: Vec3): Mat4 {
  return [1, 0, 0, offset[0], 0, 1, 0, offset[1], 0, 0, 1, offset[2], 0, 0, 0, 1];
}

/** Applies `linear` with the point `centre` held in place. */
export function about(centre: Vec3, linear: Mat4): Mat4 {
  const [x, y, z] = centre;
  return multiply(translation(centre), multiply(linear, translation([-x, -y, -z])));
}

/** `transform` followed by a motion about the place to which it takes `centre`. */
export function moved(transform: Mat4, motion: Motion, centre: Vec3): Mat4 {
  const [tx, ty, tz, rx, ry, rz, xx = 0, yy = 0, zz = 0, xy = 0, xz = 0, yz = 0] = motion;
  const stretch: Mat4 = [1 + xx, xy, xz, 0, xy, 1 + yy, yz, 0, xz, yz, 1 + zz, 0, 0, 0, 0, 1];
  const turned = multiply(rotation(rx, ry, rz), stretch);
  const pivot = applyToPoint(transform, centre);
  return multiply(translation([tx, ty, tz]), multiply(about(pivot, turned), transform));
}
