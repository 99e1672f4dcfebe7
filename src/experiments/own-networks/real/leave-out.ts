import { basename } from 'node:path';
import type { LesionRule } from '../../../model/lesion-rule.js';
import {
  type CompactUnetPlan,
  type Engine,
  loadPredictor,
  type Weights,
} from '../../../network/index.js';
import { predictLesions, windowShape } from '../../../segment/lesions/lesion-network.js';
import type { Volume } from '../../../volume/volume.js';
import type { WorkerPool } from '../../../workers.js';
import { chooseLesionRule, validationExam } from '../lesion-validation.js';
import type { ValidationExam } from '../rule-by-confidence.js';
import type { PreparedCase } from './prepared-case.js';

/**
 * Name of a run on the cases of some sites.
 * @param without names of the cases left out; none for a run on all
 */
export const runName = (sites: readonly string[], without: readonly string[]): string =>
  ['lesions', ...sites.map((site) => basename(site)), ...without].join('-');

/** Networks that learned from all but some people. */
export interface Fold {
  /** Names of the cases left out. */
  readonly without: readonly string[];
  readonly weights: Weights;
}

/** A case as a network sees it that never saw this person. */
export interface LeftOutCase extends PreparedCase {
  readonly probability: Volume<Float32Array>;
  readonly validation: ValidationExam;
}

/**
 * Segments each case by the network of the fold that left it out.
 * @throws RangeError for a case that no fold left out.
 */
export async function segmentLeftOut(
  cases: readonly PreparedCase[],
  folds: readonly Fold[],
  { engine, plan, pool }: { engine: Engine; plan: CompactUnetPlan; pool: WorkerPool },
  onCase?: (name: string) => void,
): Promise<LeftOutCase[]> {
  const known = new Set(folds.flatMap(({ without }) => without));
  for (const { name } of cases) {
    if (!known.has(name)) throw new RangeError(`no fold leaves ${name} out`);
  }
  const results = new Map<string, LeftOutCase>();
  for (const { without, weights } of folds) {
    const predictor = await loadPredictor(engine, plan, weights, windowShape);
    for (const one of cases.filter(({ name }) => without.includes(name))) {
      const probability = await predictLesions(one.exam, predictor.predict, { pool });
      const validation = await validationExam(probability, one.experts, one.name, true, pool);
      results.set(one.name, { ...one, probability, validation });
      onCase?.(one.name);
    }
    await predictor.release();
  }
  return cases.map(({ name }) => results.get(name)!);
}

/**
 * For each case the rule that is chosen without it.
 * @param others exams of nobody among the cases, which choose with them
 */
export function rulesWithoutEach(
  cases: readonly Pick<LeftOutCase, 'validation'>[],
  others: readonly ValidationExam[],
): LesionRule[] {
  return cases.map((_, left) => {
    const rest = cases.filter((_, index) => index !== left).map(({ validation }) => validation);
    return chooseLesionRule([...rest, ...others]).rule;
  });
}

/** The mean of several networks' weights, as of one that learned from all (Wortsman et al. 2022). */
export function meanWeights(networks: readonly Weights[]): Weights {
  const [first] = networks;
  return new Map(
    [...first].map(([name, { shape, data }]) => {
      const mean = new Float32Array(data.length);
      for (const weights of networks) {
        const other = weights.get(name)!.data;
        for (let at = 0; at < mean.length; at++) mean[at] += other[at] / networks.length;
      }
      return [name, { shape, data: mean }];
    }),
  );
}
