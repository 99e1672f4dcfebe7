import type { MatchRule } from './definitions.js';
import { type LesionOverlap, type SharedVoxels, transposed } from './lesion-overlap.js';

/** Which lesions found a partner. */
export interface Matches {
  /** For each lesion of the reference: was it detected? */
  readonly detected: readonly boolean[];
  /** For each lesion of the prediction: is it a true one? */
  readonly confirmed: readonly boolean[];
  /** Intersection over union of each matched pair of a one-to-one rule, best first; else empty. */
  readonly pairIous: readonly number[];
}

/** Matches the lesions of a pair by a rule. */
export function matchLesions(overlap: LesionOverlap, rule: MatchRule): Matches {
  switch (rule.kind) {
    case 'overlap-rule':
      return {
        detected: foundByOverlapRule(overlap, rule),
        confirmed: foundByOverlapRule(transposed(overlap), rule),
        pairIous: [],
      };
    case 'any-voxel':
      return {
        detected: touched(overlap.referenceSizes.length, overlap.shared, 'reference'),
        confirmed: touched(overlap.predictionSizes.length, overlap.shared, 'prediction'),
        pairIous: [],
      };
    case 'share':
      return {
        detected: coveredBy(overlap, rule.atLeast),
        confirmed: coveredBy(transposed(overlap), rule.atLeast),
        pairIous: [],
      };
    case 'one-to-one':
      return oneToOne(overlap, rule.iouAtLeast);
  }
}

/**
 * Commowick et al. 2018, as animaSegPerfAnalyzer 4.2 decides it: for each row lesion the covered
 * part S must be strictly above `overlapAbove`; then the lesions that cover it are looked at by
 * falling overlap, and it is lost if one of them lies by strictly more than `outsideAtMost` outside
 * all row lesions, unless those before made up at least `coverageStop` of the covered part.
 */
function foundByOverlapRule(
  { referenceSizes, predictionSizes, shared }: LesionOverlap,
  rule: Extract<MatchRule, { kind: 'overlap-rule' }>,
): boolean[] {
  const insideVoxels = new Array<number>(predictionSizes.length).fill(0);
  const byRow = referenceSizes.map((): SharedVoxels[] => []);
  for (const entry of shared) {
    insideVoxels[entry.prediction] += entry.voxels;
    byRow[entry.reference].push(entry);
  }
  return referenceSizes.map((sizeVoxels, row) => {
    const coveredVoxels = byRow[row].reduce((sum, { voxels }) => sum + voxels, 0);
    if (!(coveredVoxels / sizeVoxels > rule.overlapAbove)) return false;
    const byFallingOverlap = byRow[row].sort(
      (a, b) => b.voxels - a.voxels || a.prediction - b.prediction,
    );
    let examined = 0;
    for (const { prediction, voxels } of byFallingOverlap) {
      if (!(examined < rule.coverageStop)) break;
      const size = predictionSizes[prediction];
      if ((size - insideVoxels[prediction]) / size > rule.outsideAtMost) return false;
      examined += voxels / coveredVoxels;
    }
    return true;
  });
}

/** Says of each row lesion whether this share of it is covered. */
function coveredBy({ referenceSizes, shared }: LesionOverlap, atLeast: number): boolean[] {
  const covered = new Array<number>(referenceSizes.length).fill(0);
  for (const { reference, voxels } of shared) covered[reference] += voxels;
  return referenceSizes.map((sizeVoxels, row) => covered[row] >= atLeast * sizeVoxels);
}

function touched(
  count: number,
  shared: readonly SharedVoxels[],
  side: 'reference' | 'prediction',
): boolean[] {
  const found = new Array<boolean>(count).fill(false);
  for (const entry of shared) found[entry[side]] = true;
  return found;
}

/** Greedy by falling intersection over union; of equal ones the prediction first in memory order. */
function oneToOne(
  { referenceSizes, predictionSizes, shared }: LesionOverlap,
  iouAtLeast: number,
): Matches {
  const detected = new Array<boolean>(referenceSizes.length).fill(false);
  const confirmed = new Array<boolean>(predictionSizes.length).fill(false);
  const pairIous: number[] = [];
  const candidates = shared
    .map((entry) => {
      const union =
        referenceSizes[entry.reference] + predictionSizes[entry.prediction] - entry.voxels;
      return { ...entry, iou: entry.voxels / union };
    })
    .filter(({ iou }) => iou >= iouAtLeast)
    .sort((a, b) => b.iou - a.iou || a.prediction - b.prediction || a.reference - b.reference);
  for (const { reference, prediction, iou } of candidates) {
    if (detected[reference] || confirmed[prediction]) continue;
    detected[reference] = true;
    confirmed[prediction] = true;
    pairIous.push(iou);
  }
  return { detected, confirmed, pairIous };
}
