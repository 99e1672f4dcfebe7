import type { Findings } from '../../quantify/findings.js';
import type { Lesion } from '../../quantify/lesions.js';
import type { Mat4 } from '../../volume/affine.js';
import type { Mask, Volume } from '../../volume/volume.js';
import type { Language } from './texts.js';

/** Findings with the parts that later versions add. */
export interface ReportFindings extends Findings {
  readonly exam?: {
    readonly patient?: {
      readonly id?: string;
      readonly name?: string;
      readonly birthDate?: string;
      readonly sex?: string;
    };
    readonly date?: string;
    readonly scanner?: {
      readonly manufacturer?: string;
      readonly model?: string;
      readonly fieldStrengthTesla?: number;
    };
  };
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

/** What can become of a lesion between two exams, in the order in which the report lists it. */
export const changeClasses = [
  'new',
  'enlarged',
  'shrunken',
  'disappeared',
  'stable',
  'uncertain',
] as const;
export type ChangeClass = (typeof changeClasses)[number];

/** Lesions of two exams that belong together: several where lesions merged or split. */
export interface LesionChange {
  readonly changeClass: ChangeClass;
  /** Ids in the two exams' lesion lists; none in the previous exam for a new lesion. */
  readonly previousIds: readonly number[];
  readonly currentIds: readonly number[];
  readonly previousVolumeMl: number;
  readonly currentVolumeMl: number;
}

/** What changed from the previous exam to the reported one. */
export interface ReportedChange {
  readonly lesions: readonly LesionChange[];
  /** Relative change of volume from which a lesion counts as enlarged or shrunken, such as 0.3. */
  readonly leastRelativeChange: number;
  /** Maps points of the reported exam's FLAIR to points of the previous one's, RAS mm. */
  readonly currentToPrevious: Mat4;
  /** What limits the comparison, in sentences. */
  readonly cautions: readonly string[];
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
