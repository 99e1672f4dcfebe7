import type { LesionRule } from '../model/lesion-rule.js';
import type { ModelRecord } from '../model/model-record.js';
import type { EngineSettings } from '../network/index.js';
import type { Exam, SequenceName } from '../preprocess/exam.js';
import type { PreparedExam } from '../preprocess/prepared-exam.js';
import type { Remark } from '../remarks.js';
import type { Run } from '../run.js';
import type { LabelMap, Volume } from '../volume/volume.js';

/** What a segmenter finds in a prepared exam, on the exam's grid. */
export interface Segmentation {
  /** Probability of lesion, 0 to 1; 0 outside the brain of a prepared exam. */
  readonly probability: Volume<Float32Array>;
  /** How the probabilities become lesions. */
  readonly rule: LesionRule;
  /** What the network tells apart, where it is more than lesion and the rest. */
  readonly classes?: SegmentedClasses;
  /** The tissues that the segmenter told apart on its way, where it does. */
  readonly tissues?: LabelMap<Uint8Array>;
  /** What the reader of the result has to know: what was missing and what was done without it. */
  readonly notes: readonly Remark[];
}

/** The labels and regions that a network of several classes finds; nothing outside of the brain. */
export interface SegmentedClasses {
  readonly labels: LabelMap<Uint8Array>;
  /** The labels that are lesion. */
  readonly lesionLabels: readonly number[];
  /** Each output of the network but the background, in their order. */
  readonly probabilities: readonly {
    readonly name: string;
    readonly probability: Volume<Float32Array>;
  }[];
}

/** By what a segmenter can be steered; each takes what concerns it. */
export interface SegmenterChoice {
  /** Belief from which LST-LGA seeds a lesion, 0 to 1. */
  readonly kappa?: number;
  /** Folder of a trained model. */
  readonly model?: string;
  /** Whether a trained model also looks at mirrored images, where it was trained so: up to 8 times the work. */
  readonly mirror: boolean;
  /** Distance between windows of a trained model, as a part of its patch, above 0 to 1. */
  readonly stepSize: number;
  /** Whether a trained model sees the prepared exam, or images as they are in their files. */
  readonly preparation: boolean;
  /** Where networks run. */
  readonly engine: EngineSettings;
}

/** A segmenter that has what it needs, and what the findings say about it. */
export interface OpenSegmenter {
  readonly settings: Readonly<Record<string, number | string>>;
  readonly model?: ModelRecord;
  /** May take minutes; shows its stages. @throws DawsonError; the signal's reason. */
  segment(exam: PreparedExam, run: Run): Promise<Segmentation>;
  /**
   * The same with images as they are in their files, on one grid, and what was found on that grid;
   * only of trained models.
   */
  segmentAsRead?(exam: Exam, run: Run): Promise<Segmentation>;
  /**
   * Looks whether images can be seen as they are, before the long work begins.
   * @throws DawsonError `inputs-conflict` for images on several grids.
   */
  requireOneGrid?(exam: Exam): void;
}

/**
 * Makes a segmenter ready for an exam with these sequences, so that what is missing is said before
 * the long work begins.
 */
export type Open = (
  choice: SegmenterChoice,
  sequences: readonly SequenceName[],
  run: Run,
) => Promise<OpenSegmenter>;
