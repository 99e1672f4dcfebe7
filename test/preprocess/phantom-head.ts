import { applyToPoint, identity, type Mat4, type Vec3 } from '../../src/volume/affine.js';
import { seededRandom } from '../../src/volume/random.js';
import { type Size, type Volume, voxelCount } from '../../src/volume/volume.js';

/** Head made of smooth blobs: at each point (RAS mm) a "tissue" from 0 (air) to about 1. */
export function phantomHead(seed: number): (point: Vec3) => number {
  const random = seededRandom(seed);
  const within = (radius: number) => (2 * random.uniform() - 1) * radius;
  const blobs = Array.from({ length: 24 }, () => ({
    x: within(45),
    y: within(55),
    z: within(40),
    perVariance: -0.5 / (5 + 10 * random.uniform()) ** 2,
    height: random.uniform() < 0.5 ? 0.35 : -0.35,
  }));
  const radii = [65, 82, 60].map((mm) => mm * (1 + within(0.12)));
  const tilt = within(0.15);
  // The outline is no ellipsoid: it bulges here and there.
  const bulges = [0, 1, 2].map(() => ({ across: 2 + 2 * random.uniform(), phase: within(3) }));
  return ([x, y, z]) => {
    const bulge =
      Math.sin((bulges[0].across * x) / 65 + bulges[0].phase) +
      Math.sin((bulges[1].across * y) / 65 + bulges[1].phase) +
      Math.sin((bulges[2].across * z) / 65 + bulges[2].phase);
    const radius = Math.hypot(x / radii[0], y / radii[1], (z - tilt * y) / radii[2]) + 0.04 * bulge;
    if (radius > 1.3) return 0;
    const outline = 1 / (1 + Math.exp((radius - 1) * 25));
    let tissue = 0.55;
    for (const blob of blobs) {
      const square = (x - blob.x) ** 2 + (y - blob.y) ** 2 + (z - blob.z) ** 2;
      tissue += blob.height * Math.exp(square * blob.perVariance);
    }
    return outline * Math.min(Math.max(tissue, 0.1), 1);
  };
}

/** An image of the head: what `contrast` makes of the tissue that lies at `toHead` of each voxel. */
export function imageOf(
  head: (point: Vec3) => number,
  grid: { size: Size; affine: Mat4 },
  contrast: (tissue: number) => number,
  toHead: Mat4 = identity,
): Volume<Float32Array> {
  const [nx, ny] = grid.size;
  const data = new Float32Array(voxelCount(grid.size));
  for (let voxel = 0; voxel < data.length; voxel++) {
    const index = [voxel % nx, Math.floor(voxel / nx) % ny, Math.floor(voxel / (nx * ny))] as const;
    data[voxel] = contrast(head(applyToPoint(toHead, applyToPoint(grid.affine, index))));
  }
  return { ...grid, data };
}

/** A grid centred on the origin, axial slices. */
export function axialGrid(inPlaneMm: number, sliceMm: number): { size: Size; affine: Mat4 } {
  const size = [200 / inPlaneMm, 220 / inPlaneMm, 160 / sliceMm].map(Math.round);
  const first = [inPlaneMm, inPlaneMm, sliceMm].map((mm, axis) => (-mm * (size[axis] - 1)) / 2);
  return {
    size: size as unknown as Size,
    affine: [
      ...[inPlaneMm, 0, 0, first[0]],
      ...[0, inPlaneMm, 0, first[1]],
      ...[0, 0, sliceMm, first[2]],
      ...[0, 0, 0, 1],
    ] as unknown as Mat4,
  };
}

/** Largest distance in mm between where two maps take points 70 mm from the origin. */
export function worstErrorMm(a: Mat4, b: Mat4): number {
  const points: Vec3[] = [-70, 70].flatMap((r): Vec3[] => [
    [r, 0, 0],
    [0, r, 0],
    [0, 0, r],
  ]);
  return Math.max(
    ...points.map((point) => {
      const [p, q] = [applyToPoint(a, point), applyToPoint(b, point)];
      return Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
    }),
  );
}
