import { requireOneOf } from '../../errors.js';
import type { ChangeRule, ExamComparison } from '../../quantify/change.js';
import type { Findings } from '../../quantify/findings.js';
import { type Language, languages, type Remark } from '../../remarks.js';
import type { Mask, Volume } from '../../volume/volume.js';

/** One exam as the report reads it: what was found, and the images it was found in. */
export interface ReportedExam {
  readonly findings: Findings;
  /** The FLAIR as it came, on its own grid; lesions and brain lie on the same one. */
  readonly flair: Volume;
  readonly lesions: Mask;
  readonly brain: Mask;
}

/** What changed from the previous exam to the reported one. */
export interface ReportedChange {
  readonly comparison: ExamComparison;
  readonly rule: ChangeRule;
  /**
   * This exam's FLAIR less the previous one's, matched, in standard deviations of unchanged places, on
   * this exam's grid; absent where the images were not compared.
   */
  readonly difference?: Volume;
}

export const papers = { a4: 'a4', letter: 'us-letter' } as const;
export type Paper = keyof typeof papers;

/** @throws DawsonError `usage` for a language or a paper that there is not. */
export function requireReportOptions({ language, paper }: Pick<ReportInput, 'language' | 'paper'>) {
  requireOneOf('language', language, Object.keys(languages));
  requireOneOf('paper', paper, Object.keys(papers));
}

/** All that a report is made from; plain values, so that it can go to a worker. */
export interface ReportInput {
  readonly exam: ReportedExam;
  /** Earlier exams in the order of time, the last of them the one compared with. */
  readonly previous: readonly Findings[];
  /** Images of the last of the earlier exams; needed where `change` is given. */
  readonly previousExam?: ReportedExam;
  readonly change?: ReportedChange;
  /** What is odd about the series of exams. */
  readonly cautions?: readonly Remark[];
  readonly language: Language;
  readonly paper: Paper;
}
