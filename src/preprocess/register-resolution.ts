import { type Mat4, mapAxes, multiply, type Vec3, voxelSizeMm } from '../volume/affine.js';
import { gaussianSmooth } from '../volume/gaussian.js';
import { type Volume, voxelCount } from '../volume/volume.js';

/**
 * The image as seen at a resolution of `resolutionMm` in all directions: voxels are averaged in
 * whole blocks up to about that size, then smoothed until the whole blur has a standard deviation
 * of half of it. Axes whose voxels are thicker already stay as they are, so that the thick slices
 * of 2D exams are not blurred a second time.
 */
export function atResolution(volume: Volume, resolutionMm: number): Volume<Float32Array> {
  const factors = voxelSizeMm(volume.affine).map((mm, axis) =>
    Math.min(Math.max(1, Math.floor(resolutionMm / mm + 0.25)), volume.size[axis]),
  ) as unknown as Vec3;
  const shrunk = blockMeans(volume, factors);
  // A box of extent e has the variance e^2 / 12.
  const sigmaMm = voxelSizeMm(shrunk.affine).map((extentMm) =>
    Math.sqrt(Math.max(0, (resolutionMm / 2) ** 2 - extentMm ** 2 / 12)),
  ) as unknown as Vec3;
  return gaussianSmooth(shrunk, sigmaMm);
}

/** Means of blocks of voxels; what does not fill a block at the upper ends is left out. */
function blockMeans(volume: Volume, factors: Vec3): Volume<Float32Array> {
  const [fx, fy, fz] = factors;
  const [nx, ny] = volume.size;
  const size = mapAxes(volume.size, (n, axis) => Math.floor(n / factors[axis]));
  const data = new Float32Array(voxelCount(size));
  const perBlock = 1 / (fx * fy * fz);
  let target = 0;
  for (let k = 0; k < size[2]; k++) {
    for (let j = 0; j < size[1]; j++) {
      for (let i = 0; i < size[0]; i++) {
        let sum = 0;
        for (let z = k * fz; z < (k + 1) * fz; z++) {
          for (let y = j * fy; y < (j + 1) * fy; y++) {
            const row = nx * (y + ny * z) + i * fx;
            for (let x = row; x < row + fx; x++) sum += volume.data[x];
          }
        }
        data[target++] = sum * perBlock;
      }
    }
  }
  const blockToVoxel: Mat4 = [
    ...[fx, 0, 0, (fx - 1) / 2],
    ...[0, fy, 0, (fy - 1) / 2],
    ...[0, 0, fz, (fz - 1) / 2],
    ...[0, 0, 0, 1],
  ] as unknown as Mat4;
  return { data, size, affine: multiply(volume.affine, blockToVoxel) };
}
