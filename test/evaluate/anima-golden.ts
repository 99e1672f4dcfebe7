import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { definitions } from '../../src/evaluate/definitions.js';
import { evaluatePair, type PairEvaluation } from '../../src/evaluate/evaluate-pair.js';
import { lesionOverlap } from '../../src/evaluate/lesion-overlap.js';
import { lesionScores } from '../../src/evaluate/lesion-scores.js';
import { type MaskPair, pairMasks } from '../../src/evaluate/mask-pair.js';
import { volumes, voxelOverlap } from '../../src/evaluate/voxel-overlap.js';
import type { Vec3 } from '../../src/volume/affine.js';
import type { Mask } from '../../src/volume/volume.js';
import type { Case } from './perturb.js';

/** What animaSegPerfAnalyzer printed, with six decimals; null where it printed nan. */
export interface AnimaCase extends Case {
  readonly mask: string;
  readonly thick: boolean;
  readonly Dice?: number | null;
  readonly NbTestedLesions?: number;
  readonly [measure: string]: unknown;
}

export function golden(name: string): AnimaCase[] {
  return JSON.parse(
    readFileSync(new URL(`../goldens/evaluate/${name}.json`, import.meta.url), 'utf8'),
  );
}

/** Header voxel sizes are single precision, and the analyzer widens them. */
const headerVoxelSize = (spacingMm: Vec3) => spacingMm.map(Math.fround) as unknown as Vec3;

type Figures = Omit<PairEvaluation, 'definition' | 'undefined'>;

export function evaluateCase(animaCase: AnimaCase, reference: Mask, prediction: Mask): Figures {
  const pair = pairMasks(reference, prediction, headerVoxelSize(animaCase.spacingMm));
  expect([pair.referenceVoxels, pair.predictionVoxels], 'the pair of the golden').toEqual(
    animaCase.voxels,
  );
  if ('ContourMeanDistance' in animaCase) return evaluatePair(pair, definitions.anima);
  return withoutSurface(pair);
}

/** The figures that need no distances, which take most of the time of large masks. */
function withoutSurface(pair: MaskPair): Figures {
  const overlap = lesionOverlap(pair, 6, 3);
  const isEmpty = pair.referenceVoxels === 0;
  return {
    ...voxelOverlap(pair, {}),
    volumes: volumes(pair, {}),
    surface: null,
    lesionwise: lesionScores(overlap, definitions.anima, isEmpty, pair.voxelVolumeMm3, {}),
  };
}

function ourMeasures({ surface, lesionwise, volumes, ...voxelwise }: Figures) {
  return {
    Dice: voxelwise.dsc,
    Jaccard: voxelwise.jaccard,
    Sensitivity: voxelwise.recall,
    PPV: voxelwise.precision,
    RelativeVolumeError: volumes.differencePercent,
    PPVL: lesionwise!.precision,
    SensL: lesionwise!.recall,
    F1_score: lesionwise!.f1,
    ContourMeanDistance:
      surface &&
      Math.max(surface.referenceToPrediction.meanMm, surface.predictionToReference.meanMm),
    NbTestedLesions: lesionwise!.predictedLesions,
    VolTestedLesions: 1000 * lesionwise!.predictedLesionsMl,
  };
}

/** Measures that differ from the analyzer's by more than its last printed digit. */
export function differences(animaCase: AnimaCase, evaluation: Figures) {
  return Object.entries(ourMeasures(evaluation)).flatMap(([measure, ours]) => {
    if (!(measure in animaCase)) return [];
    const theirs = animaCase[measure] as number | null;
    const same =
      ours === null || theirs === null
        ? ours === theirs
        : Math.abs(ours - theirs) <= 1e-6 * Math.max(1, Math.abs(theirs));
    return same ? [] : [{ ...animaCase, measure, ours, theirs }];
  });
}
