import { type SequenceName, sequenceNames } from '../exam.js';
import {
  type BrainSamples,
  intensityRange,
  leastSamples,
  surelyOf,
  whiteMatterMedian,
} from './brain-samples.js';

/**
 * How a sequence shows the tissues of the brain. Scaling the intensities or adding to them changes
 * none of the numbers.
 */
export interface TissueContrast {
  /** How much brighter fluid is than white matter, as a share of the range of the brain's intensities. */
  readonly fluidOverWhite: number;
  /** Where white matter lies in that range: 0 is its bright end, 1 its dark end. */
  readonly whiteBelowTop: number;
  /** Share of the grey matter, 0 to 1, that is brighter than the median of the white matter. */
  readonly greyAboveWhite: number;
}

/**
 * Measures the contrast; undefined where too little of the brain is shown or it is all one
 * intensity.
 */
export function tissueContrast(samples: BrainSamples): TissueContrast | undefined {
  const white = whiteMatterMedian(samples);
  if (white === undefined) return undefined;
  const [low, high] = intensityRange(samples);
  if (!(high > low)) return undefined;
  const grey = surelyOf(samples, 'grey');
  let [greyCount, above] = [0, 0];
  for (let n = 0; n < grey.length; n++) {
    greyCount += grey[n];
    if (grey[n] && samples.values[n] > white) above++;
  }
  if (greyCount < leastSamples) return undefined;
  const means = tissueMeans(samples, low, high);
  return {
    fluidOverWhite: (means.fluid - means.white) / (high - low),
    whiteBelowTop: (high - white) / (high - low),
    greyAboveWhite: above / greyCount,
  };
}

/**
 * The intensities of pure tissues, by least squares: every voxel is taken as the mixture of them that
 * the atlas expects there. Intensities beyond `low` and `high` count as these.
 */
function tissueMeans(
  { values, white, grey, fluid }: BrainSamples,
  low: number,
  high: number,
): { white: number; grey: number; fluid: number } {
  const system = [0, 1, 2].map(() => new Float64Array(4));
  for (let n = 0; n < values.length; n++) {
    const shares = [white[n], grey[n], fluid[n]];
    const value = Math.min(high, Math.max(low, values[n]));
    for (let row = 0; row < 3; row++) {
      for (let column = 0; column < 3; column++)
        system[row][column] += shares[row] * shares[column];
      system[row][3] += shares[row] * value;
    }
  }
  for (let pivot = 0; pivot < 3; pivot++) {
    for (let row = 0; row < 3; row++) {
      if (row === pivot) continue;
      const factor = system[row][pivot] / system[pivot][pivot];
      for (let column = pivot; column < 4; column++) {
        system[row][column] -= factor * system[pivot][column];
      }
    }
  }
  const [whiteMean, greyMean, fluidMean] = system.map((row, tissue) => row[3] / row[tissue]);
  return { white: whiteMean, grey: greyMean, fluid: fluidMean };
}

/** From and to which values of each measure an image is taken for a kind of sequence. */
type Ranges = { readonly [measure in keyof TissueContrast]: readonly [from: number, to: number] };

/**
 * How the kinds look: in a T2 fluid is the brightest and white matter at the dark end; in a T1 fluid
 * is dark and nearly all grey matter darker than white matter; in a FLAIR fluid is not bright, and a
 * good part of the grey matter brighter than white matter. What lies within `surely` is of no other
 * kind, what lies without `possibly` is unusual for the kind; docs/methods/input-gate.md has the
 * measured distributions.
 */
const kinds: Record<SequenceName, { readonly surely: Ranges; readonly possibly: Ranges }> = {
  flair: {
    surely: { fluidOverWhite: [-2, 0.05], whiteBelowTop: [0, 0.5], greyAboveWhite: [0.4, 1] },
    possibly: { fluidOverWhite: [-2, 0.1], whiteBelowTop: [0, 0.55], greyAboveWhite: [0.25, 1] },
  },
  t2: {
    surely: { fluidOverWhite: [0.15, 2], whiteBelowTop: [0.6, 1], greyAboveWhite: [0, 1] },
    possibly: { fluidOverWhite: [0.05, 2], whiteBelowTop: [0.5, 1], greyAboveWhite: [0, 1] },
  },
  t1: {
    surely: { fluidOverWhite: [-2, -0.15], whiteBelowTop: [0, 0.5], greyAboveWhite: [0, 0.2] },
    possibly: { fluidOverWhite: [-2, -0.1], whiteBelowTop: [0, 0.55], greyAboveWhite: [0, 0.35] },
  },
};

function liesIn(contrast: TissueContrast, ranges: Ranges): boolean {
  const measures = Object.keys(ranges) as (keyof TissueContrast)[];
  return measures.every(
    (measure) => contrast[measure] >= ranges[measure][0] && contrast[measure] <= ranges[measure][1],
  );
}

/** The kind of sequence that surely has this contrast; undefined where it lies between kinds. */
export function surelyLooksLike(contrast: TissueContrast): SequenceName | undefined {
  return sequenceNames.find((name) => liesIn(contrast, kinds[name].surely));
}

/** Whether a sequence of this kind can have this contrast. */
export function canBe(name: SequenceName, contrast: TissueContrast): boolean {
  return liesIn(contrast, kinds[name].possibly);
}
