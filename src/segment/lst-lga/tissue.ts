import { DawsonError } from '../../errors.js';
import type { TissuePriors } from '../../preprocess/prepared-exam.js';
import { voxelSizeMm } from '../../volume/affine.js';
import { correctBiasField } from '../../volume/bias-field.js';
import { type LabelMap, type Mask, onGrid, strides, type Volume } from '../../volume/volume.js';
import {
  areApart,
  classCount,
  classDensity,
  classPrior,
  classWeights,
  fitTissueMixture,
  type RankedPriors,
  type TissueMixture,
} from './tissue-mixture.js';

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
  /** Whether the image tells grey from white matter, or only the atlas does (in a FLAIR). */
  readonly separatesGreyFromWhite: boolean;
}

/**
 * Strength of the belief that neighbours hold the same tissue. A neighbour at the mean distance of
 * the six is worth this much in log probability for each class that it is away.
 */
const smoothness = 0.3;
const sweeps = 10;

/**
 * Tells cerebrospinal fluid, grey and white matter apart in one image, with the tissue priors of an
 * atlas where there are such: bias-field correction; a mixture of three tissues, their partial
 * volumes and outliers fitted to the intensities; labels by iterated conditional modes under a
 * Markov random field over the six neighbours, weighted by their distance; and the fractions in
 * mixed voxels from their intensity.
 *
 * Lesions are outliers to the mixture; in T1 and T2 their voxels become the tissue that they look
 * like, in a FLAIR grey matter, the brightest.
 * @param image the scanner's intensities; only those inside the brain are used
 * @throws DawsonError `segmentation-failed` when CSF does not stand out, or, without an atlas, grey
 *   matter from white.
 */
export function segmentTissues(
  image: Volume,
  brain: Mask,
  contrast: TissueContrast,
  tissuePriors?: TissuePriors,
): Tissues {
  const { corrected } = correctBiasField(image, brain);
  const priors = tissuePriors && ranked(tissuePriors, contrast);
  const mixture = fitTissueMixture(
    corrected.data,
    brainWithSignal(corrected, brain),
    priors,
    contrast !== 'FLAIR',
  );
  if (
    mixture === null ||
    !(
      showsCsf(mixture, contrast) &&
      (priors || contrast === 'FLAIR' || showsGreyAndWhite(mixture, contrast))
    )
  ) {
    throw new DawsonError('segmentation-failed', {
      expected: `three tissues of different intensity in the ${contrast}`,
      found: 'no such groups among the intensities of the brain',
    });
  }
  const classes = mostProbableClasses(corrected, brain, mixture, priors);
  return fromClasses(corrected, classes, mixture, contrast);
}

/** Whether CSF stands out from the tissue next to it in intensity. */
function showsCsf({ tissues: [dark, middle, bright] }: TissueMixture, contrast: TissueContrast) {
  return contrast === 'T2' ? areApart(middle, bright) : areApart(dark, middle);
}

/**
 * Whether grey and white matter stand out from each other. In a FLAIR they hardly do, and lesions
 * may turn their order; in a T1 or T2 of poor contrast or with a heavy lesion load they may not.
 */
function showsGreyAndWhite(
  { tissues: [dark, middle, bright] }: TissueMixture,
  contrast: TissueContrast,
) {
  if (contrast === 'FLAIR') return false;
  return contrast === 'T2' ? areApart(dark, middle) : areApart(middle, bright);
}

/** An atlas is never sure: it knows nothing of this head's folds and lesions. */
const leastPrior = 0.02;

/** The atlas's tissues from dark to bright; CSF is what grey and white matter leave. */
function ranked({ gm: grey, wm: white }: TissuePriors, contrast: TissueContrast): RankedPriors {
  const shares = {
    [csf]: grey.data.map((share, voxel) => Math.max(leastPrior, 1 - share - white.data[voxel])),
    [gm]: grey.data.map((share) => Math.max(leastPrior, share)),
    [wm]: white.data.map((share) => Math.max(leastPrior, share)),
  };
  return darkToBright[contrast].map((tissue) => shares[tissue]) as unknown as RankedPriors;
}

/** The brain's voxels above 0: brain-extracted images have holes, and undershoot at their rim. */
function brainWithSignal({ data }: Volume, brain: Mask): Uint8Array {
  return brain.data.map((inside, voxel) => (inside !== 0 && data[voxel] > 0 ? 1 : 0));
}

/** Class 0 to 4 of each brain voxel, plus 1; 0 outside. */
function mostProbableClasses(
  image: Volume,
  brain: Mask,
  mixture: TissueMixture,
  priors?: RankedPriors,
): Uint8Array {
  const voxels = brainVoxels(brain);
  const means = mixture.tissues.map(({ mean }) => mean);
  const [darkest, brightest] = [Math.min(...means), Math.max(...means)];
  const weights = classWeights(mixture);
  const bins = 1024;
  const binsPerUnit = (bins - 1) / (brightest - darkest);
  const logLikelihood = new Float64Array(bins * classCount);
  for (let bin = 0; bin < bins; bin++) {
    for (let k = 0; k < classCount; k++) {
      const density = weights[k] * classDensity(mixture.tissues, k, darkest + bin / binsPerUnit);
      logLikelihood[bin * classCount + k] = Math.log(Math.max(density, 1e-300));
    }
  }
  const logPrior = (voxel: number, k: number) =>
    priors ? Math.log(classPrior(priors, voxel, k)) : 0;
  // Beyond the means of the darkest and the brightest tissue an intensity says no more than at them.
  const binOf = (voxel: number) =>
    Math.round((Math.min(Math.max(image.data[voxel], darkest), brightest) - darkest) * binsPerUnit);

  const classes = new Uint8Array(brain.data.length);
  const logProbability = new Float32Array(voxels.length * classCount);
  for (let n = 0; n < voxels.length; n++) {
    const bin = binOf(voxels[n]);
    const row = n * classCount;
    let best = 0;
    for (let k = 0; k < classCount; k++) {
      logProbability[row + k] = logLikelihood[bin * classCount + k] + logPrior(voxels[n], k);
      if (logProbability[row + k] > logProbability[row + best]) best = k;
    }
    classes[voxels[n]] = best + 1;
  }

  const spacingMm = voxelSizeMm(image.affine);
  const meanSpacingMm = (spacingMm[0] + spacingMm[1] + spacingMm[2]) / 3;
  const [weightX, weightY, weightZ] = spacingMm.map((mm) => (smoothness * meanSpacingMm) / mm);
  const [dx, dy, dz] = strides(image.size);
  for (let sweep = 0; sweep < sweeps; sweep++) {
    const before = classes.slice();
    let changed = 0;
    for (let n = 0; n < voxels.length; n++) {
      const voxel = voxels[n];
      const row = n * classCount;
      const left = before[voxel - dx];
      const right = before[voxel + dx];
      const behind = before[voxel - dy];
      const ahead = before[voxel + dy];
      const below = before[voxel - dz];
      const above = before[voxel + dz];
      let best = -1;
      let bestValue = -Infinity;
      for (let k = 0; k < classCount; k++) {
        let value = logProbability[row + k];
        value -= weightX * (apart(left, k) + apart(right, k));
        value -= weightY * (apart(behind, k) + apart(ahead, k));
        value -= weightZ * (apart(below, k) + apart(above, k));
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

/** How many classes lie between a neighbour, 1 to 5, and class k from 0; none where it is outside. */
const apart = (neighbour: number, k: number) => (neighbour === 0 ? 0 : Math.abs(neighbour - 1 - k));

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
  mixture: TissueMixture,
  contrast: TissueContrast,
): Tissues {
  const { tissues } = mixture;
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
    const apart = Math.max(brighter - darker, Number.EPSILON);
    const fraction = Math.min(Math.max((image.data[voxel] - darker) / apart, 0), 1);
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
    separatesGreyFromWhite: showsGreyAndWhite(mixture, contrast),
  };
}
