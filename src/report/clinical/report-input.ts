import type { Caution, ChangeRule, ExamComparison } from '../../quantify/change.js';
import type { Findings } from '../../quantify/findings.js';
import type { Lesion } from '../../quantify/lesions.js';
import type { Mask, Volume } from '../../volume/volume.js';
import type { Language } from './texts.js';

/** Findings with the parts that later versions add. */
export interface ReportFindings extends Findings {
  readonly lesions: readonly ReportLesion[];
  readonly location?: {
    readonly source: 'atlas' | 'anatomy-network';
    readonly rule: {
      readonly periventricularWithinMm: number;
      readonly corticalWithinMm: number;
    };
    readonly leftMl: number;
    readonly rightMl: number;
    readonly disseminationInSpace: readonly string[];
    readonly regions: Readonly<Record<string, { count: number; volumeMl: number }>>;
  };
}

export interface ReportLesion extends Lesion {
  readonly region?: string;
  readonly side?: string;
}

/** One exam as the report reads it: what was found, and the images it was found in. */
export interface ReportedExam {
  readonly findings: ReportFindings;
  /** The FLAIR as it came, on its own grid; lesions and brain lie on the same one. */
  readonly flair: Volume;
  readonly lesions: Mask;
  readonly brain: Mask;
}

/** What changed from the previous exam to the reported one. */
export interface ReportedChange {
  readonly comparison: ExamComparison;
  readonly rule: ChangeRule;
  /** What limits the comparison, besides the comparison's own cautions. */
  readonly cautions: readonly Caution[];
}

export const papers = { a4: 'a4', letter: 'us-letter' } as const;
export type Paper = keyof typeof papers;

/** All that a report is made from; plain values, so that it can go to a worker. */
export interface ReportInput {
  readonly exam: ReportedExam;
  /** Earlier exams in the order of time, the last of them the one compared with. */
  readonly previous: readonly ReportFindings[];
  /** Images of the last of the earlier exams; needed where `change` is given. */
  readonly previousExam?: ReportedExam;
  readonly change?: ReportedChange;
  readonly language: Language;
  readonly paper: Paper;
}
