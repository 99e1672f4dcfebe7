import { gaussianSmooth } from '../../volume/gaussian.js';
import { histogram, percentile } from '../../volume/histogram.js';
import { type Mask, onGrid, strides, type Volume } from '../../volume/volume.js';
import { csf, gm, type Tissues, wm } from './tissue.js';

/** What growth starts from. All volumes lie on the grid of the FLAIR. */
export interface Beliefs {
  /** FLAIR in units of the most frequent intensity of the brain. */
  readonly flair: Volume<Float32Array>;
  /** Continuous tissue label, 1 CSF to 3 white matter; bright CSF corrected to grey matter. */
  readonly content: Volume<Float32Array>;
  /** Belief in lesion of the voxels that look like grey matter. */
  readonly greyMatter: Volume<Float32Array>;
  /** Probability of white matter at a place, of the atlas or from the tissues around it. */
  readonly whiteMatter: Volume<Float32Array>;
  /** Belief in lesion of all voxels. */
  readonly total: Volume<Float32Array>;
}

/**
 * Label of a voxel that is dark in the T1 like CSF and bright in the FLAIR as CSF never is: a lesion
 * that has lost its tissue. It is grey matter with some white matter, as LST has it.
 */
const brightCsfContent = 2.4;

/**
 * Belief maps (Schmidt et al. 2012): how far the FLAIR of a voxel lies above the mean of its tissue,
 * in units of the brain's most frequent intensity, times its continuous tissue label, times the
 * probability of white matter there. Where the image does not tell grey from white matter, a voxel has
 * to be brighter than either.
 * @param flair bias-corrected FLAIR, one voxel of background around the brain
 * @param whiteMatterPrior of an atlas; without it the tissues around a place take its part
 */
export function beliefMaps(
  flair: Volume<Float32Array>,
  brain: Mask,
  tissues: Tissues,
  whiteMatterPrior?: Volume<Float32Array>,
): Beliefs {
  const mode = modeOf(flair, brain);
  const normalised = flair.data.map((value, voxel) => (brain.data[voxel] ? value / mode : 0));
  const content = correctBrightCsf(normalised, tissues);

  const mean = meanByTissue(normalised, content);
  if (!tissues.separatesGreyFromWhite) mean[wm] = mean[gm] = Math.max(mean[gm], mean[wm]);
  const excess = new Float32Array(content.length);
  for (let voxel = 0; voxel < content.length; voxel++) {
    if (content[voxel] === 0) continue;
    excess[voxel] = Math.max(0, normalised[voxel] - mean[tissueOf(content[voxel])]);
  }
  const whiteMatter =
    whiteMatterPrior?.data ?? whiteMatterProbability(onGrid(flair, content), normalised, mean[gm]);
  const greyMatter = new Float32Array(content.length);
  const total = new Float32Array(content.length);
  for (let voxel = 0; voxel < content.length; voxel++) {
    if (excess[voxel] === 0) continue;
    total[voxel] = excess[voxel] * content[voxel] * whiteMatter[voxel];
    if (tissueOf(content[voxel]) === gm) greyMatter[voxel] = total[voxel];
  }
  return {
    flair: onGrid(flair, normalised),
    content: onGrid(flair, content),
    greyMatter: onGrid(flair, greyMatter),
    total: onGrid(flair, total),
    whiteMatter: onGrid(flair, whiteMatter),
  };
}

/** The tissue that a continuous label is nearest to. */
export function tissueOf(content: number): typeof csf | typeof gm | typeof wm {
  return content < 1.5 ? csf : content < 2.5 ? gm : wm;
}

/** Mean intensity by tissue; that of a tissue without voxels is infinite. */
function meanByTissue(flair: Float32Array, content: Float32Array): number[] {
  const sum = [0, 0, 0, 0];
  const count = [0, 0, 0, 0];
  for (let voxel = 0; voxel < content.length; voxel++) {
    if (content[voxel] === 0) continue;
    const tissue = tissueOf(content[voxel]);
    sum[tissue] += flair[voxel];
    count[tissue]++;
  }
  return sum.map((value, tissue) => (count[tissue] > 0 ? value / count[tissue] : Infinity));
}

/** The most frequent intensity in the brain: the highest bin of the histogram, smoothed. */
function modeOf(flair: Volume<Float32Array>, brain: Mask): number {
  const bins = 256;
  const high = percentile(flair.data, 99.9, brain.data);
  if (!(high > 0)) return 1;
  const { counts, binWidth } = histogram(flair.data, { bins, low: 0, high }, brain.data);
  let best = 2;
  let bestCount = -1;
  for (let bin = 2; bin < bins - 2; bin++) {
    const smooth =
      counts[bin - 2] + counts[bin + 2] + 2 * (counts[bin - 1] + counts[bin + 1]) + 3 * counts[bin];
    if (smooth > bestCount) {
      bestCount = smooth;
      best = bin;
    }
  }
  return (best + 0.5) * binWidth;
}

/**
 * The continuous label, with lesions that look like CSF in the T1 made grey matter: CSF brighter in
 * the FLAIR than the mean of the grey matter, and from there the brightest 5 % of the grey matter
 * that it touches.
 */
function correctBrightCsf(flair: Float32Array, { labels, content }: Tissues): Float32Array {
  const corrected = content.data.slice();
  const isGm = labels.data.map((label) => (label === gm ? 1 : 0));
  if (!isGm.includes(1)) return corrected;
  let sum = 0;
  let count = 0;
  for (let voxel = 0; voxel < isGm.length; voxel++) {
    if (isGm[voxel] === 0) continue;
    sum += flair[voxel];
    count++;
  }
  const bright = percentile(flair, 95, isGm);
  const [dx, dy, dz] = strides(labels.size);
  const steps = [dx, -dx, dy, -dy, dz, -dz];
  const open: number[] = [];
  for (let voxel = 0; voxel < corrected.length; voxel++) {
    if (labels.data[voxel] !== csf || flair[voxel] <= sum / count) continue;
    corrected[voxel] = brightCsfContent;
    open.push(voxel);
  }
  while (open.length > 0) {
    const voxel = open.pop()!;
    for (const step of steps) {
      const neighbour = voxel + step;
      if (isGm[neighbour] === 0 || flair[neighbour] <= bright) continue;
      isGm[neighbour] = 0;
      corrected[neighbour] = brightCsfContent;
      open.push(neighbour);
    }
  }
  return corrected;
}

/**
 * Width of the neighbourhood that says whether white matter is to be expected at a place: a full
 * width at half maximum of 8 mm, about twice the thickness of the cortex.
 */
const neighbourhoodSigmaMm = 3.4;

/**
 * Probability of white matter at each voxel, from the tissues around it: the white share of grey and
 * white matter under a Gaussian. Voxels brighter in the FLAIR than grey matter may be lesions; they
 * say nothing about the tissue that was there and are left out, so that a large lesion in white
 * matter is judged by what surrounds it. Stands in for the tissue prior that LST takes from an atlas.
 */
function whiteMatterProbability(
  content: Volume<Float32Array>,
  flair: Float32Array,
  meanGm: number,
): Float32Array {
  const white = new Float32Array(flair.length);
  const solid = new Float32Array(flair.length);
  for (let voxel = 0; voxel < flair.length; voxel++) {
    const label = content.data[voxel];
    if (label <= 1 || flair[voxel] > meanGm) continue;
    white[voxel] = Math.max(0, label - 2);
    solid[voxel] = Math.min(1, label - 1);
  }
  const smoothWhite = gaussianSmooth(onGrid(content, white), neighbourhoodSigmaMm).data;
  const smoothSolid = gaussianSmooth(onGrid(content, solid), neighbourhoodSigmaMm).data;
  return smoothWhite.map((value, voxel) =>
    smoothSolid[voxel] > 1e-3 ? value / smoothSolid[voxel] : 0,
  );
}
