import { type Vec3, voxelSizeMm } from './affine.js';
import { onGrid, type Size, strides, type Volume } from './volume.js';

/** The kernel ends where the Gaussian has fallen to e^-8, as in SciPy. */
const radiusInSigmas = 4;

/**
 * Convolution with a Gaussian of standard deviation `sigmaMm`: one number for all directions, or
 * one for each voxel axis; 0 leaves an axis as it is. The kernel is sampled at the voxel centres,
 * cut off at 4 sigma and normalised; below about half a voxel it is no Gaussian any more. The image
 * is mirrored at its borders (the outermost voxel twice), which conserves its mean. Single precision.
 * @throws RangeError when a sigma is negative or not finite.
 */
export function gaussianSmooth(volume: Volume, sigmaMm: number | Vec3): Volume<Float32Array> {
  const sigmas = typeof sigmaMm === 'number' ? [sigmaMm, sigmaMm, sigmaMm] : sigmaMm;
  const spacingMm = voxelSizeMm(volume.affine);
  const result = Float32Array.from(volume.data);
  for (let axis = 0; axis < 3; axis++) {
    const kernel = halfKernel(sigmas[axis] / spacingMm[axis]);
    if (kernel.length > 1) convolveAxisInPlace(result, volume.size, axis, kernel);
  }
  return onGrid(volume, result);
}

/** The middle and the right half of a normalised Gaussian kernel. */
function halfKernel(sigmaVoxels: number): Float64Array {
  if (!(sigmaVoxels >= 0 && sigmaVoxels < Infinity)) {
    throw new RangeError(`sigma of ${sigmaVoxels} voxels: expected a finite number, 0 or more`);
  }
  const radius = Math.floor(radiusInSigmas * sigmaVoxels + 0.5);
  const kernel = new Float64Array(radius + 1);
  let sum = 0;
  for (let t = 0; t <= radius; t++) {
    kernel[t] = t === 0 ? 1 : Math.exp(-0.5 * (t / sigmaVoxels) ** 2);
    sum += t === 0 ? 1 : 2 * kernel[t];
  }
  return kernel.map((value) => value / sum);
}

/** Lines filtered at once, so that a cache line fetched for one serves its neighbours too; fours of them share the kernel. */
const linesAtOnce = 16;

/** Convolves every line along an axis with a symmetric kernel, given as its middle and right half. */
function convolveAxisInPlace(
  data: Float32Array,
  size: Size,
  axis: number,
  kernel: Float64Array,
): void {
  const n = size[axis];
  const stride = strides(size)[axis];
  const radius = kernel.length - 1;
  const mirrored = Int32Array.from({ length: n + 2 * radius }, (_, p) => mirror(p - radius, n));
  const lines = new Float64Array(mirrored.length * linesAtOnce);
  const starts = new Int32Array(linesAtOnce);
  const count = data.length / n;
  for (let first = 0; first < count; first += linesAtOnce) {
    for (let line = 0; line < linesAtOnce; line++) {
      // What is missing of the last lines is the very last one again.
      const own = Math.min(first + line, count - 1);
      starts[line] = Math.floor(own / stride) * stride * n + (own % stride);
    }
    for (let p = 0; p < mirrored.length; p++) {
      const step = mirrored[p] * stride;
      for (let line = 0; line < linesAtOnce; line++) {
        lines[p * linesAtOnce + line] = data[starts[line] + step];
      }
    }
    for (let p = 0; p < n; p++) {
      for (let line = 0; line < linesAtOnce; line += 4) {
        const middle = (p + radius) * linesAtOnce + line;
        let a = kernel[0] * lines[middle];
        let b = kernel[0] * lines[middle + 1];
        let c = kernel[0] * lines[middle + 2];
        let d = kernel[0] * lines[middle + 3];
        for (let t = 1; t <= radius; t++) {
          const left = middle - t * linesAtOnce;
          const right = middle + t * linesAtOnce;
          a += kernel[t] * (lines[left] + lines[right]);
          b += kernel[t] * (lines[left + 1] + lines[right + 1]);
          c += kernel[t] * (lines[left + 2] + lines[right + 2]);
          d += kernel[t] * (lines[left + 3] + lines[right + 3]);
        }
        data[starts[line] + p * stride] = a;
        data[starts[line + 1] + p * stride] = b;
        data[starts[line + 2] + p * stride] = c;
        data[starts[line + 3] + p * stride] = d;
      }
    }
  }
}

/** Index of a line mirrored at its ends, the outermost voxel twice: ...1 0 | 0 1 2... */
function mirror(index: number, n: number): number {
  const within = ((index % (2 * n)) + 2 * n) % (2 * n);
  return within < n ? within : 2 * n - 1 - within;
}
