import { invert } from './affine.js';
import { onGrid, type Size, strides, type Volume, type VoxelData } from './volume.js';

/** The derivatives of an image along x (right), y (anterior) and z (superior), per mm. */
export interface Gradient {
  readonly x: Volume<Float32Array>;
  readonly y: Volume<Float32Array>;
  readonly z: Volume<Float32Array>;
}

/**
 * Central differences between the neighbours of each voxel, one-sided at the borders; an axis of
 * one voxel has derivative 0. The differences are taken along the voxel axes and turned into RAS
 * by the affine, oblique or sheared as it may be. Single precision.
 * @throws RangeError when the affine is singular.
 */
export function gradient(volume: Volume): Gradient {
  const { data, size } = volume;
  // f(index(x)): by the chain rule, df/dx is the sum over the axes of df/dindex * dindex/dx.
  const toIndex = invert(volume.affine);
  const components = [0, 1, 2].map(() => new Float32Array(data.length));
  const slopes = new Float32Array(data.length);
  for (let axis = 0; axis < 3; axis++) {
    slopesAlongInto(slopes, data, size, axis);
    for (let world = 0; world < 3; world++) {
      const factor = toIndex[4 * axis + world];
      if (factor === 0) continue;
      const component = components[world];
      for (let at = 0; at < slopes.length; at++) component[at] += factor * slopes[at];
    }
  }
  const [x, y, z] = components.map((component) => onGrid(volume, component));
  return { x, y, z };
}

/** Length of the {@link gradient}, per mm. */
export function gradientMagnitude(volume: Volume): Volume<Float32Array> {
  const { x, y, z } = gradient(volume);
  const lengths = new Float32Array(x.data.length);
  for (let at = 0; at < lengths.length; at++) {
    lengths[at] = Math.sqrt(x.data[at] ** 2 + y.data[at] ** 2 + z.data[at] ** 2);
  }
  return onGrid(volume, lengths);
}

/** Differences per voxel along one axis. */
function slopesAlongInto(slopes: Float32Array, data: VoxelData, size: Size, axis: number): void {
  const n = size[axis];
  const stride = strides(size)[axis];
  for (let block = 0; block < data.length; block += n * stride) {
    for (let p = 0; p < n; p++) {
      const back = p > 0 ? stride : 0;
      const ahead = p < n - 1 ? stride : 0;
      const perVoxel = 1 / Math.max(1, (back + ahead) / stride);
      const end = block + (p + 1) * stride;
      for (let at = block + p * stride; at < end; at++) {
        slopes[at] = (data[at + ahead] - data[at - back]) * perVoxel;
      }
    }
  }
}
