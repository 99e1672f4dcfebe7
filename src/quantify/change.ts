import type { ExamDescription } from '../preprocess/exam-description.js';
import type { Remark } from '../remarks.js';
import type { Mat4, Vec3 } from '../volume/affine.js';

/**
 * Name and version of the format of `change.json`; schemas/change-2.schema.json describes it. Files of
 * version 1, which knew the masks alone, are still read: see `read-change.ts`.
 */
export const changeSchema = { schema: 'dawson-change', schemaVersion: 2 } as const;

/**
 * What can become of a lesion between two exams, in the order in which results list it. The place
 * of a class, from 1 on, is its number in `change.nii.gz`.
 */
export const changeClasses = [
  'new',
  'enlarged',
  'shrunken',
  'disappeared',
  'stable',
  'uncertain',
] as const;
export type ChangeClass = (typeof changeClasses)[number];

/** Why a group is called uncertain rather than what the masks alone say. */
export type Doubt =
  /** The volumes differ, but not by more than the error of measuring them. */
  | 'below-measurement-error'
  /** Marked in one exam only, yet as bright in the other one. */
  | 'bright-in-both'
  /** Marked in one exam only, yet the other one shows it faintly, and its probability is not that of absence. */
  | 'probable-in-both'
  /** An exam does not show the place, or not all of it. */
  | 'outside-other-exam'
  /** Marked in one exam only, or changed by so little, that it is too small to be told from chance. */
  | 'below-minimum-size'
  /** Both exams show too little of the brain together. */
  | 'too-little-overlap'
  /** Their FLAIRs are too unlike to be matched. */
  | 'contrast-not-matched';

/**
 * A group of lesions of two exams that belong together: a connected part of the graph whose edges
 * are overlaps in the halfway space. Several ids on one side mean that lesions merged or split.
 */
export interface LesionChange {
  readonly changeClass: ChangeClass;
  /** Ids in the two exams' lesion lists; none in the previous exam for a new lesion. */
  readonly previousIds: readonly number[];
  readonly currentIds: readonly number[];
  /** Sums of the lists' volumes, each measured on its own exam's grid. */
  readonly previousVolumeMl: number;
  readonly currentVolumeMl: number;
  /**
   * The volumes, previous and current, as if both exams had the same voxels: of one shape whose border
   * lies where each exam would mark as many voxels as it does. Where an exam marks nothing, the
   * largest volume that it can miss.
   */
  readonly comparedVolumesMl?: readonly [number, number];
  /**
   * (current - previous) / previous of the compared volumes, -1 where nothing is left; null where
   * there was nothing.
   */
  readonly relativeChange: number | null;
  /** What a difference of the two volumes has to exceed to be more than their measurement error. */
  readonly volumeErrorMl: number;
  /** Ends of the relative change within that error; null where there was nothing. */
  readonly relativeInterval: readonly [number, number] | null;
  /**
   * How much brighter than its surroundings the whole place (either exam's mask) is, in standard
   * deviations of the exam's own brain tissue; null where an exam does not show the place.
   */
  readonly previousBrightness: number | null;
  readonly currentBrightness: number | null;
  /**
   * Mean probability of lesion over the place in the exam that marks nothing there; absent where both
   * mark it, and where that exam does not show the place.
   */
  readonly otherProbability?: number;
  /** Mean place in the newer exam's space, RAS mm. */
  readonly centroidMm: Vec3;
  /**
   * By what the lesion is known in DICOM results of all exams; absent for a new one, and where the
   * exams did not come as DICOM.
   */
  readonly trackingUid?: string;
  readonly doubt?: Doubt;
  /**
   * Mean difference of the matched FLAIRs over the place, current less previous, in standard
   * deviations of unchanged places; null where an exam does not show it; absent without a comparison
   * of the images, and in files of version 1.
   */
  readonly deviations?: number | null;
  /** What came and what went there, the largest first; absent likewise. */
  /** The same number in every comparison of the series for what is one lesion, through splits and merges. */
  readonly seriesId?: number;
}

/** What counts as change; printed with every result. */
export interface ChangeRule {
  /** Relative change of volume from which a lesion counts as enlarged; shrunken at its negative. */
  readonly leastRelativeChange: number;
  /** A new or disappeared lesion, and a difference of volumes, is at least so large. */
  readonly minimumVolumeMm3: number;
  /** Share of the smaller lesion that has to overlap for two lesions to belong together. */
  readonly leastOverlap: number;
  /**
   * Lesions that overlap with none belong together across gaps up to this share of the larger slice
   * distance: positions of slices differ.
   */
  readonly toleranceSlices: number;
  /** A place is as bright as a lesion from this share of the marked exam's brightness on. */
  readonly brightShare: number;
  /**
   * A lesion may be in an exam that does not mark it where its place has this share of the marked exam's
   * brightness and the mean probability `leastProbability`.
   */
  readonly faintShare: number;
  /** 0 to 1, see `faintShare`: alone it may come from a neighbour. */
  readonly leastProbability: number;
  /** A change of volume counts from so many standard deviations of its measurement on. */
  readonly errorDeviations: number;
  /**
   * A lesion that one exam does not mark counts as absent there where its volume exceeds the largest
   * that the exam can miss by so many.
   */
  readonly absenceDeviations: number;
}

/** An exam of a series, in the order of time. */
export interface ComparedExam {
  /**
   * Which of the folders that were given: 'folder 1' is the first. Not its name, which may be a patient's:
   * the document is passed on.
   */
  readonly folder: string;
  readonly flairSha256: string;
  readonly exam?: ExamDescription;
  readonly voxelSizeMm: Vec3;
  readonly lesionCount: number;
  readonly lesionVolumeMl: number;
  readonly brainVolumeMl: number;
}

/** Change from one exam of the series to a later one. */
export interface ExamComparison {
  /** Places in the list of exams, from 0. */
  readonly previous: number;
  readonly current: number;
  /** Maps points of the newer exam's FLAIR to points of the older one's, RAS mm. */
  readonly currentToPrevious: Mat4;
  /** How surely both are one head: see `Registration.sharpness`. */
  readonly sharpness: number;
  readonly counts: Readonly<Record<ChangeClass, number>>;
  /** Groups in the order of the classes, the largest first. */
  readonly lesions: readonly LesionChange[];
  /** How small a new lesion may be; only of the last comparison, where it was asked for and the images could be compared. */
  readonly sensitivity?: PairSensitivity;
  readonly cautions: readonly Remark[];
}

/** One lesion through a series of exams, with whatever it split into and merged with. */
export interface LesionOverTime {
  /** From 1 on, in the order of the exams that first mark them. */
  readonly seriesId: number;
  /** Ids in the list of each exam; none where the exam does not mark it. */
  readonly idsPerExam: readonly (readonly number[])[];
  /** Sum of the list's volumes in each exam. */
  readonly volumesMl: readonly number[];
}

/** How small a new lesion may be to be seen in a pair, by known ones that were painted into the later FLAIR. */
export interface PairSensitivity {
  /** How bright their middle was, in standard deviations of the exam's own brain tissue. */
  readonly brightness: number;
  /** The smallest first: how many were painted, and of how many the comparison says that they are new. */
  readonly byVolume: readonly {
    readonly volumeMm3: number;
    readonly painted: number;
    readonly found: number;
  }[];
  /** Volume from which on three quarters are found; null where fewer of the largest are. */
  readonly seenFromMm3: number | null;
}

/** What `change.json` holds. The same in every run on the same results. */
export interface ChangeDocument {
  readonly schema: typeof changeSchema.schema;
  readonly schemaVersion: typeof changeSchema.schemaVersion;
  readonly notice: string;
  readonly program: { readonly name: 'dawson'; readonly version: string };
  readonly rule: ChangeRule;
  /** In the order of time. */
  readonly exams: readonly ComparedExam[];
  /** Each exam with the one before it; `change.nii.gz` shows the last of them. */
  readonly consecutive: readonly ExamComparison[];
  /** Each exam from the third on with the first. */
  readonly sinceFirst: readonly ExamComparison[];
  /**
   * Each lesion of the series through its exams; `seriesId` of a comparison's groups names it. Absent in
   * files of version 1.
   */
  readonly lesionsOverTime?: readonly LesionOverTime[];
  /** Exams that could not be used or compared, and why. */
  readonly leftOut: readonly { readonly folder: string; readonly reason: string }[];
  /** What concerns the series as a whole. */
  readonly cautions: readonly Remark[];
}
