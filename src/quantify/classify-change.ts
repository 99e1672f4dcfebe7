import type { ChangeClass, ChangeRule, Doubt } from './change.js';

/** What two exams say about one group of lesions. */
export interface GroupMeasures {
  /** As marked; 0 where the exam marks nothing. */
  readonly previousVolumeMl: number;
  readonly currentVolumeMl: number;
  /**
   * As if both exams had the same voxels; where an exam marks nothing, the largest volume that it can
   * miss.
   */
  readonly previousComparedMl: number;
  readonly currentComparedMl: number;
  /** Standard deviation of the difference of both compared volumes. */
  readonly deviationMl: number;
  /** Above the surroundings; null where the exam does not show the place. */
  readonly previousBrightness: number | null;
  readonly currentBrightness: number | null;
  /** Mean probability of the place in the exam that marks nothing there. */
  readonly otherProbability?: number;
  /**
   * How bright lesions are in the current exam for each unit in the previous one, of lesions that
   * both mark; 1 where none are.
   */
  readonly brightnessRatio: number;
}

export const changeRule: ChangeRule = {
  leastRelativeChange: 0.3,
  // A ball of 3 mm diameter, the smallest lesion of the McDonald criteria, has 14 mm3.
  minimumVolumeMm3: 14,
  leastOverlap: 0.2,
  toleranceSlices: 0.5,
  brightShare: 0.6,
  faintShare: 0.15,
  leastProbability: 0.03,
  errorDeviations: 3,
  absenceDeviations: 3,
};

/** The class of a group, and the doubt where that is `uncertain`. */
export function classifyChange(
  group: GroupMeasures,
  rule: ChangeRule,
): { readonly changeClass: ChangeClass; readonly doubt?: Doubt } {
  const { previousVolumeMl, currentVolumeMl } = group;
  if (previousVolumeMl === 0 || currentVolumeMl === 0) {
    const doubt = doubtOfSingle(group, rule);
    if (doubt) return { changeClass: 'uncertain', doubt };
    return { changeClass: previousVolumeMl === 0 ? 'new' : 'disappeared' };
  }
  if (group.previousBrightness === null || group.currentBrightness === null) {
    // An exam that ends within the lesion measures a part of it.
    return { changeClass: 'uncertain', doubt: 'outside-other-exam' };
  }
  const difference = group.currentComparedMl - group.previousComparedMl;
  if (Math.abs(difference) < rule.leastRelativeChange * group.previousComparedMl) {
    return { changeClass: 'stable' };
  }
  if (1000 * Math.abs(difference) < rule.minimumVolumeMm3) {
    return { changeClass: 'uncertain', doubt: 'below-minimum-size' };
  }
  if (Math.abs(difference) <= rule.errorDeviations * group.deviationMl) {
    return { changeClass: 'uncertain', doubt: 'below-measurement-error' };
  }
  return { changeClass: difference > 0 ? 'enlarged' : 'shrunken' };
}

/** Why a lesion that only one exam marks may be no new or disappeared one. */
function doubtOfSingle(group: GroupMeasures, rule: ChangeRule): Doubt | undefined {
  const isNew = group.previousVolumeMl === 0;
  const volumeMl = isNew ? group.currentVolumeMl : group.previousVolumeMl;
  const { previousBrightness, currentBrightness, brightnessRatio } = group;
  const other = isNew ? previousBrightness : currentBrightness;
  if (1000 * volumeMl < rule.minimumVolumeMm3) return 'below-minimum-size';
  if (other === null) return 'outside-other-exam';
  const marked = isNew ? currentBrightness : previousBrightness;
  const expected =
    marked === null ? null : isNew ? marked / brightnessRatio : marked * brightnessRatio;
  const share = expected !== null && expected > 0 ? other / expected : 0;
  if (share >= rule.brightShare) return 'bright-in-both';
  const { otherProbability = 0 } = group;
  if (share >= rule.faintShare && otherProbability >= rule.leastProbability) {
    return 'probable-in-both';
  }
  const missedMl = isNew ? group.previousComparedMl : group.currentComparedMl;
  const comparedMl = isNew ? group.currentComparedMl : group.previousComparedMl;
  return comparedMl - missedMl <= rule.absenceDeviations * group.deviationMl
    ? 'below-measurement-error'
    : undefined;
}
