import { invert, type Mat4, multiply, voxelSizeMm } from '../../volume/affine.js';
import { percentile } from '../../volume/histogram.js';
import { type Mask, onesWhere, type Volume } from '../../volume/volume.js';
import type { TissuePriors } from '../prepared-exam.js';

/** Voxels of a sequence that lie in the brain, as the scanner measured them (not resampled). */
export interface BrainSamples {
  readonly values: Float32Array;
  /** Index of each voxel in the sequence's data. */
  readonly voxels: Int32Array;
  /** Share of heads, 0 to 1, that have this tissue there; fluid is what is left. */
  readonly white: Float32Array;
  readonly grey: Float32Array;
  readonly fluid: Float32Array;
}

/** The brain of an exam and where its tissues are expected, on the grid of the reference. */
export interface BrainMap {
  readonly brain: Mask;
  readonly tissuePriors: TissuePriors;
}

/** Distance of the voxels that are looked at; what is measured needs no more. */
const spacingMm = 2;
/** Share of heads from which a place counts as white, grey or fluid. Sulci leave little pure grey. */
const surely = { white: 0.85, grey: 0.5, fluid: 0.75 } as const;

/**
 * A regular part of a sequence's voxels, about {@link spacingMm} apart, where the brain is.
 * @param referenceToSequence maps points of the brain's grid to points of the sequence, RAS mm
 */
export function brainSamples(
  sequence: Volume,
  { brain, tissuePriors }: BrainMap,
  referenceToSequence: Mat4,
): BrainSamples {
  const { data, size, affine } = sequence;
  const [si, sj, sk] = voxelSizeMm(affine).map((mm) => Math.max(1, Math.round(spacingMm / mm)));
  const toBrain = multiply(invert(brain.affine), multiply(invert(referenceToSequence), affine));
  const [nx, ny, nz] = brain.size;
  const values: number[] = [];
  const voxels: number[] = [];
  const white: number[] = [];
  const grey: number[] = [];
  const row = (r: number, i: number, j: number, k: number) =>
    Math.round(
      toBrain[4 * r] * i + toBrain[4 * r + 1] * j + toBrain[4 * r + 2] * k + toBrain[4 * r + 3],
    );
  for (let k = Math.floor((sk - 1) / 2); k < size[2]; k += sk) {
    for (let j = Math.floor((sj - 1) / 2); j < size[1]; j += sj) {
      for (let i = Math.floor((si - 1) / 2); i < size[0]; i += si) {
        const [x, y, z] = [row(0, i, j, k), row(1, i, j, k), row(2, i, j, k)];
        if (x < 0 || y < 0 || z < 0 || x >= nx || y >= ny || z >= nz) continue;
        const place = x + nx * (y + ny * z);
        if (brain.data[place] === 0) continue;
        const voxel = i + size[0] * (j + size[1] * k);
        values.push(data[voxel]);
        voxels.push(voxel);
        white.push(tissuePriors.wm.data[place]);
        grey.push(tissuePriors.gm.data[place]);
      }
    }
  }
  return {
    values: Float32Array.from(values),
    voxels: Int32Array.from(voxels),
    white: Float32Array.from(white),
    grey: Float32Array.from(grey),
    fluid: Float32Array.from(white, (share, n) => Math.max(0, 1 - share - grey[n])),
  };
}

/** Samples that are surely of one tissue, as a mask over the samples. */
export function surelyOf(samples: BrainSamples, tissue: keyof typeof surely): Uint8Array {
  return onesWhere(samples[tissue], (share) => share > surely[tissue]);
}

/** Samples of white matter that a measure needs at least. */
export const leastSamples = 200;

/** The median intensity of white matter; undefined where the image shows too little of it. */
export function whiteMatterMedian(samples: BrainSamples): number | undefined {
  const mask = surelyOf(samples, 'white');
  const count = mask.reduce((sum, inside) => sum + inside, 0);
  return count < leastSamples ? undefined : percentile(samples.values, 50, mask);
}

/** The range of the brain's intensities, without the 2 % at either end: [low, high]; NaN without any. */
export function intensityRange({ values }: BrainSamples): [number, number] {
  if (values.length === 0) return [Number.NaN, Number.NaN];
  return [percentile(values, 2), percentile(values, 98)];
}
