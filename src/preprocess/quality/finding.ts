import type { SequenceName } from '../exam.js';

/**
 * How much a finding matters: `info` is good to know, a `warning` can make the result worse, and
 * with a `severe` one the result is likely to be wrong.
 */
export const severities = ['info', 'warning', 'severe'] as const;
export type Severity = (typeof severities)[number];

/** What a finding is about. */
export const qualityCodes = [
  'wrong-sequence',
  'unusual-contrast',
  'brain-cut-off',
  'brain-size',
  'coarse-resolution',
  'noise',
  'ghosting',
  'clipped',
  'negative-values',
  'outliers',
  'marks-unlike-ms',
] as const;
export type QualityCode = (typeof qualityCodes)[number];

/** Something about an exam's images that a reader of the result has to know. */
export interface QualityFinding {
  readonly severity: Severity;
  readonly code: QualityCode;
  /** The sequence it is about; absent when it is about the exam. */
  readonly sequence?: SequenceName;
  /** One sentence for a person, with the measured numbers. */
  readonly text: string;
}
