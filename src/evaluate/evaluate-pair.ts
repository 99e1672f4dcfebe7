import type { Connectivity } from '../volume/components.js';
import { type Definition, matchInWords } from './definitions.js';
import { type LesionOverlap, lesionOverlap } from './lesion-overlap.js';
import { type LesionScores, lesionScores } from './lesion-scores.js';
import type { MaskPair } from './mask-pair.js';
import { type SurfaceDistances, surfaceDistances } from './surface-distances.js';
import type { Undefined } from './undefined.js';
import { type Volumes, type VoxelOverlap, volumes, voxelOverlap } from './voxel-overlap.js';

/** All figures of one prediction against its reference, under one definition. */
export interface PairEvaluation extends VoxelOverlap {
  readonly volumes: Volumes;
  /** Null when a mask is empty. */
  readonly surface: SurfaceDistances | null;
  /** Null under a definition without lesions. */
  readonly lesionwise: LesionScores | null;
  readonly definition: {
    readonly name: string;
    readonly connectivity: Connectivity | null;
    readonly minimumMm3: number;
    readonly match: string;
    readonly surface: Definition['surface'];
  };
  /** Why a figure is null, by its name. */
  readonly undefined: Undefined;
}

/** Evaluates a pair under one definition. */
export function evaluatePair(pair: MaskPair, definition: Definition): PairEvaluation {
  return evaluateUnder(pair, [definition])[0];
}

/**
 * Evaluates a pair under several definitions; what they share (surfaces, lesions of the same
 * connectivity and minimum size) is computed once.
 */
export function evaluateUnder(
  pair: MaskPair,
  definitions: readonly Definition[],
): PairEvaluation[] {
  const distances = new Map<string, [SurfaceDistances | null, Undefined]>();
  const overlaps = new Map<string, LesionOverlap>();
  const voxelReasons: Undefined = {};
  const voxelwise = voxelOverlap(pair, voxelReasons);
  const volumesMl = volumes(pair, voxelReasons);
  return definitions.map((definition) => {
    const { name, connectivity, minimumMm3, match, surface } = definition;
    const reasons: Undefined = { ...voxelReasons };
    const [surfaceFigures, surfaceReasons] = remember(distances, surface, () => {
      const why: Undefined = {};
      return [surfaceDistances(pair, surface, why), why];
    });
    Object.assign(reasons, surfaceReasons);
    let lesionwise: LesionScores | null = null;
    if (connectivity !== null) {
      const overlap = remember(overlaps, `${connectivity} ${minimumMm3}`, () =>
        lesionOverlap(pair, connectivity, minimumMm3),
      );
      lesionwise = lesionScores(
        overlap,
        { ...definition, connectivity },
        pair.referenceVoxels === 0,
        pair.voxelVolumeMm3,
        reasons,
      );
    }
    return {
      ...voxelwise,
      volumes: volumesMl,
      surface: surfaceFigures,
      lesionwise,
      definition: { name, connectivity, minimumMm3, match: matchInWords(match), surface },
      undefined: reasons,
    };
  });
}

function remember<T>(known: Map<string, T>, key: string, compute: () => T): T {
  const value = known.get(key) ?? compute();
  known.set(key, value);
  return value;
}
