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

/** Lines filtered at once, so that a cache line fetched for one serves its neighbours too. */
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
  const lines = new Float64Array(mirrored.length * Math.min(linesAtOnce, stride));
  for (let block = 0; block < data.length; block += n * stride) {
    for (let first = 0; first < stride; first += linesAtOnce) {
      const width = Math.min(linesAtOnce, stride - first);
      for (let p = 0; p < mirrored.length; p++) {
        const from = block + first + mirrored[p] * stride;
        for (let line = 0; line < width; line++) lines[p * width + line] = data[from + line];
      }
      for (let p = 0; p < n; p++) {
        const to = block + first + p * stride;
        for (let line = 0; line < width; line++) {
          const middle = (p + radius) * width + line;
          let sum = kernel[0] * lines[middle];
          for (let t = 1, step = width; t <= radius; t++, step += width) {
            sum += kernel[t] * (lines[middle - step] + lines[middle + step]);
          }
          data[to + line] = sum;
        }
      }
    }
  }
}

/** Index of a line mirrored at its ends, the outermost voxel twice: ...1 0 | 0 1 2... */
function mirror(index: number, n: number): number {
  const within = ((index % (2 * n)) + 2 * n) % (2 * n);
  return within < n ? within : 2 * n - 1 - within;
}
