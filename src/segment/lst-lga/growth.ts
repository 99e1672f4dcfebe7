import { voxelSizeMm } from '../../volume/affine.js';
import {
  type Grid,
  type Mask,
  onesWhere,
  onGrid,
  type Size,
  strides,
  type Volume,
} from '../../volume/volume.js';
import { type Beliefs, tissueOf } from './beliefs.js';
import { normalDensity, type TissueIntensity } from './tissue-mixture.js';

/** Growth ends when no voxel on the border takes more than this, or after so many rounds. */
const negligible = 0.01;
const rounds = 50;
/** Strength of the Markov random field, LST's phi. */
const fieldStrength = 1;

/**
 * Where growth starts: voxels whose grey matter belief, times the mean belief of their six
 * neighbours, exceeds `kappa`, with at least two neighbours of which the same is true.
 */
export function findSeeds(belief: Volume<Float32Array>, kappa: number): Uint8Array {
  const { data, size } = belief;
  const mean = meanOfNeighbours(belief);
  const candidates = onesWhere(data, (value, voxel) => value * mean[voxel] > kappa);
  const seeds = new Uint8Array(data.length);
  forEachInner(size, (voxel, steps) => {
    if (candidates[voxel] === 0) return;
    let neighbours = 0;
    for (const step of steps) neighbours += candidates[voxel + step];
    if (neighbours >= 2) seeds[voxel] = 1;
  });
  return seeds;
}

/**
 * Lets the seeds grow along the total belief map (Schmidt et al. 2012). In each round the FLAIR of
 * the lesions so far is described by a gamma distribution, that of all other voxels by a mixture of
 * three normal ones; a voxel beside a lesion gets, capped at 1, its mean belief times the ratio of
 * the two densities times exp(phi (2 n - 6)), where n is the weighted sum of its six neighbours'
 * lesion probabilities, and only if n > 1; it never loses what it has. All voxels of a round are
 * judged by the round before, so that the order of the voxels does not matter.
 * @returns the probability of lesion; that of seeds is 1.
 */
export function growLesions(
  { flair, content, total }: Beliefs,
  seeds: Uint8Array,
): Volume<Float32Array> {
  const lesion = Float32Array.from(seeds);
  if (!seeds.includes(1)) return onGrid(flair, lesion);
  const voxels = indicesWhere(content.data, (label, voxel) => label > 0 && flair.data[voxel] > 0);
  const meanBelief = meanOfNeighbours(total);
  const active = voxels.filter((voxel) => lesion[voxel] === 0 && meanBelief[voxel] > 0);
  const grown = new Float32Array(active.length);
  const steps = neighbourSteps(flair.size);
  const weights = neighbourWeights(flair);
  for (let round = 0; round < rounds; round++) {
    const lesionDensity = fitGamma(flair.data, lesion, voxels);
    const others = fitOthers(flair.data, content.data, lesion, voxels);
    let largest = 0;
    for (let at = 0; at < active.length; at++) {
      const voxel = active[at];
      grown[at] = lesion[voxel];
      if (lesion[voxel] === 1) continue;
      let neighbours = 0;
      for (let n = 0; n < steps.length; n++) neighbours += weights[n] * lesion[voxel + steps[n]];
      if (neighbours <= 1) continue;
      const intensity = flair.data[voxel];
      let otherDensity = 0;
      for (const tissue of others) otherDensity += tissue.weight * normalDensity(tissue, intensity);
      const ratio = lesionDensity(intensity) / Math.max(otherDensity, Number.MIN_VALUE);
      const field = Math.exp(fieldStrength * (2 * neighbours - 6));
      grown[at] = Math.max(lesion[voxel], Math.min(1, meanBelief[voxel] * ratio * field));
      largest = Math.max(largest, grown[at] - lesion[voxel]);
    }
    for (let at = 0; at < active.length; at++) lesion[active[at]] = grown[at];
    if (largest <= negligible) break;
  }
  return onGrid(flair, lesion);
}

function indicesWhere(
  data: Float32Array,
  belongs: (value: number, voxel: number) => boolean,
): Int32Array {
  let count = 0;
  for (let voxel = 0; voxel < data.length; voxel++) if (belongs(data[voxel], voxel)) count++;
  const indices = new Int32Array(count);
  count = 0;
  for (let voxel = 0; voxel < data.length; voxel++) {
    if (belongs(data[voxel], voxel)) indices[count++] = voxel;
  }
  return indices;
}

/** Fills what lesions enclose and drops voxels alone, as LST does at the end. */
export function tidyLesions({ data, ...grid }: Volume<Float32Array>, brain: Mask) {
  const tidy = data.slice();
  const [dx, dy, dz] = strides(grid.size);
  forEachInner(grid.size, (voxel) => {
    if (brain.data[voxel] === 0 || data[voxel] >= 1) return;
    let lesions = 0;
    for (let z = -dz; z <= dz; z += dz) {
      for (let y = -dy; y <= dy; y += dy) {
        for (let x = -dx; x <= dx; x += dx) {
          if (data[voxel + x + y + z] > negligible) lesions++;
        }
      }
    }
    if (data[voxel] > negligible) lesions--;
    if (lesions > 18) tidy[voxel] = 1;
  });
  const result = tidy.slice();
  forEachInner(grid.size, (voxel, steps) => {
    if (tidy[voxel] === 0) return;
    if (!steps.some((step) => tidy[voxel + step] > negligible)) result[voxel] = 0;
  });
  return { data: result, ...grid };
}

/** Steps in memory to the six neighbours. */
function neighbourSteps(size: Size): readonly number[] {
  return strides(size).flatMap((stride) => [-stride, stride]);
}

/**
 * How much each of the six neighbours counts: all the same where voxels are cubes, as in the
 * original; less the farther away it is where slices are thick. They sum to 6.
 */
function neighbourWeights({ affine }: Grid): readonly number[] {
  const nearness = voxelSizeMm(affine).map((mm) => 1 / mm);
  const mean = (nearness[0] + nearness[1] + nearness[2]) / 3;
  return nearness.flatMap((value) => [value / mean, value / mean]);
}

function forEachInner(size: Size, visit: (voxel: number, steps: readonly number[]) => void): void {
  const [nx, ny, nz] = size;
  const steps = neighbourSteps(size);
  for (let k = 1; k < nz - 1; k++) {
    for (let j = 1; j < ny - 1; j++) {
      const row = nx * (j + ny * k);
      for (let i = 1; i < nx - 1; i++) visit(row + i, steps);
    }
  }
}

/** Weighted mean over the six neighbours where the value itself is above 0; 0 elsewhere. */
function meanOfNeighbours(volume: Volume<Float32Array>): Float32Array {
  const { data, size } = volume;
  const weights = neighbourWeights(volume);
  const mean = new Float32Array(data.length);
  forEachInner(size, (voxel, steps) => {
    if (data[voxel] === 0) return;
    let sum = 0;
    for (let at = 0; at < steps.length; at++) sum += weights[at] * data[voxel + steps[at]];
    mean[voxel] = sum / 6;
  });
  return mean;
}

/**
 * Density of the gamma distribution of the lesions' FLAIR. Its shape is Minka's (2002) closed
 * approximation of the maximum likelihood estimate, which is within 1.5 % of it.
 */
function fitGamma(
  flair: Float32Array,
  lesion: Float32Array,
  voxels: Int32Array,
): (intensity: number) => number {
  let count = 0;
  let sum = 0;
  let sumOfLogs = 0;
  for (const voxel of voxels) {
    if (lesion[voxel] <= 0.5) continue;
    count++;
    sum += flair[voxel];
    sumOfLogs += Math.log(flair[voxel]);
  }
  const mean = sum / count;
  // Lesions of one single intensity have no width: the shape ends where single precision does.
  const s = Math.max(Math.log(mean) - sumOfLogs / count, 1e-6);
  const shape = (3 - s + Math.sqrt((s - 3) ** 2 + 24 * s)) / (12 * s);
  const rate = shape / mean;
  const logNorm = shape * Math.log(rate) - logGamma(shape);
  return (intensity) => Math.exp(logNorm + (shape - 1) * Math.log(intensity) - rate * intensity);
}

/** Logarithm of the gamma function for arguments above 0: Stirling's series beyond 8. */
function logGamma(x: number): number {
  let shift = 0;
  while (x < 8) shift += Math.log(x++);
  const inverse = 1 / (x * x);
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / x;
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series - shift;
}

/** Share, mean and deviation of the FLAIR of what is no lesion, by tissue. */
function fitOthers(
  flair: Float32Array,
  content: Float32Array,
  lesion: Float32Array,
  voxels: Int32Array,
): TissueIntensity[] {
  const count = [0, 0, 0, 0];
  const sum = [0, 0, 0, 0];
  const sumOfSquares = [0, 0, 0, 0];
  for (const voxel of voxels) {
    const value = flair[voxel];
    if (lesion[voxel] >= 0.5) continue;
    const tissue = tissueOf(content[voxel]);
    count[tissue]++;
    sum[tissue] += value;
    sumOfSquares[tissue] += value * value;
  }
  const all = count[1] + count[2] + count[3];
  return [1, 2, 3]
    .filter((tissue) => count[tissue] > 1)
    .map((tissue) => {
      const mean = sum[tissue] / count[tissue];
      const variance = sumOfSquares[tissue] / count[tissue] - mean * mean;
      return {
        weight: count[tissue] / all,
        mean,
        standardDeviation: Math.sqrt(Math.max(variance, 1e-12)),
      };
    });
}
