import { resizeImage } from '../segment/nnunet/resize.js';
import { mapAxes } from '../volume/affine.js';
import { type Axes3, voxelsIn } from '../volume/arrays.js';
import { seededRandom } from '../volume/random.js';

/**
 * The intensity augmentations of nnU-Net v2 (batchgeneratorsv2), each for one channel of a patch,
 * in place. Nothing random happens here save for the noise, which has its seed.
 */

/** Normal noise. nnU-Net calls the standard deviation a variance. */
export function addNoiseInPlace(image: Float32Array, sigma: number, seed: number): void {
  const random = seededRandom(seed);
  for (let at = 0; at < image.length; at++) image[at] += sigma * random.normal();
}

export function brightenInPlace(image: Float32Array, factor: number): void {
  for (let at = 0; at < image.length; at++) image[at] *= factor;
}

/** Distances from the mean are multiplied; the range stays as it was. */
export function changeContrastInPlace(image: Float32Array, factor: number): void {
  const { mean, low, high } = statisticsOf(image);
  for (let at = 0; at < image.length; at++) {
    image[at] = Math.min(high, Math.max(low, (image[at] - mean) * factor + mean));
  }
}

/** Added to ranges and standard deviations of 0 before dividing. */
const smallest = 1e-7;

/**
 * A power of the intensities as parts of their range; mean and standard deviation stay as they were.
 * `inverted` takes the negative image, so that bright and dark change places.
 */
export function changeGammaInPlace(image: Float32Array, gamma: number, inverted: boolean): void {
  if (inverted) brightenInPlace(image, -1);
  const { mean, deviation, low, high } = statisticsOf(image);
  const range = Math.max(high - low, smallest);
  for (let at = 0; at < image.length; at++) {
    image[at] = ((image[at] - low) / range) ** gamma * (high - low) + low;
  }
  const changed = statisticsOf(image);
  const scale = deviation / Math.max(changed.deviation, smallest);
  for (let at = 0; at < image.length; at++) image[at] = (image[at] - changed.mean) * scale + mean;
  if (inverted) brightenInPlace(image, -1);
}

/** Standard deviation with n - 1, as torch's. */
function statisticsOf(image: Float32Array) {
  let [sum, low, high] = [0, Infinity, -Infinity];
  for (let at = 0; at < image.length; at++) {
    const value = image[at];
    sum += value;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const mean = sum / image.length;
  let squares = 0;
  for (let at = 0; at < image.length; at++) squares += (image[at] - mean) ** 2;
  return { mean, low, high, deviation: Math.sqrt(squares / Math.max(1, image.length - 1)) };
}

/** As if scanned at a lower resolution: reduced by the nearest voxel, enlarged linearly. */
export function lowerResolutionInPlace(image: Float32Array, shape: Axes3, scale: Axes3): void {
  const low = mapAxes(shape, (n, axis) => Math.max(1, Math.round(n * scale[axis])));
  const reduced = resizeImage(image, shape, low, { order: 0, orderAcross: 0 });
  image.set(resizeImage(reduced, low, shape, { order: 1, orderAcross: 1 }));
}

/** Convolution with a Gaussian along each axis, borders mirrored at the outermost voxel's centre. */
export function blurInPlace(image: Float32Array, shape: Axes3, sigmaVoxels: Axes3): void {
  for (let axis = 0; axis < 3; axis++) {
    const n = shape[axis];
    const kernel = gaussianKernel(sigmaVoxels[axis]);
    const radius = (kernel.length - 1) / 2;
    if (radius === 0 || n === 1) continue;
    const inner = voxelsIn([1, axis < 1 ? shape[1] : 1, axis < 2 ? shape[2] : 1]);
    const mirrored = Int32Array.from({ length: n + 2 * radius }, (_, p) => {
      const period = 2 * (n - 1);
      const within = Math.abs(p - radius) % period;
      return within < n ? within : period - within;
    });
    const source = image.slice();
    for (let block = 0; block < image.length; block += n * inner) {
      for (let p = 0; p < n; p++) {
        const to = block + p * inner;
        image.fill(0, to, to + inner);
        for (let tap = 0; tap < kernel.length; tap++) {
          const from = block + mirrored[p + tap] * inner;
          const weight = kernel[tap];
          for (let i = 0; i < inner; i++) image[to + i] += weight * source[from + i];
        }
      }
    }
  }
}

/** Normalised; the odd number of taps is 6 sigma + 0.5, rounded (batchgeneratorsv2's rule). */
function gaussianKernel(sigma: number): Float64Array {
  const wanted = 6 * sigma + 0.5;
  const rounded = Math.round(wanted);
  const taps = rounded % 2 === 1 ? rounded : wanted >= rounded ? rounded + 1 : rounded - 1;
  const middle = (taps - 1) / 2;
  const kernel = Float64Array.from({ length: taps }, (_, i) =>
    Math.exp(-0.5 * ((i - middle) / sigma) ** 2),
  );
  const sum = kernel.reduce((total, value) => total + value, 0);
  return kernel.map((value) => value / sum);
}
