import { confidencesOf, fitConfidence } from '../segment/lesion-confidence.js';
import type { PostProcessing } from '../segment/lesion-rule.js';
import {
  type Component,
  isReal,
  type JudgedCase,
  type Score,
  scoreOf,
  thresholds,
} from './choose-post-processing.js';

/** Least confidences among which one is chosen; of equally good ones the first counts. */
const minimumConfidences = [0.5, 0.45, 0.55, 0.4, 0.6, 0.35, 0.65, 0.3, 0.7, 0.25, 0.75, 0.2, 0.8];

/** What a rule finds, with a confidence that was learned from other cases. */
export interface JudgedComponent extends Component {
  readonly real: boolean;
  readonly confidence: number;
}

export interface RuleByConfidence {
  readonly rule: PostProcessing;
  /** Mean over the cases. */
  readonly score: Score;
  /** What the rule finds in each case. */
  readonly found: readonly (readonly JudgedComponent[])[];
}

/**
 * The rule of the largest mean of Dice similarity and lesion-wise F1, both smoothed
 * (docs/decisions/0083, 0094). Each case is judged with a confidence that was learned from the cases
 * of other groups; the rule's own is learned from all.
 * @param groups one for each case: those of one head have the same
 * @param smoothMl see {@link scoreOf}
 */
export function ruleByConfidence(
  cases: readonly JudgedCase[],
  groups: readonly number[],
  smoothMl: number,
): RuleByConfidence {
  let best: { threshold: number; minimum: number; mean: number } | undefined;
  const judgedAt = new Map(
    thresholds.map((threshold) => [threshold, judgedComponents(cases, groups, threshold)]),
  );
  const foundBy = (threshold: number, minimum: number) =>
    judgedAt.get(threshold)!.map((ofCase) => ofCase.filter((one) => one.confidence >= minimum));
  const scoreBy = (found: readonly (readonly JudgedComponent[])[]): Score => {
    const scores = cases.map((judged, index) => scoreOf(judged, found[index], smoothMl));
    const mean = (of: (score: Score) => number) =>
      scores.reduce((sum, score) => sum + of(score), 0) / scores.length;
    return { dice: mean(({ dice }) => dice), detection: mean(({ detection }) => detection) };
  };
  for (const threshold of thresholds) {
    for (const minimum of minimumConfidences) {
      const { dice, detection } = scoreBy(foundBy(threshold, minimum));
      const mean = (dice + detection) / 2;
      // Sums in another order must not decide.
      if (!best || mean > best.mean + 1e-12) best = { threshold, minimum, mean };
    }
  }
  const { threshold, minimum } = best!;
  const found = foundBy(threshold, minimum);
  const confidence = { ...fitConfidence(judgedAt.get(threshold)!), minimum };
  return {
    rule: { threshold, minimumVolumeMm3: 0, confidence, keepLargest: false },
    score: scoreBy(found),
    found,
  };
}

/** Of each case what lies above a threshold. */
function judgedComponents(
  cases: readonly JudgedCase[],
  groups: readonly number[],
  threshold: number,
): JudgedComponent[][] {
  const components = cases.map(({ componentsByThreshold }) =>
    componentsByThreshold
      .get(threshold)!
      .map((component) => ({ ...component, real: isReal(component) })),
  );
  const models = new Map(
    [...new Set(groups)].map((group) => [
      group,
      fitConfidence(components.filter((_, index) => groups[index] !== group)),
    ]),
  );
  return components.map((ofCase, index) => {
    const confidences = confidencesOf(models.get(groups[index])!, ofCase);
    return ofCase.map((component, at) => ({ ...component, confidence: confidences[at] }));
  });
}
