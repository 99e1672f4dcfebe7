export { type Choice, chooseSeries } from './choose.js';
export {
  type DicomExam,
  type DicomExamOptions,
  openDicomExam,
  openEarlierExams,
} from './dicom-exam.js';
export { findStack } from './find-stack.js';
export type { Instance, PatientDetails } from './instance.js';
export { type DicomFolder, readDicomFolder, requireUnchanged } from './read-folder.js';
export { ownManufacturer, patientDetailsOf } from './read-instance.js';
export type { DicomRemark } from './refusal.js';
export { scanSourcesInWorker } from './scan.js';
export { like, readSiteRules, type SiteRule } from './site-rules.js';
export type { StackKind } from './stack-kind.js';
export { type SourceFrame, type StackVolume, stackVolume } from './stack-volume.js';
export type { Stack } from './stacks.js';
export type { Series, Study } from './study.js';
export { type ComposedObject, composeObjectsInWorker } from './write/compose.js';
export { dicomHeader } from './write/data-set.js';
export { exportResult, writeObjects } from './write/export.js';
export { exportRefusal } from './write/export-refusal.js';
export { readSourceHeaderInWorker } from './write/source-header.js';
export { type SourceSeries, sourceOfStack } from './write/source-series.js';
export { keptTrackingUids, trackingUidsOf, withTrackingUids } from './write/tracking.js';
