import { confidencesOf, fitConfidence } from '../../model/lesion-confidence.js';
import type { LesionRule } from '../../model/lesion-rule.js';
import {
  type Component,
  isReal,
  type JudgedCase,
  type Score,
  scoreOf,
  thresholds,
} from '../../train/choose-post-processing.js';

/** Least confidences among which one is chosen; of equally good ones the first counts. */
const minimumConfidences = [0.5, 0.45, 0.55, 0.4, 0.6, 0.35, 0.65, 0.3, 0.7, 0.25, 0.75, 0.2, 0.8];

/** An exam by which a rule is chosen. */
export interface ValidationExam {
  readonly judged: JudgedCase;
  /** Exams of one head or person have the same: each is judged by what was learned from the others. */
  readonly group: string;
  /** From the middle of a slice to that of the next. */
  readonly sliceMm: number;
  /** Whether a person's, marked by experts. */
  readonly isReal: boolean;
}

/** What a rule finds, with a confidence that was learned from other cases. */
export interface JudgedComponent extends Component {
  readonly real: boolean;
  readonly confidence: number;
}

export interface RuleByConfidence {
  readonly rule: LesionRule;
  /** Mean over the exams. */
  readonly score: Score;
  /** What the rule finds in each exam. */
  readonly found: readonly (readonly JudgedComponent[])[];
}

/**
 * The rule of the largest mean of Dice similarity and lesion-wise F1, both smoothed
 * (docs/decisions/0083, 0094). Each exam is judged with a confidence that was learned from the exams
 * of other groups; the rule's own is learned from all.
 * @param smoothMl see {@link scoreOf}
 */
export function ruleByConfidence(
  exams: readonly ValidationExam[],
  smoothMl: number,
): RuleByConfidence {
  let best: { threshold: number; minimum: number; mean: number } | undefined;
  const judgedAt = new Map(
    thresholds.map((threshold) => [threshold, judgedComponents(exams, threshold)]),
  );
  const foundBy = (threshold: number, minimum: number) =>
    judgedAt.get(threshold)!.map((ofCase) => ofCase.filter((one) => one.confidence >= minimum));
  const scoreBy = (found: readonly (readonly JudgedComponent[])[]): Score => {
    const scores = exams.map(({ judged }, index) => scoreOf(judged, found[index], smoothMl));
    const mean = (of: (score: Score) => number) =>
      scores.reduce((sum, score) => sum + of(score), 0) / exams.length;
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
    rule: { threshold, minimumVolumeMm3: 0, confidence, keepLargest: false, connectivity: 26 },
    score: scoreBy(found),
    found,
  };
}

/** What lies above a threshold, exam by exam. */
function judgedComponents(
  exams: readonly ValidationExam[],
  threshold: number,
): JudgedComponent[][] {
  const components = exams.map(({ judged }) =>
    judged.componentsByThreshold
      .get(threshold)!
      .map((component) => ({ ...component, real: isReal(component) })),
  );
  const models = new Map(
    [...new Set(exams.map(({ group }) => group))].map((group) => {
      const isOther = (_: unknown, index: number) => exams[index].group !== group;
      return [group, fitConfidence(components.filter(isOther))];
    }),
  );
  return components.map((ofExam, index) => {
    const confidences = confidencesOf(models.get(exams[index].group)!, ofExam);
    return ofExam.map((component, at) => ({ ...component, confidence: confidences[at] }));
  });
}
