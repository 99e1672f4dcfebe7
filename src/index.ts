// biome-ignore-all assist/source/organizeImports: in the order in which a reader meets them
/**
 * What a program may import of Dawson. Every long piece of work takes its inputs, then what shall
 * differ from the defaults, then how it is run ({@link RunOptions}); only the inputs are needed.
 * Every failure is a {@link DawsonError}. Not a medical device: results are not for diagnosis.
 */

// First of all, so that an older Node.js is told so before it meets what it does not know.
import './require-node.js';

// Files and volumes: x fastest, an affine from voxel indices to RAS mm.
export {
  type ImageFile,
  type NiftiHeader,
  readTransform,
  readVolume,
  writeNifti,
  writeTransform,
} from './formats/index.js';
export type { LabelMap, Mask, Size, Volume, VoxelData } from './volume/volume.js';
export type { Mat4, Vec3 } from './volume/affine.js';

// One exam: from its files to its lesions, and to a folder of results.
export { type Analysis, analyze } from './analyze.js';
export type { AnalyzeOptions } from './analysis-options.js';
export type { ExamFiles, SequenceName } from './preprocess/exam.js';
export type { ExamSource } from './preprocess/exam-source.js';
export type { Findings, FoundLesion } from './quantify/findings.js';
export { writeAnalysis } from './write-analysis.js';
export { resultFiles } from './quantify/result-folder.js';
export { type ExamResult, readResult } from './quantify/read-result.js';

// Exams of one patient, each in its folder: what changed, and the report.
export { type Tracking, track, writeTracking } from './track.js';
export type { ChangeClass, ChangeDocument } from './quantify/change.js';
export { type ExamReport, type ReportOptions, report } from './report-exam.js';

// All exams of a cohort, a process each: one table, one page and BIDS derivatives.
export {
  type Batch,
  type BatchOptions,
  type BatchPlan,
  batch,
  planBatch,
} from './batch.js';

// How well masks agree with references: one pair, or a cohort.
export {
  type Cohort,
  type CohortRow,
  type Definition,
  type DefinitionName,
  definitions,
  type EvaluatedCase,
  type EvaluationSettings,
  evaluateCohort,
  evaluateFiles,
  type FileEvaluation,
  type PairEvaluation,
  readCohort,
} from './evaluate/index.js';

// Exams that no patient ever had, and trained models.
export { type SynthesisSources, synthesizeExam } from './synthesize/synthesize-exam.js';
export type { SyntheticExam } from './synthesize/exam.js';
export { type Training, type TrainingSettings, train } from './train/training.js';
export type { ModelFolder } from './model/model-folder.js';
export { openModel } from './model/open-model.js';

// How work is run, and what can go wrong.
export type { Run, RunOptions } from './run.js';
export type { Progress, Stage } from './stage.js';
export { WorkerPool } from './workers.js';
export { DawsonError, type ErrorCode, errorTable } from './errors.js';
export { version } from './version.js';
