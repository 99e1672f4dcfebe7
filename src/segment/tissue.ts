import { DawsonError } from '../errors.js';
import { voxelSizeMm } from '../volume/affine.js';
import { correctBiasField } from '../volume/bias-field.js';
import { type LabelMap, type Mask, onGrid, strides, type Volume } from '../volume/volume.js';
import { classDensity, fitTissueMixture, type TissueMixture } from './tissue-mixture.js';

export const csf = 1;
export const gm = 2;
export const wm = 3;
export const tissueNames: ReadonlyMap<number, string> = new Map([
  [csf, 'cerebrospinal fluid'],
  [gm, 'grey matter'],
  [wm, 'white matter'],
]);

/** The tissues from dark to bright in each kind of image. */
const darkToBright = {
  T1: [csf, gm, wm],
  T2: [wm, gm, csf],
  FLAIR: [csf, wm, gm],
} as const;
export type TissueContrast = keyof typeof darkToBright;

export interface Tissues {
  /** The tissue that fills most of a voxel; 0 outside the brain. */
  readonly labels: LabelMap<Uint8Array>;
  /**
   * Continuous label from 1 to 3: 1 CSF, 2 grey matter, 3 white matter, and between them the
   * fraction of a voxel that holds two, as the partial volume estimate of VBM8; 0 outside.
   */
  readonly content: Volume<Float32Array>;
  /** False in a FLAIR, where "grey" and "white" only mean the brighter and the darker half. */
  readonly separatesGreyFromWhite: boolean;
}

/**
 * Strength of the belief that neighbours hold the same tissue. A neighbour at the mean distance of
 * the six is worth this much in log probability for each class that it is away.
 */
const smoothness = 0.3;
const sweeps = 10;

/**
 * Tells cerebrospinal fluid, grey and white matter apart in one image, without an atlas: bias-field
 * correction; a mixture of three tissues, their partial volumes and outliers fitted to the
 * intensities; labels by iterated conditional modes under a Markov random field over the six
 * neighbours, weighted by their distance; and the fractions in mixed voxels from their intensity.
 *
 * Lesions are outliers to the mixture; in T1 and T2 their voxels become the tissue that they look
 * like, in a FLAIR grey matter, the brightest.
 * @param image the scanner's intensities; only those inside the brain are used
 * @throws DawsonError `segmentation-failed` when the tissues cannot be told apart.
 */
export function segmentTissues(image: Volume, brain: Mask, contrast: TissueContrast): Tissues {
  const { corrected } = correctBiasField(image, brain);
  const signal = brainWithSignal(corrected, brain);
  const mixture =
    contrast === 'FLAIR'
      ? splitParenchyma(fitTissueMixture(corrected.data, signal, 2))
      : fitTissueMixture(corrected.data, signal, 3);
  if (mixture === null) {
    throw new DawsonError('segmentation-failed', {
      expected: `${contrast === 'FLAIR' ? 'CSF and brain tissue' : 'three tissues'} of different intensity in the ${contrast}`,
      found: 'no such groups among the intensities of the brain',
    });
  }
  const classes = mostProbableClasses(corrected, brain, mixture);
  return fromClasses(corrected, classes, mixture, contrast);
}

/** The brain's voxels above 0: brain-extracted images have holes, and undershoot at their rim. */
function brainWithSignal({ data }: Volume, brain: Mask): Uint8Array {
  return brain.data.map((inside, voxel) => (inside !== 0 && data[voxel] > 0 ? 1 : 0));
}

/**
 * The two halves of the brain tissue in a FLAIR: lesions aside, grey matter is a little brighter than
 * white matter, by less than their spread, so that three tissues cannot be fitted. Half of its voxels
 * each, they share a deviation, and together they have the deviation that was fitted.
 */
function splitParenchyma(mixture: TissueMixture | null): TissueMixture | null {
  if (mixture === null) return null;
  const [fluid, { weight, mean, standardDeviation }] = mixture.tissues;
  const half = (sign: number) => ({
    weight: weight / 2,
    mean: mean + sign * 0.6 * standardDeviation,
    standardDeviation: 0.8 * standardDeviation,
  });
  return {
    ...mixture,
    tissues: [fluid, half(-1), half(1)],
    mixedWeights: [mixture.mixedWeights[0], 0],
  };
}

/** Class 0 to 4 of each brain voxel, plus 1; 0 outside. */
function mostProbableClasses(image: Volume, brain: Mask, mixture: TissueMixture): Uint8Array {
  const voxels = brainVoxels(brain);
  const { tissues } = mixture;
  const [dark, , bright] = tissues;
  const classCount = 2 * tissues.length - 1;
  const bins = 1024;
  const binsPerUnit = (bins - 1) / (bright.mean - dark.mean);
  const logProbability = new Float64Array(bins * classCount);
  for (let bin = 0; bin < bins; bin++) {
    for (let k = 0; k < classCount; k++) {
      const density = classDensity(mixture, k, dark.mean + bin / binsPerUnit);
      logProbability[bin * classCount + k] = Math.log(Math.max(density, 1e-300));
    }
  }
  // Beyond the means of the dark and the bright tissue an intensity says no more than at them.
  const binOf = (voxel: number) =>
    Math.round(
      (Math.min(Math.max(image.data[voxel], dark.mean), bright.mean) - dark.mean) * binsPerUnit,
    );

  const classes = new Uint8Array(brain.data.length);
  for (const voxel of voxels) {
    const row = binOf(voxel) * classCount;
    let best = 0;
    for (let k = 1; k < classCount; k++) {
      if (logProbability[row + k] > logProbability[row + best]) best = k;
    }
    classes[voxel] = best + 1;
  }

  const spacingMm = voxelSizeMm(image.affine);
  const meanSpacingMm = (spacingMm[0] + spacingMm[1] + spacingMm[2]) / 3;
  const neighbourWeights = spacingMm.map((mm) => (smoothness * meanSpacingMm) / mm);
  const steps = strides(image.size);
  for (let sweep = 0; sweep < sweeps; sweep++) {
    const before = classes.slice();
    let changed = 0;
    for (const voxel of voxels) {
      const row = binOf(voxel) * classCount;
      let best = -1;
      let bestValue = -Infinity;
      for (let k = 0; k < classCount; k++) {
        let value = logProbability[row + k];
        for (let axis = 0; axis < 3; axis++) {
          const lower = before[voxel - steps[axis]];
          const upper = before[voxel + steps[axis]];
          let apart = 0;
          if (lower !== 0) apart += Math.abs(lower - 1 - k);
          if (upper !== 0) apart += Math.abs(upper - 1 - k);
          value -= neighbourWeights[axis] * apart;
        }
        if (value > bestValue) {
          bestValue = value;
          best = k;
        }
      }
      classes[voxel] = best + 1;
      if (classes[voxel] !== before[voxel]) changed++;
    }
    if (changed < 1e-4 * voxels.length) break;
  }
  return classes;
}

/** Indices of the mask's voxels. Those on the grid's border are left out: they lack neighbours. */
function brainVoxels({ data, size: [nx, ny, nz] }: Mask): Int32Array {
  const voxels: number[] = [];
  for (let k = 1; k < nz - 1; k++) {
    for (let j = 1; j < ny - 1; j++) {
      for (let i = 1, at = nx * (j + ny * k) + 1; i < nx - 1; i++, at++) {
        if (data[at] !== 0) voxels.push(at);
      }
    }
  }
  return Int32Array.from(voxels);
}

function fromClasses(
  image: Volume,
  classes: Uint8Array,
  { tissues }: TissueMixture,
  contrast: TissueContrast,
): Tissues {
  const order = darkToBright[contrast];
  const labels = new Uint8Array(classes.length);
  const content = new Float32Array(classes.length);
  for (let voxel = 0; voxel < classes.length; voxel++) {
    if (classes[voxel] === 0) continue;
    const rank = (classes[voxel] - 1) / 2;
    const below = Math.floor(rank);
    if (below === rank) {
      labels[voxel] = order[rank];
      content[voxel] = order[rank];
      continue;
    }
    const [darker, brighter] = [tissues[below].mean, tissues[below + 1].mean];
    const fraction = Math.min(Math.max((image.data[voxel] - darker) / (brighter - darker), 0), 1);
    labels[voxel] = order[fraction < 0.5 ? below : below + 1];
    // CSF and white matter, mixed in a FLAIR, do not make grey matter.
    const areNeighbours = Math.abs(order[below] - order[below + 1]) === 1;
    content[voxel] = areNeighbours
      ? order[below] + fraction * (order[below + 1] - order[below])
      : labels[voxel];
  }
  return {
    labels: { ...onGrid(image, labels), names: tissueNames },
    content: onGrid(image, content),
    separatesGreyFromWhite: contrast !== 'FLAIR',
  };
}
