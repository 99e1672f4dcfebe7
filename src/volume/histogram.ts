import { countNonZero, type VoxelData } from './volume.js';

/**
 * The value below which `p` percent of the values lie, with linear interpolation between the two
 * nearest in rank (R-7, as in NumPy). With a `mask`, of the values where it is not 0.
 * @param p from 0 (the smallest value) to 100 (the largest)
 * @throws RangeError when p is out of range, the mask has another length, no value is selected, or
 * one of them is NaN.
 */
export function percentile(data: VoxelData, p: number, mask?: VoxelData): number {
  if (!(p >= 0 && p <= 100)) throw new RangeError(`percentile ${p}: expected 0 to 100`);
  const values = select(data, mask);
  if (values.length === 0) throw new RangeError('the percentile of no values is not defined');
  const rank = (p / 100) * (values.length - 1);
  const below = Math.floor(rank);
  partitionInPlace(values, below);
  const lower = values[below];
  if (rank === below) return lower;
  let upper = Infinity;
  for (let at = below + 1; at < values.length; at++) if (values[at] < upper) upper = values[at];
  return lower + (rank - below) * (upper - lower);
}

export interface Spread {
  readonly middle: number;
  readonly deviation: number;
}

/**
 * Median of the values where `where` is not 0, and 1.4826 times their median absolute deviation from it,
 * which is the standard deviation of normal ones.
 * @throws RangeError as {@link percentile}.
 */
export function spreadOf(values: Float32Array, where: Uint8Array): Spread {
  const middle = percentile(values, 50, where);
  const away = values.map((value) => Math.abs(value - middle));
  return { middle, deviation: 1.4826 * percentile(away, 50, where) };
}

function select(data: VoxelData, mask?: VoxelData): Float64Array {
  if (mask && mask.length !== data.length) {
    throw new RangeError(`a mask of ${mask.length} voxels for ${data.length} values`);
  }
  const values = new Float64Array(mask ? countNonZero(mask) : data.length);
  let count = 0;
  for (let at = 0; at < data.length; at++) {
    if (mask && mask[at] === 0) continue;
    if (Number.isNaN(data[at])) throw new RangeError(`the value at ${at} is not a number`);
    values[count++] = data[at];
  }
  return values;
}

/**
 * Puts the value of this rank (from 0) at its index, smaller ones before and larger ones after it:
 * Hoare's quickselect with the median of three. Equal values are split evenly, so that the constant
 * background of an image does not make it quadratic.
 */
function partitionInPlace(values: Float64Array, rank: number): void {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const a = values[low];
    const b = values[(low + high) >> 1];
    const c = values[high];
    const pivot = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
    let left = low;
    let right = high;
    while (left <= right) {
      while (values[left] < pivot) left++;
      while (values[right] > pivot) right--;
      if (left > right) break;
      const swapped = values[left];
      values[left++] = values[right];
      values[right--] = swapped;
    }
    if (rank <= right) high = right;
    else if (rank >= left) low = left;
    else return;
  }
}

export interface Histogram {
  /** Number of values by bin. */
  readonly counts: Uint32Array;
  /** Lower bound of the first bin. */
  readonly low: number;
  /** Width of a bin, in units of the values. */
  readonly binWidth: number;
}

/**
 * Counts of the values in `bins` equal bins from `low` to `high`. A bin holds its lower bound, the
 * last one its upper bound too; values beyond them, and NaN, are not counted. With a `mask`, of the
 * values where it is not 0.
 * @throws RangeError when there is no bin, the range is empty or the mask has another length.
 */
export function histogram(
  data: VoxelData,
  { bins, low, high }: { readonly bins: number; readonly low: number; readonly high: number },
  mask?: VoxelData,
): Histogram {
  if (!(Number.isInteger(bins) && bins > 0)) throw new RangeError(`${bins} bins`);
  if (!(high > low)) throw new RangeError(`a histogram from ${low} to ${high}`);
  if (mask && mask.length !== data.length) {
    throw new RangeError(`a mask of ${mask.length} voxels for ${data.length} values`);
  }
  const counts = new Uint32Array(bins);
  const binsPerUnit = bins / (high - low);
  for (let at = 0; at < data.length; at++) {
    if (mask && mask[at] === 0) continue;
    const value = data[at];
    if (value >= low && value < high) {
      counts[Math.min(bins - 1, Math.floor((value - low) * binsPerUnit))]++;
    } else if (value === high) {
      counts[bins - 1]++;
    }
  }
  return { counts, low, binWidth: 1 / binsPerUnit };
}
